"""Training jobs: asked for, checked, followed, cancelled."""

import secrets
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from starlette.concurrency import run_in_threadpool

from service.api.bodies import JsonBytes, described
from service.api.examples import TRAINING_EXAMPLES
from service.api.job_views import EpochView, HistoryPage, JobPage, JobView
from service.api.paths import Cursor, JobId, Limit
from service.api.problems import documented
from service.api.state import Shared, State
from service.api.validation import ValidationView
from service.api.waiting import finished, preferred_wait
from service.checks import read_training
from service.formats.jsontext import read_json
from service.jobs import Job, Status
from service.spec.request import MODEL_NAME

router = APIRouter(prefix="/v1", tags=["training jobs"])

Prefer = Annotated[
    str | None,
    Header(description="`wait=N` asks for the finished job, if it is done in N seconds.", examples=["wait=30"]),
]
BODY = described("TrainingRequest", TRAINING_EXAMPLES)
UNFIT = documented(400, 413, 415, 422, 503)


@router.post(
    "/training-jobs",
    status_code=202,
    response_model=JobView,
    responses={200: {"model": JobView, "description": "The finished job, as `Prefer: wait` asked."}, **UNFIT},
    openapi_extra=BODY,
)
async def create_training_job(shared: Shared, body: JsonBytes, response: Response, prefer: Prefer = None) -> JobView:
    """Trains a network on data: checks both, stores both, and queues the job.

    Answers at once with the job and its path in `Location`; a worker trains it. With `Prefer: wait=N` it answers
    200 with the finished job if it is done within N seconds, else 202 with the job as it stands.
    """
    job = await run_in_threadpool(_submit, shared, body)
    seconds = preferred_wait(prefer, shared.settings.max_wait_seconds)
    if seconds is not None:
        job = await finished(shared, job, seconds, response)
    response.status_code = 200 if job.is_final else 202
    response.headers["Location"] = f"/v1/training-jobs/{job.id}"
    if not job.is_final:
        response.headers["Retry-After"] = "1"
    return JobView.of(job)


@router.post(
    "/training-jobs:validate",
    response_model=ValidationView,
    responses=UNFIT,
    openapi_extra=BODY,
)
def validate_training_job(shared: Shared, body: JsonBytes) -> ValidationView:
    """Says everything that creating the job would say, and what the training would cost; stores nothing."""
    return ValidationView.of(read_training(read_json(body), shared.settings))


@router.get("/training-jobs", response_model=JobPage, responses=documented(400, 422, 503))
def list_training_jobs(
    shared: Shared,
    status: Status | None = None,
    model: Annotated[str | None, Query(pattern=MODEL_NAME)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPage:
    """Jobs, newest first."""
    with shared.database.reading() as tx:
        jobs, next_cursor = tx.jobs.page(status=status, model=model, limit=limit, cursor=cursor)
    return JobPage(items=[JobView.of(job) for job in jobs], next_cursor=next_cursor)


@router.get("/training-jobs/{job_id:word}", response_model=JobView, responses=documented(404, 422, 503))
def get_training_job(shared: Shared, job_id: JobId, response: Response) -> JobView:
    """The job as it stands: its status, how far it is, its latest metrics."""
    with shared.database.reading() as tx:
        job = tx.jobs.get(job_id)
    if not job.is_final:
        response.headers["Retry-After"] = "1"
    return JobView.of(job)


@router.get("/training-jobs/{job_id:word}/history", response_model=HistoryPage, responses=documented(404, 422, 503))
def get_training_history(shared: Shared, job_id: JobId) -> HistoryPage:
    """Every metric of every epoch that is done."""
    with shared.database.reading() as tx:
        tx.jobs.get(job_id)
        epochs = tx.events.history(job_id)
    return HistoryPage(items=[EpochView(**epoch) for epoch in epochs])


@router.post(
    "/training-jobs/{job_id:word}:cancel",
    response_model=JobView,
    responses={202: {"model": JobView, "description": "It stops within a moment."}, **documented(404, 422, 503)},
)
def cancel_training_job(shared: Shared, job_id: JobId, response: Response) -> JobView:
    """Cancels a queued job at once and stops a running one; a job that has ended stays as it is."""
    with shared.database.transaction() as tx:
        job = tx.jobs.cancel(job_id)
    response.status_code = 200 if job.is_final else 202
    return JobView.of(job)


def _submit(shared: State, body: bytes) -> Job:
    checked = read_training(read_json(body), shared.settings)
    dataset, asked = checked.dataset, checked.request.to_json_dict()
    if checked.request.fit.seed is None:
        asked.setdefault("fit", {})["seed"] = secrets.randbits(31)
    name = checked.request.model or f"model-{secrets.token_hex(4)}"
    asked |= {"model": name, "warnings": [asdict(warning) for warning in checked.warnings]}
    content = dataset.to_bytes()
    meta: dict[str, Any] = {"classes": dataset.classes and list(dataset.classes)}
    with shared.database.transaction() as tx:
        dataset_id = tx.datasets.add(content, rows=dataset.rows, columns=dataset.columns, meta=meta)
        return tx.jobs.add(name, asked, dataset_id, checked.request.fit.epochs)
