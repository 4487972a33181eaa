"""Views of jobs: what the API answers about them."""

from typing import Self

from pydantic import BaseModel, Field

from service.api import fields
from service.api.http.remarks import Remark
from service.api.jobs.progress import Progress, eta_seconds
from service.api.models.score import ScoreView
from service.formats.metric_values import MetricValue
from service.jobs import Job, Status
from service.spec.prediction import Output

Metrics = dict[str, MetricValue]
"""The name and value of each metric, a list where it is a vector; null where it was not a finite number."""


class JobError(BaseModel):
    """Why a job failed."""

    reason: str = Field(description="Why it failed, as a stable word for programs.", examples=["diverged"])
    detail: str = Field(description="Why it failed, as a sentence for people.")


class FromView(BaseModel):
    """The version that a training goes on from."""

    model: fields.ModelName
    version: int = Field(description="Its number; that a newer one comes or a label moves changes nothing.")
    optimizer: bool = Field(description="Whether the optimizer goes on with its state, or begins anew.")


class JobLinks(BaseModel):
    """Paths of what belongs to a job."""

    self: fields.SelfLink
    history: str = Field(description="Path of the metrics of every epoch.")
    events: fields.EventsLink
    cancel: fields.CancelLink
    model: fields.ModelLink
    version: str | None = Field(description="Path of the version that the job made; null until there is one.")
    predict: str | None = Field(
        description="Path to which a POST sends rows to predict with that version; null until there is one."
    )


class JobView(BaseModel):
    """A training job."""

    id: str = Field(
        examples=["job_1n2v5jz4q9s0mxjrkpt8c7w3ye"], description="The id of the job, `job_` and 26 letters and digits."
    )
    status: Status = Field(
        description="Where the job stands: `queued`, `running`, `succeeded`, `failed` or `cancelled`."
    )
    model: str = Field(examples=["digits"], description="The name of the model that the job trains.")
    version: int | None = Field(
        description="The version that the job made; of a cancelled one the partial version, if it leaves any."
    )
    from_: FromView | None = Field(None, alias="from", description="The version that it goes on from, if it does.")
    progress: Progress = Field(description="How far the job is.")
    metrics: Metrics = Field(
        description="Metrics of the last finished epoch; once the job has succeeded, those of its version.",
        examples=[{"loss": 0.31, "accuracy": 0.92}],
    )
    score: ScoreView | None = Field(
        None, description="How well the finished model predicts held-out rows; null where none were held out."
    )
    priority: int = Field(
        description="Jobs of a higher number, -100 to 100, start first; among equals the oldest does."
    )
    attempt: int = Field(description="The number of times that a worker has started the job.")
    waits_for: str | None = Field(
        None, description="Why the job makes no progress, such as a full disk; null if nothing holds it up."
    )
    seed: int | None = Field(description="The seed of all randomness: the same request with it trains the same model.")
    warnings: list[Remark] = Field(
        description="Things that are allowed and probably not intended; `nothing_to_keep` if a cancelled job had no "
        "weights to keep."
    )
    created_at: fields.CreatedAt
    started_at: fields.StartedAt
    finished_at: fields.FinishedAt
    error: JobError | None = Field(description="Why the job failed; null unless it did.")
    links: JobLinks = Field(description="Paths of the resources that belong to the job.")

    @classmethod
    def of(cls, job: Job) -> Self:
        """The view of a job as it stands."""
        path, model = f"/v1/training-jobs/{job.id}", f"/v1/models/{job.model}"
        version = None if job.version is None else f"{model}/versions/{job.version}"
        score = None if job.score is None else ScoreView(**job.score)
        found = [_NOTHING_KEPT if _kept_nothing(job) else None, None if score is None else score.warning]
        return cls(
            id=job.id,
            status=job.status,
            model=job.model,
            version=job.version,
            **{"from": job.request.get("from")},
            progress=Progress.of(job),
            metrics=job.metrics,
            score=score,
            priority=job.priority,
            attempt=job.attempt,
            waits_for=job.waits_for,
            seed=job.request.get("fit", {}).get("seed"),
            warnings=[*job.request.get("warnings", []), *(one for one in found if one is not None)],
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            error=None if job.error is None else JobError(**job.error),
            links=JobLinks(
                self=path,
                history=f"{path}/history",
                events=f"{path}/events",
                cancel=f"{path}:cancel",
                model=model,
                version=version,
                predict=version and f"{version}:predict",
            ),
        )


class PredictionProgress(BaseModel):
    """How far a prediction is."""

    rows_done: int = Field(description="The number of rows predicted so far.")
    rows: int = Field(description="The number of rows in the dataset.")
    fraction: float = Field(description="The finished share of the work, 0 to 1.")
    eta_seconds: float | None = Field(
        description="The estimated time until the end, in seconds; null while there is no estimate."
    )


class PredictionJobLinks(BaseModel):
    """Paths of what belongs to a prediction job."""

    self: fields.SelfLink
    events: fields.EventsLink
    cancel: fields.CancelLink
    model: fields.ModelLink
    version: str = Field(description="Path of the version that predicts.")
    dataset: str | None = Field(description="Path of the dataset that is predicted; null once it was deleted.")
    result: str | None = Field(description="Path of the dataset with the predictions; null until there is one.")
    content: str | None = Field(
        description="Path of the predictions as a file: CSV, Parquet or Arrow; null until there is one."
    )


class PredictionJobView(BaseModel):
    """A prediction job."""

    id: str = Field(
        examples=["job_1n2v5jz4q9s0mxjrkpt8c7w3ye"], description="The id of the job, `job_` and 26 letters and digits."
    )
    status: Status = Field(
        description="Where the job stands: `queued`, `running`, `succeeded`, `failed` or `cancelled`."
    )
    model: str = Field(examples=["digits"], description="The name of the model that predicts.")
    version: int = Field(description="The version that predicts, fixed when the job was made.")
    dataset: str | None = Field(description="The id of the dataset that is predicted; null once it was deleted.")
    outputs: list[Output] | None = Field(None, description="What was asked for; null for what suits the version.")
    interval: float | None = Field(None, description="The probability of the intervals or sets that were asked for.")
    top_k: int | None = Field(
        None, description="The number of most likely classes that each row gets; null if not asked for."
    )
    include: list[str] = Field([], description="Columns of the dataset that the result repeats.")
    name: str | None = Field(None, description="The name under which the result is kept; null if none was given.")
    result: str | None = Field(
        description="The id of the dataset with the predictions; null until there is one and after it was deleted."
    )
    progress: PredictionProgress = Field(description="How far the job is.")
    priority: int = Field(
        description="Jobs of a higher number, -100 to 100, start first; among equals the oldest does."
    )
    attempt: int = Field(description="The number of times that a worker has started the job.")
    waits_for: str | None = Field(
        None, description="Why the job makes no progress, such as a full disk; null if nothing holds it up."
    )
    created_at: fields.CreatedAt
    started_at: fields.StartedAt
    finished_at: fields.FinishedAt
    error: JobError | None = Field(description="Why the job failed; null unless it did.")
    links: PredictionJobLinks = Field(description="Paths of the resources that belong to the job.")

    @classmethod
    def of(cls, job: Job) -> Self:
        """The view of a job as it stands."""
        path, model, rows = f"/v1/prediction-jobs/{job.id}", f"/v1/models/{job.model}", job.request["rows"]
        result = job.result and f"/v1/datasets/{job.result}"
        progress = PredictionProgress(
            rows_done=round(job.fraction * rows), rows=rows, fraction=job.fraction, eta_seconds=eta_seconds(job)
        )
        return cls(
            id=job.id,
            status=job.status,
            model=job.model,
            version=job.request["version"],
            dataset=job.dataset,
            **{
                key: job.request[key]
                for key in ("outputs", "top_k", "interval", "include", "name")
                if key in job.request
            },
            result=job.result,
            progress=progress,
            priority=job.priority,
            attempt=job.attempt,
            waits_for=job.waits_for,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            error=None if job.error is None else JobError(**job.error),
            links=PredictionJobLinks(
                self=path,
                events=f"{path}/events",
                cancel=f"{path}:cancel",
                model=model,
                version=f"{model}/versions/{job.request['version']}",
                dataset=job.dataset and f"/v1/datasets/{job.dataset}",
                result=result,
                content=result and f"{result}/content",
            ),
        )


class PredictionJobPage(BaseModel):
    """Some prediction jobs, newest first."""

    items: list[PredictionJobView] = Field(description="The prediction jobs of this page, newest first.")
    next_cursor: fields.NextCursor


class EpochView(BaseModel):
    """The metrics of one epoch, counted from 1."""

    epoch: int = Field(description="The number of the epoch, counted from 1.")
    member: int | None = Field(None, description="The member of a bag that trained the epoch, counted from 1.")
    metrics: Metrics = Field(description="Loss and metrics by name; those of validation data begin with `val_`.")
    learning_rate: float | None = Field(
        None, description="The learning rate that the epoch was trained with, above 0; null where it is not known."
    )
    seconds: float | None = Field(None, description="Duration of the epoch with its validation, in seconds.")
    rows_per_second: float | None = Field(None, description="Training rows processed in a second.")


class JobPage(BaseModel):
    """Some jobs, newest first."""

    items: list[JobView] = Field(description="The jobs of this page, newest first.")
    next_cursor: fields.NextCursor


class JobBatch(BaseModel):
    """The jobs of one request, in its order."""

    items: list[JobView] = Field(description="The jobs, in the order of the request.")


class HistoryPage(BaseModel):
    """The epochs of a job, in order."""

    items: list[EpochView] = Field(description="The epochs of this page, in order.")
    next_cursor: fields.NextCursor = None


_NOTHING_KEPT = Remark(
    pointer="#/keep",
    code="nothing_to_keep",
    detail="The job left no version: when it was cancelled, no step was done or no checkpoint could be read, or it had "
    "stopped before its weights were asked for.",
)


def _kept_nothing(job: Job) -> bool:
    return job.status is Status.CANCELLED and job.keep is not None and job.version is None
