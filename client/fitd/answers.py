"""What the API answers, as types. Made by client/generate.py from the OpenAPI document."""

from typing import Any, Literal, NotRequired, TypedDict


class FromView(TypedDict):
    """The version that a training goes on from."""

    model: str
    optimizer: bool
    version: int


class VersionLinks(TypedDict):
    """Paths of what belongs to a version."""

    evaluate: str
    evaluations: str
    export: str
    job: str | None
    model: str
    predict: str
    self: str


class StatusView(TypedDict):
    """That nothing is wrong, in TensorFlow Serving's words."""

    error_code: NotRequired[str]
    error_message: NotRequired[str]


class VersionStatusView(TypedDict):
    """What TensorFlow Serving says of a version that answers."""

    state: NotRequired[str]
    status: NotRequired[StatusView]
    version: str


class ScoreView(TypedDict):
    """How the network does on held-out rows, compared with a baseline that ignores the inputs."""

    baseline: float | None
    baseline_metrics: dict[str, float | None]
    higher_is_better: bool
    metric: str
    metrics: dict[str, float | None]
    part: Literal["test", "validation", "out_of_fold"]
    rows: int
    skill: float | None
    value: float | None


class LayerView(TypedDict):
    """One line of a model's summary."""

    layer: str
    output_shape: list[int | None]
    params: int


AnsweringVersionView = TypedDict(
    "AnsweringVersionView",
    {
        "compile": dict[str, Any],
        "created_at": str,
        "data": dict[str, Any],
        "environment": dict[str, Any],
        "fit": dict[str, Any],
        "from": NotRequired[FromView | None],
        "input": dict[str, Any],
        "job": str | None,
        "links": VersionLinks,
        "members": NotRequired[int | None],
        "metrics": dict[str, float | list[float | None] | None],
        "model": str,
        "model_version_status": list[VersionStatusView],
        "output": dict[str, Any],
        "partial": bool,
        "score": ScoreView | None,
        "sha256": str,
        "size_bytes": int,
        "spec": dict[str, Any],
        "summary": list[LayerView],
        "timing": dict[str, Any],
        "version": int,
    },
)
"""A version and, as TensorFlow Serving says it, that it answers."""


class ValueCount(TypedDict):
    """A value of a column and how many rows have it."""

    count: int
    value: str | bool


class ColumnView(TypedDict):
    """What a column of a table holds."""

    deviation: NotRequired[float | None]
    distinct: NotRequired[int | None]
    looks_like: NotRequired[Literal["number", "mostly_number", "date"] | None]
    max: NotRequired[int | float | str | None]
    mean: NotRequired[float | None]
    min: NotRequired[int | float | str | None]
    missing: int
    name: str
    type: Literal["number", "boolean", "category", "date", "empty"]
    values: NotRequired[list[ValueCount] | None]


class DatasetLinks(TypedDict):
    """Paths of what belongs to a dataset."""

    content: str
    self: str


class Remark(TypedDict):
    """Something allowed and probably not intended, with the place in the request that it is about."""

    code: str
    detail: str
    pointer: str


class DatasetView(TypedDict):
    """A stored dataset: a table with named columns, or arrays x and y."""

    classes: NotRequired[list[str] | None]
    columns: NotRequired[list[ColumnView] | None]
    created_at: str
    form: Literal["table", "arrays"]
    id: str
    links: DatasetLinks
    name: str | None
    rows: int
    sha256: str | None
    size_bytes: int
    warnings: NotRequired[list[Remark]]
    width: int


class DatasetPage(TypedDict):
    """Some datasets, newest first."""

    items: list[DatasetView]
    next_cursor: str | None


class KeptEvaluation(TypedDict):
    """What a version got right and wrong on a dataset, on data of a request, or on the part held out for a test."""

    created_at: str
    dataset: str | None
    id: str
    metrics: dict[str, float | list[float | None] | None]
    model: str
    part: str | None
    report: dict[str, Any]
    rows: int
    version: int


class EvaluationPage(TypedDict):
    """Some evaluations, newest first."""

    items: list[KeptEvaluation]
    next_cursor: str | None


class EvaluationView(TypedDict):
    """Loss and metrics of a version on the data."""

    dataset: str | None
    id: str
    metrics: dict[str, float | list[float | None] | None]
    model: str
    report: dict[str, Any]
    rows: int
    version: int


class EpochView(TypedDict):
    """The metrics of one epoch, counted from 1."""

    epoch: int
    learning_rate: NotRequired[float | None]
    member: NotRequired[int | None]
    metrics: dict[str, float | list[float | None] | None]
    rows_per_second: NotRequired[float | None]
    seconds: NotRequired[float | None]


class HistoryPage(TypedDict):
    """The epochs of a job, in order."""

    items: list[EpochView]
    next_cursor: NotRequired[str | None]


ImportedVersionView = TypedDict(
    "ImportedVersionView",
    {
        "compile": dict[str, Any],
        "created_at": str,
        "data": dict[str, Any],
        "environment": dict[str, Any],
        "fit": dict[str, Any],
        "from": NotRequired[FromView | None],
        "input": dict[str, Any],
        "job": str | None,
        "links": VersionLinks,
        "members": NotRequired[int | None],
        "metrics": dict[str, float | list[float | None] | None],
        "model": str,
        "output": dict[str, Any],
        "partial": bool,
        "score": ScoreView | None,
        "sha256": str,
        "size_bytes": int,
        "spec": dict[str, Any],
        "summary": list[LayerView],
        "timing": dict[str, Any],
        "version": int,
        "warnings": list[Remark],
    },
)
"""A version that came in, and what it could not keep of what came."""


class JobError(TypedDict):
    """Why a job failed."""

    detail: str
    reason: str


class JobLinks(TypedDict):
    """Paths of what belongs to a job."""

    cancel: str
    events: str
    history: str
    model: str
    predict: str | None
    self: str
    version: str | None


class Progress(TypedDict):
    """How far a job is."""

    epoch: int
    epochs: int
    eta_seconds: float | None
    fraction: float
    member: NotRequired[int | None]
    members: NotRequired[int | None]


Status = Literal["queued", "running", "cancelling", "cancelled", "succeeded", "failed"]

JobView = TypedDict(
    "JobView",
    {
        "attempt": int,
        "created_at": str,
        "error": JobError | None,
        "finished_at": str | None,
        "from": NotRequired[FromView | None],
        "id": str,
        "links": JobLinks,
        "metrics": dict[str, float | list[float | None] | None],
        "model": str,
        "priority": int,
        "progress": Progress,
        "score": NotRequired[ScoreView | None],
        "seed": int | None,
        "started_at": str | None,
        "status": Status,
        "version": int | None,
        "waits_for": NotRequired[str | None],
        "warnings": list[Remark],
    },
)
"""A training job."""


class JobPage(TypedDict):
    """Some jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


class LabelLinks(TypedDict):
    """Paths of what belongs to a label."""

    history: str
    predict: str
    self: str
    version: str


class LabelView(TypedDict):
    """A label and the version that it points at."""

    label: str
    links: LabelLinks
    model: str
    updated_at: str
    version: int


class LabelPage(TypedDict):
    """The labels of a model, by name."""

    items: list[LabelView]
    next_cursor: NotRequired[str | None]


class LabelStatusView(TypedDict):
    """A label and, as TensorFlow Serving says it, that its version answers."""

    label: str
    links: LabelLinks
    model: str
    model_version_status: list[VersionStatusView]
    updated_at: str
    version: int


class ModelLinks(TypedDict):
    """Paths of what belongs to a model."""

    evaluate: str
    evaluations: str
    labels: str
    predict: str
    self: str
    versions: str


class ModelView(TypedDict):
    """A named model; its latest version answers predictions."""

    created_at: str
    latest_version: int | None
    links: ModelLinks
    name: str
    updated_at: str
    versions: int


class ModelPage(TypedDict):
    """Some models, by name."""

    items: list[ModelView]
    next_cursor: str | None


class ModelStatusView(TypedDict):
    """A model and, as TensorFlow Serving lists them, the versions that answer, newest first."""

    created_at: str
    latest_version: int | None
    links: ModelLinks
    model_version_status: NotRequired[list[VersionStatusView]]
    name: str
    updated_at: str
    versions: int


class PredictionJobLinks(TypedDict):
    """Paths of what belongs to a prediction job."""

    cancel: str
    content: str | None
    dataset: str | None
    events: str
    model: str
    result: str | None
    self: str
    version: str


class PredictionProgress(TypedDict):
    """How far a prediction is."""

    eta_seconds: float | None
    fraction: float
    rows: int
    rows_done: int


class PredictionJobView(TypedDict):
    """A prediction job."""

    attempt: int
    created_at: str
    dataset: str | None
    error: JobError | None
    finished_at: str | None
    id: str
    include: NotRequired[list[str]]
    interval: NotRequired[float | None]
    links: PredictionJobLinks
    model: str
    name: NotRequired[str | None]
    outputs: NotRequired[list[Literal["predictions", "predicted_classes", "probabilities"]] | None]
    priority: int
    progress: PredictionProgress
    result: str | None
    started_at: str | None
    status: Status
    top_k: NotRequired[int | None]
    version: int
    waits_for: NotRequired[str | None]


class PredictionJobPage(TypedDict):
    """Some prediction jobs, newest first."""

    items: list[PredictionJobView]
    next_cursor: str | None


class ExplanationView(TypedDict):
    """What moved a prediction from that for a typical row: the baseline and all contributions add up to it."""

    baseline: float | list[float | None] | None
    columns: dict[str, float | list[float | None] | None]
    method: Literal["exact", "sampled"]
    output: NotRequired[str | None]


class ClassScore(TypedDict):
    """A class and its output."""

    name: str
    score: float | None


class PredictionView(TypedDict):
    """The response to `instances`."""

    explanations: NotRequired[list[ExplanationView] | None]
    intervals: NotRequired[list[list[list[float | None]]] | None]
    model: str
    predicted_classes: NotRequired[list[str] | None]
    predictions: NotRequired[list[list[float | None]] | None]
    probabilities: NotRequired[list[dict[str, float | None]] | None]
    sets: NotRequired[list[list[str]] | None]
    top_k: NotRequired[list[list[ClassScore]] | None]
    version: int


class ProblemError(TypedDict):
    """One mistake: where, a stable word for a program, and a sentence for a person."""

    code: str
    detail: str
    parameter: NotRequired[str | None]
    pointer: NotRequired[str | None]


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    code: str
    detail: str
    error: NotRequired[str | None]
    errors: NotRequired[list[ProblemError] | None]
    errors_total: NotRequired[int | None]
    request_id: str
    status: int
    title: str
    type: str


class RowsView(TypedDict):
    """How the rows are used."""

    test: NotRequired[int]
    training: int
    validation: int


ValidationView = TypedDict(
    "ValidationView",
    {
        "features": NotRequired[list[str] | None],
        "from": NotRequired[FromView | None],
        "memory_bytes": int,
        "parameters": int,
        "parts": NotRequired[dict[str, Any] | None],
        "request": dict[str, Any],
        "rows": RowsView,
        "steps": int,
        "steps_per_epoch": int,
        "summary": list[LayerView],
        "valid": NotRequired[bool],
        "warnings": list[Remark],
    },
)
"""A training that would be accepted: its network, its steps, its memory, and warnings."""

VersionView = TypedDict(
    "VersionView",
    {
        "compile": dict[str, Any],
        "created_at": str,
        "data": dict[str, Any],
        "environment": dict[str, Any],
        "fit": dict[str, Any],
        "from": NotRequired[FromView | None],
        "input": dict[str, Any],
        "job": str | None,
        "links": VersionLinks,
        "members": NotRequired[int | None],
        "metrics": dict[str, float | list[float | None] | None],
        "model": str,
        "output": dict[str, Any],
        "partial": bool,
        "score": ScoreView | None,
        "sha256": str,
        "size_bytes": int,
        "spec": dict[str, Any],
        "summary": list[LayerView],
        "timing": dict[str, Any],
        "version": int,
    },
)
"""One trained set of weights, which never changes, and how it came about."""


class VersionPage(TypedDict):
    """Some versions of a model, newest first."""

    items: list[VersionView]
    next_cursor: str | None
