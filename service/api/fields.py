"""The fields that many views share: one type, with one description, for each idea."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

ModelName = Annotated[str, Field(description="The name of the model.")]
VersionNumber = Annotated[int, Field(description="The number of the version, counted from 1 within its model.")]
DatasetId = Annotated[
    str | None, Field(description="The id of the dataset; null if the data came in the request or was deleted since.")
]
RowCount = Annotated[int, Field(description="The number of rows, at least 1.")]
SizeBytes = Annotated[int, Field(description="The size as stored, in bytes.")]

CreatedAt = Annotated[datetime, Field(description="When it was created, in UTC (RFC 3339).")]
UpdatedAt = Annotated[datetime, Field(description="When it last changed, in UTC (RFC 3339).")]
StartedAt = Annotated[
    datetime | None, Field(description="When a worker first started it, in UTC (RFC 3339); null while it is queued.")
]
FinishedAt = Annotated[
    datetime | None,
    Field(description="When it succeeded, failed or was cancelled, in UTC (RFC 3339); null before that."),
]

NextCursor = Annotated[
    str | None, Field(description="Send it as the parameter `cursor` to get the next page; null on the last page.")
]

SelfLink = Annotated[str, Field(description="Path of this resource.")]
ModelLink = Annotated[str, Field(description="Path of the model.")]
CancelLink = Annotated[str, Field(description="Path to which a POST cancels the job.")]
EventsLink = Annotated[str, Field(description="Path of the events of the job, as server-sent events.")]
PredictLink = Annotated[str, Field(description="Path to which a POST sends rows to predict.")]
EvaluateLink = Annotated[
    str, Field(description="Path to which a POST measures the version on data with known targets.")
]
EvaluationsLink = Annotated[str, Field(description="Path of the evaluations that are kept.")]

Parameters = Annotated[
    dict[str, Any] | None,
    Field(description="Parameters of the protocol's extensions, by name; null if there are none."),
]
