"""Training jobs: asked for, checked, followed, cancelled."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from service.api.examples import BATCH_EXAMPLES, CANCEL_EXAMPLES, TRAINING_EXAMPLES
from service.api.http.bodies import JsonBytes, described, read_object, whole_body
from service.api.http.paths import JobId
from service.api.http.problems import documented
from service.api.jobs.bag_history import of_all, of_member
from service.api.jobs.routes import IdempotencyKey, Prefer, answer_cancelled, answer_submitted, job_routes
from service.api.jobs.submission import MOST_IN_A_BATCH, Submitted, read_batch, read_one, submit
from service.api.jobs.validation import ValidationView
from service.api.jobs.views import EpochView, HistoryPage, JobBatch, JobView
from service.api.state import Shared, State
from service.errors import Findings, NotFound
from service.jobs import Keep, Kind
from service.spec import TrainingRequest
from service.spec.data import MOST_FOLDS

router = job_routes(Kind.TRAINING)

BODY = described("TrainingRequest", TRAINING_EXAMPLES)
MemberNumber = Annotated[
    int | None, Query(ge=1, le=MOST_FOLDS, description="One member of a bag, from 1; the mean of all if not given.")
]
UNFIT = documented(400, 413, 415, 422, 429, 503)


class CancelRequest(BaseModel):
    """How to cancel."""

    model_config = ConfigDict(extra="forbid")

    keep: Keep | None = Field(None, description="Which weights to keep as a partial version; none if not given.")


class BatchRequest(BaseModel):
    """Training jobs to queue together."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    jobs: list[TrainingRequest] = Field(
        min_length=1,
        max_length=MOST_IN_A_BATCH,
        description="The trainings to queue, at most 1,000; either all or none of them are queued.",
    )


@router.post(
    "/training-jobs",
    status_code=202,
    response_model=JobView,
    responses={
        200: {"model": JobView, "description": "The finished job, as `Prefer: wait` asked."},
        **UNFIT,
        **documented(404),
    },
    openapi_extra=BODY,
)
async def create_training_job(
    shared: Shared, body: JsonBytes, response: Response, prefer: Prefer = None, idempotency_key: IdempotencyKey = None
) -> Any:
    """Trains a network on data: checks both, stores both, and queues the job.

    Answers at once with the job and its path in `Location`; a worker trains it. With `Prefer: wait=N` it answers
    200 with the finished job if it is done within N seconds, else 202 with the job as it stands.
    """
    submitted = await run_in_threadpool(_submit_one, shared, body, idempotency_key)
    return await answer_submitted(shared, submitted, Kind.TRAINING, prefer, response)


@router.post(
    "/training-jobs:batch",
    status_code=202,
    response_model=JobBatch,
    responses=UNFIT | documented(404),
    openapi_extra=described("BatchRequest", BATCH_EXAMPLES),
)
def create_training_jobs(
    shared: Shared, body: JsonBytes, response: Response, idempotency_key: IdempotencyKey = None
) -> JobBatch:
    """Queues many trainings in one request, all of them or none: a model for each shop, or many settings to try."""
    submitted = submit(shared, "training-jobs:batch", body, idempotency_key, read_batch)
    if submitted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return JobBatch(items=submitted.views)


@router.post(
    "/training-jobs:validate",
    response_model=ValidationView,
    responses=UNFIT,
    openapi_extra=BODY,
)
def validate_training_job(shared: Shared, body: JsonBytes) -> ValidationView:
    """Says everything that creating the job would say, and what the training would cost; stores nothing."""
    return ValidationView.of(read_one(shared, body)[0])


@router.get("/training-jobs/{job_id:word}/history", response_model=HistoryPage, responses=documented(404, 422, 503))
def get_training_history(shared: Shared, job_id: JobId, member: MemberNumber = None) -> HistoryPage:
    """Every metric of every epoch that is done; of a bag the means over its members, or those of one `member`."""
    with shared.database.reading() as tx:
        job = tx.jobs.get(job_id, Kind.TRAINING)
        epochs = tx.events.history(job_id)
    if member is not None and member > (job.members or 0):
        raise NotFound("member", f"{job_id}/{member}")
    found = of_all(epochs) if member is None else of_member(epochs, member)
    return HistoryPage(items=[EpochView(**epoch) for epoch in found])


@router.post(
    "/training-jobs/{job_id:word}:cancel",
    response_model=JobView,
    responses={202: {"model": JobView, "description": "It stops within a moment."}, **documented(400, 404, 422, 503)},
    openapi_extra=described("CancelRequest", CANCEL_EXAMPLES, required=False),
)
async def cancel_training_job(
    shared: Shared, job_id: JobId, request: Request, response: Response, prefer: Prefer = None
) -> Any:
    """Cancels a queued job at once and stops a running one; a job that has ended stays as it is.

    With `{"keep": "best"}` or `{"keep": "last"}` a job that has begun leaves its weights so far as a partial version:
    those of its latest checkpoint where it is inside one long step, or its worker has died.
    """
    body = await whole_body(request)
    keep = _read_keep(body) if body.strip() else None
    return await answer_cancelled(shared, job_id, Kind.TRAINING, prefer, response, keep=keep)


def _submit_one(shared: State, body: bytes, key: str | None) -> Submitted[JobView]:
    return submit(shared, "training-jobs", body, key, read_one)


def _read_keep(body: bytes) -> Keep | None:
    keep = read_object(body, "keep").get("keep")
    if keep is None or keep in list(Keep):
        return None if keep is None else Keep(keep)
    findings = Findings()
    findings.error("#/keep", "unknown_name", f"Expected one of {', '.join(map(repr, map(str, Keep)))}.")
    raise findings.refusal()
