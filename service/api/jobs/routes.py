"""Jobs of any kind over HTTP: create, list, get, watch, cancel, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from starlette.concurrency import run_in_threadpool

from service.api.http.conditions import Conditional
from service.api.http.paths import JobId, Paging
from service.api.http.preferences import waited
from service.api.http.problems import documented
from service.api.jobs.events import EVENTS, After, LastEventId, watch
from service.api.jobs.submission import Submitted, View
from service.api.jobs.views import JobPage, JobView, PredictionJobPage, PredictionJobView
from service.api.state import Shared, State
from service.jobs import FINAL, Job, Keep, Kind, Status
from service.spec.request import MODEL_NAME

Prefer = Annotated[
    str | None,
    Header(description="`wait=N` waits up to N seconds for the finished job.", examples=["wait=30"]),
]
IdempotencyKey = Annotated[
    str | None,
    Header(description="The same request again with the same key, within a day, makes no second job.", max_length=300),
]

VIEWS: dict[Kind, Any] = {Kind.TRAINING: JobView, Kind.PREDICTION: PredictionJobView}
PAGES: dict[Kind, Any] = {Kind.TRAINING: JobPage, Kind.PREDICTION: PredictionJobPage}


def job_routes(kind: Kind) -> APIRouter:
    """The routes that the jobs of each kind have alike."""
    router = APIRouter(prefix="/v1", tags=[f"{kind} jobs"])
    view, page_view, path = VIEWS[kind], PAGES[kind], f"/{kind}-jobs"
    one = path + "/{job_id:word}"

    @router.get(path, name=f"list_{kind}_jobs", response_model=page_view, responses=documented(400, 422, 503))
    def list_jobs(
        shared: Shared,
        page: Paging,
        status: Annotated[Status | None, Query(description="Only jobs with this status.")] = None,
        model: Annotated[str | None, Query(pattern=MODEL_NAME, description="Only jobs of this model.")] = None,
    ) -> Any:
        """Jobs, newest first."""
        with shared.database.reading() as tx:
            jobs, next_cursor = tx.jobs.page(
                status=status, model=model, kind=kind, limit=page.limit, cursor=page.cursor
            )
        page.link(next_cursor)
        return page_view(items=[view.of(job) for job in jobs], next_cursor=next_cursor)

    @router.get(one, name=f"get_{kind}_job", response_model=view, responses=documented(404, 422, 503))
    def get_job(shared: Shared, job_id: JobId, response: Response) -> Any:
        """The job as it stands: its status, and how far it is."""
        with shared.database.reading() as tx:
            job = tx.jobs.get_intact(job_id, kind)
        if not job.is_final:
            response.headers["Retry-After"] = "1"
        return view.of(job)

    @router.get(
        f"{one}/events",
        name=f"watch_{kind}_job",
        response_class=Response,
        responses=EVENTS | documented(400, 404, 422, 503),
    )
    async def watch_job(shared: Shared, job_id: JobId, after: After = 0, last_event_id: LastEventId = None) -> Response:
        """Everything that happened to the job, then everything that happens, until it has ended.

        Each event has a number. Who comes back with the last one in `Last-Event-ID` or `?after=` gets those that
        follow, without a gap or a repetition, from whichever process answers.
        """
        return await watch(shared, job_id, kind, after, last_event_id)

    @router.delete(one, name=f"delete_{kind}_job", status_code=204, responses=documented(400, 404, 409, 412, 422, 503))
    def delete_job(shared: Shared, job_id: JobId, conditions: Conditional) -> None:
        """Deletes a job that has ended, with its history and data that only it had; versions stay."""
        with shared.database.transaction() as tx:
            tx.jobs.get(job_id, kind)
            unwanted = tx.jobs.delete(job_id)
            conditions.check_untagged()
        shared.database.artifacts.remove(unwanted)

    return router


async def answer_cancelled(
    shared: State, job_id: str, kind: Kind, prefer: str | None, response: Response, *, keep: Keep | None = None
) -> Any:
    """Cancels a job, and returns its view when `Prefer` wants it."""
    job = await run_in_threadpool(_cancel, shared, job_id, kind, keep)
    job = await waited(shared, job_id, prefer, response) or job
    return job_response(VIEWS[kind].of(job), response)


async def answer_submitted(
    shared: State, submitted: Submitted[View], kind: Kind, prefer: str | None, response: Response
) -> Any:
    """Returns the view of the one job that was created, when `Prefer` wants it."""
    view: Any = submitted.views[0]
    job = await waited(shared, view.id, prefer, response)
    response.headers["Location"] = view.links.self
    if submitted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return job_response(view if job is None else VIEWS[kind].of(job), response)


def job_response(view: Any, response: Response) -> Any:
    """Returns the view of a job, with the status and headers that say whether it has ended."""
    response.status_code = 200 if view.status in FINAL else 202
    if response.status_code == 202:
        response.headers["Retry-After"] = "1"
    return view


def _cancel(shared: State, job_id: str, kind: Kind, keep: Keep | None) -> Job:
    with shared.database.transaction() as tx:
        tx.jobs.get(job_id, kind)
        return tx.jobs.cancel(job_id, keep)
