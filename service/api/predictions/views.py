"""Views of predictions and evaluations: the JSON of requests and responses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api import fields
from service.api.jobs.views import Metrics
from service.spec.inline_data import DATA_SCHEMA
from service.spec.prediction import Output

MOST_REPEATS = 20
"""So often a feature may be shuffled to see how much it matters."""

_ROWS_SCHEMA = {
    "type": "array",
    "items": {"anyOf": [{"type": "array"}, {"type": "object"}, {"type": "number"}]},
    "minItems": 1,
}


_TOP_K_SCHEMA = {"type": "integer", "minimum": 1, "description": "So many of the likeliest classes of each row."}


_INTERVAL_SCHEMA = {
    "type": "number",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 1,
    "examples": [0.9],
    "description": "The probability with which the truth lies in the interval of each output, or in the set of classes "
    "of each row, such as 0.9; `intervals` or `sets` hold them.",
}


class PredictionRequest(BaseModel):
    """Rows to predict, as TensorFlow Serving's REST API takes them."""

    model_config = ConfigDict(extra="forbid")

    instances: Annotated[
        Any, WithJsonSchema({**_ROWS_SCHEMA, "description": "Rows as wide as those of the training; or objects."})
    ] = None
    inputs: Annotated[
        Any,
        WithJsonSchema(
            {
                "description": 'In place of `instances`: rows, `{"input": rows}`, or a list for each column.',
                "anyOf": [_ROWS_SCHEMA, {"type": "object"}],
            }
        ),
    ] = None
    signature_name: str | None = Field(None, description="`serving_default`, the one signature, or nothing.")
    outputs: list[Output] | None = Field(
        None,
        description="What to answer; `predictions` and, where there are classes, `predicted_classes` if not given.",
    )
    top_k: Annotated[Any, WithJsonSchema(_TOP_K_SCHEMA)] = None
    interval: Annotated[Any, WithJsonSchema(_INTERVAL_SCHEMA)] = None
    explain: bool | None = Field(
        None, description="Whether each prediction comes with what each column adds to it: `explanations` hold that."
    )


class ClassScore(BaseModel):
    """A class and its output."""

    name: str = Field(description="The name of the class, or its index as a text where classes have no names.")
    score: float | None = Field(
        description="The output of the class, a probability where the network returns such; null where it is not a "
        "finite number."
    )


class ExplanationView(BaseModel):
    """What moved a prediction from that for a typical row: the baseline and all contributions add up to it."""

    output: str | None = Field(
        None, description="The class whose probability is explained: the most likely one; not given for numbers."
    )
    method: Literal["exact", "sampled"] = Field(
        description="Whether the Shapley values are exact, as for up to ten columns, or means over drawn orders."
    )
    baseline: float | list[float | None] | None = Field(
        description="The answer for a typical row of the training data; a list where there are several outputs."
    )
    columns: dict[str, float | list[float | None] | None] = Field(
        description="What each column adds to the baseline; columns as in the typical row add 0.",
        examples=[{"weight": 0.31, "skin": -0.02}],
    )


class AnswerView(BaseModel):
    """What is told of each row besides its outputs, and by which version."""

    predicted_classes: list[str] | None = Field(
        None, description="The most likely class of each row; only where the version knows class names."
    )
    probabilities: list[dict[str, float | None]] | None = Field(
        None, description="The output of each class by its name, if asked for."
    )
    top_k: list[list[ClassScore]] | None = Field(None, description="The likeliest classes of each row, if asked for.")
    intervals: list[list[list[float | None]]] | None = Field(
        None,
        description="The low and the high end for each output of each row, if `interval` asks for them.",
        examples=[[[[12.5, 19.0]]]],
    )
    sets: list[list[str]] | None = Field(
        None, description="The classes of each row of which one is true with that probability, if asked for."
    )
    explanations: list[ExplanationView] | None = Field(
        None, description="For each row what its columns add to the prediction for a typical row, if asked for."
    )
    model: fields.ModelName
    version: fields.VersionNumber


Rows = Annotated[
    list[list[float | None]] | None,
    Field(description="The outputs of each row, unless `outputs` asks for others alone.", examples=[[[0.1, 0.9]]]),
]


class PredictionView(AnswerView):
    """The response to `instances`."""

    predictions: Rows = None


class OutputsView(AnswerView):
    """The response to `inputs`: as that to `instances`, with the rows of outputs under `outputs`."""

    outputs: Rows = None


_ROWS = (
    "The inputs as `:predict` takes them under `instances`: rows, of a table's columns also as objects by their names."
)
_INLINE_SCHEMA = {
    **DATA_SCHEMA,
    "properties": {
        **{key: value for key, value in DATA_SCHEMA["properties"].items() if key != "split"},
        "x": {"type": "array", "description": _ROWS},
    },
}
_STORED_SCHEMA = {
    "type": "object",
    "description": "A stored dataset.",
    "properties": {
        "dataset": {"type": "string", "description": "The id of the dataset, or its name if no other has it."},
        "target": {
            "description": "The target of the version, with `missing`: `drop` to leave out rows that have none, which "
            "is so where its training did."
        },
        "sample_weight": {"type": "string", "description": "The column with the weight of each row in the loss."},
    },
    "required": ["dataset"],
}


class EvaluationRequest(BaseModel):
    """Data to measure a version on."""

    model_config = ConfigDict(extra="forbid")

    data: Annotated[Any, WithJsonSchema({"anyOf": [_INLINE_SCHEMA, _STORED_SCHEMA]})] = Field(
        description="Inputs with known targets: in the request, or a stored dataset."
    )
    importance: int | None = Field(
        None, ge=1, le=MOST_REPEATS, description="Says how much each feature matters, by shuffling it so many times."
    )


class EvaluationView(BaseModel):
    """Loss and metrics of a version on the data."""

    id: str = Field(description="The id under which the evaluation is kept as long as its version.")
    metrics: Metrics = Field(examples=[{"loss": 0.31, "accuracy": 0.92}], description="Loss and metrics by name.")
    report: dict[str, Any] = Field(
        description="Of classes: confusion matrix (null beyond 1,000 classes), precision, recall, F1, ROC and "
        "precision-recall curves and areas. Of numbers: R2, RMSE, MAE and quantiles of the residuals."
    )
    rows: fields.RowCount
    dataset: fields.DatasetId
    model: fields.ModelName
    version: fields.VersionNumber
