"""Views of jobs: what the API answers about them."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, Field

from service.api.http.remarks import Remark
from service.api.models.score import ScoreView
from service.formats.metric_values import MetricValue
from service.jobs import Job, Status
from service.spec.prediction import Output

Metrics = dict[str, MetricValue]
"""The name and value of each metric, a list where it is a vector; null where it was not a finite number."""


class Progress(BaseModel):
    """How far a job is."""

    epoch: int = Field(description="Epochs done; of a bag those of the member that is being trained.")
    epochs: int = Field(description="Epochs asked for; of a bag those of each member.")
    member: int | None = Field(None, description="The member of a bag that is being trained, from 1.")
    members: int | None = Field(None, description="How many members the bag is to have.")
    fraction: float = Field(description="Share of the work that is done, 0 to 1.")
    eta_seconds: float | None = Field(description="Time to the end, as far as it can be told; null while it cannot.")


class JobError(BaseModel):
    """Why a job failed."""

    reason: str = Field(description="A stable word.", examples=["diverged"])
    detail: str


class FromView(BaseModel):
    """The version that a training goes on from."""

    model: str
    version: int = Field(description="Its number; that a newer one comes or a label moves changes nothing.")
    optimizer: bool = Field(description="Whether the optimizer goes on with its state, or begins anew.")


class JobLinks(BaseModel):
    """Paths of what belongs to a job."""

    self: str
    history: str
    events: str
    cancel: str
    model: str
    version: str | None
    predict: str | None


class JobView(BaseModel):
    """A training job."""

    id: str = Field(examples=["job_1n2v5jz4q9s0mxjrkpt8c7w3ye"])
    status: Status
    model: str = Field(examples=["digits"])
    version: int | None = Field(
        description="The version that the job made; of a cancelled one the partial version, if it leaves any."
    )
    from_: FromView | None = Field(None, alias="from", description="The version that it goes on from, if it does.")
    progress: Progress
    metrics: Metrics = Field(
        description="Of the last epoch that is done; once a job has succeeded, what its version has.",
        examples=[{"loss": 0.31, "accuracy": 0.92}],
    )
    score: ScoreView | None = Field(
        None, description="How the finished model does on held-out rows; null where none were held out."
    )
    priority: int = Field(description="The highest goes first, among equals the oldest.")
    attempt: int = Field(description="How many times a worker has started on it.")
    waits_for: str | None = Field(None, description="Why it stands still, where something keeps it: a full disk, say.")
    seed: int | None = Field(description="The seed of all randomness: the same request with it trains the same model.")
    warnings: list[Remark] = Field(
        description="What is probably not meant; `nothing_to_keep` if a cancel was to keep weights and there were none."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    links: JobLinks

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
            progress=_progress(job),
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


def _progress(job: Job) -> Progress:
    member, epoch = job.place(job.epoch)
    return Progress(
        epoch=epoch,
        epochs=job.epochs // (job.members or 1),
        fraction=job.fraction,
        eta_seconds=_eta_seconds(job),
        member=member,
        members=job.members,
    )


class PredictionProgress(BaseModel):
    """How far a prediction is."""

    rows_done: int = Field(description="Rows predicted.")
    rows: int = Field(description="Rows of the dataset.")
    fraction: float = Field(description="Share of the work that is done, 0 to 1.")
    eta_seconds: float | None = Field(description="Time to the end, as far as it can be told; null while it cannot.")


class PredictionJobLinks(BaseModel):
    """Paths of what belongs to a prediction job."""

    self: str
    events: str
    cancel: str
    model: str
    version: str
    dataset: str | None
    result: str | None
    content: str | None = Field(description="The result itself, as CSV, Parquet or Arrow.")


class PredictionJobView(BaseModel):
    """A prediction job."""

    id: str = Field(examples=["job_1n2v5jz4q9s0mxjrkpt8c7w3ye"])
    status: Status
    model: str = Field(examples=["digits"])
    version: int = Field(description="The version that predicts, fixed when the job was made.")
    dataset: str | None = Field(description="The data; null once it was deleted.")
    outputs: list[Output] | None = Field(None, description="What was asked for; null: what suits the version.")
    top_k: int | None = Field(None, description="So many of the likeliest classes of each row.")
    include: list[str] = Field([], description="Columns of the dataset that the result repeats.")
    name: str | None = Field(None, description="The name that the result is kept under.")
    result: str | None = Field(description="The dataset that the job made; null before, and once it was deleted.")
    progress: PredictionProgress
    priority: int = Field(description="The highest goes first, among equals the oldest.")
    attempt: int = Field(description="How many times a worker has started on it.")
    waits_for: str | None = Field(None, description="Why it stands still, where something keeps it: a full disk, say.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    links: PredictionJobLinks

    @classmethod
    def of(cls, job: Job) -> Self:
        """The view of a job as it stands."""
        path, model, rows = f"/v1/prediction-jobs/{job.id}", f"/v1/models/{job.model}", job.request["rows"]
        result = job.result and f"/v1/datasets/{job.result}"
        progress = PredictionProgress(
            rows_done=round(job.fraction * rows), rows=rows, fraction=job.fraction, eta_seconds=_eta_seconds(job)
        )
        return cls(
            id=job.id,
            status=job.status,
            model=job.model,
            version=job.request["version"],
            dataset=job.dataset,
            **{key: job.request[key] for key in ("outputs", "top_k", "include", "name") if key in job.request},
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

    items: list[PredictionJobView]
    next_cursor: str | None


class EpochView(BaseModel):
    """The metrics of one epoch, counted from 1."""

    epoch: int
    member: int | None = Field(None, description="Of a bag the member, from 1, that this is the epoch of.")
    metrics: Metrics
    learning_rate: float | None = None
    seconds: float | None = Field(None, description="How long the epoch took, its validation included.")
    rows_per_second: float | None = None


class JobPage(BaseModel):
    """Some jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


class JobBatch(BaseModel):
    """The jobs of one request, in its order."""

    items: list[JobView]


class HistoryPage(BaseModel):
    """The epochs of a job, in order."""

    items: list[EpochView]
    next_cursor: str | None = None


_NOTHING_KEPT = Remark(
    pointer="#/keep",
    code="nothing_to_keep",
    detail="The job left no version: when it was cancelled, no step was done or no checkpoint could be read, or it had "
    "stopped before its weights were asked for.",
)


def _kept_nothing(job: Job) -> bool:
    return job.status is Status.CANCELLED and job.keep is not None and job.version is None


def _eta_seconds(job: Job) -> float | None:
    if job.expected_at is None or job.status is not Status.RUNNING:
        return None
    return round(max(0.0, (job.expected_at - datetime.now(UTC)).total_seconds()), 3)
