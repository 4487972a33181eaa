"""Prediction jobs: every row of a dataset predicted in the background; the result is a dataset."""

from typing import Any

from fastapi import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from service.api.examples import PREDICTION_JOB_EXAMPLES
from service.api.http.bodies import JsonBytes, described
from service.api.http.paths import JobId
from service.api.http.problems import documented
from service.api.jobs.routes import IdempotencyKey, Prefer, answer_cancelled, answer_submitted, job_routes
from service.api.jobs.submission import Jobs, Submitted, submit_once
from service.api.jobs.views import PredictionJobView
from service.api.serving.version_cache import Served
from service.api.state import Shared, State
from service.errors import Findings, NotFound, TooLarge, pointer
from service.formats.json_keys import check_keys
from service.formats.jsontext import read_json
from service.jobs import Kind
from service.prediction.outputs import Asked
from service.prediction.tables import TablePrediction, kinds_of_arrays
from service.spec.mistakes import report
from service.spec.prediction import PredictionJobRequest
from service.storage import StoredDataset, Transaction
from service.versions import Version

router = job_routes(Kind.PREDICTION)


@router.post(
    "/prediction-jobs",
    status_code=202,
    response_model=PredictionJobView,
    responses={
        200: {"model": PredictionJobView, "description": "The finished job, as `Prefer: wait` requested."},
        **documented(400, 404, 413, 415, 422, 429, 503),
    },
    openapi_extra=described("PredictionJobRequest", PREDICTION_JOB_EXAMPLES),
)
async def create_prediction_job(
    shared: Shared, body: JsonBytes, response: Response, prefer: Prefer = None, idempotency_key: IdempotencyKey = None
) -> Any:
    """Predicts for every row of a dataset: checks that its columns suit the version, and queues the job.

    The version is fixed now; neither it nor the dataset can be deleted before the job has ended. Answers as
    `POST /v1/training-jobs` does.
    """
    submitted = await run_in_threadpool(_submit, shared, body, idempotency_key)
    return await answer_submitted(shared, submitted, Kind.PREDICTION, prefer, response)


@router.post(
    "/prediction-jobs/{job_id:word}:cancel",
    response_model=PredictionJobView,
    responses={
        202: {"model": PredictionJobView, "description": "It stops within a moment."},
        **documented(404, 422, 503),
    },
)
async def cancel_prediction_job(shared: Shared, job_id: JobId, response: Response, prefer: Prefer = None) -> Any:
    """Cancels a queued job at once and stops a running one; a job that has ended stays as it is."""
    return await answer_cancelled(shared, job_id, Kind.PREDICTION, prefer, response)


def _submit(shared: State, body: bytes, key: str | None) -> Submitted[PredictionJobView]:
    def prepare() -> Jobs[PredictionJobView]:
        check_keys(body)
        request = _read(shared, read_json(body))
        served, stored = _found(shared, request)
        _check(shared, request, served, stored)
        return Jobs(1, lambda tx: [_add(tx, request, served.version, stored)])

    return submit_once(shared, "prediction-jobs", body, key, view=PredictionJobView, prepare=prepare)


def _add(tx: Transaction, request: PredictionJobRequest, version: Version, stored: StoredDataset) -> PredictionJobView:
    # They were there when the request was checked, and may not go before the job refers to them.
    tx.models.hold(version.model, version.number, version.id)
    tx.datasets.get(stored.id, lock=True)
    asked = request.to_json_dict() | {"version": version.number, "rows": stored.rows, "dataset": stored.id}
    asked.pop("label", None)
    job = tx.jobs.add(version.model, asked, stored.id, epochs=1, priority=request.priority, kind=Kind.PREDICTION)
    return PredictionJobView.of(job)


def _read(shared: State, document: Any) -> PredictionJobRequest:
    findings = Findings(limit=shared.settings.max_errors_shown)
    try:
        return PredictionJobRequest.model_validate(document)
    except ValidationError as error:
        report(error, document, PredictionJobRequest, findings)
        raise findings.refusal() from None


def _found(shared: State, request: PredictionJobRequest) -> tuple[Served, StoredDataset]:
    """The version and the dataset; `Invalid` where the request names one that is not there."""
    findings = Findings()
    served = stored = None
    try:
        served = shared.serving.find(request.model, request.which)
    except NotFound as missing:
        findings.error(f"#/{missing.kind}", "not_found", missing.detail)
    try:
        with shared.database.reading() as tx:
            stored = tx.datasets.get(request.dataset)
    except NotFound:
        findings.error("#/dataset", "not_found", "There is no dataset of this id or name.")
    if served is None or stored is None:
        raise findings.refusal()
    return served, stored


def _check(shared: State, request: PredictionJobRequest, served: Served, stored: StoredDataset) -> None:
    """`Invalid` with what makes the job impossible, as far as the description of the dataset tells."""
    findings = Findings(limit=shared.settings.max_errors_shown)
    columns = {column["name"]: column for column in stored.meta.get("columns", ())}
    if not columns and not served.loaded.encoder.takes(findings, "#/dataset", "the version", is_table=False):
        raise findings.refusal()
    kinds = {name: column["type"] for name, column in columns.items()} or kinds_of_arrays(stored.columns)
    prediction = TablePrediction(served.loaded, Asked.of(request), kinds, findings, include=request.include)
    for column in prediction.encoder.columns:
        missing = columns.get(column.name, {}).get("missing", 0)
        if column.missing == "reject" and missing:
            expected = f"Expected a value in each row; {missing:,} have none."
            findings.error(pointer("columns", column.name), "missing", expected)
    try:
        prediction.check_size(stored.rows, shared.settings)
    except TooLarge as large:
        findings.error("#/outputs", "too_many_cells", large.detail)
    findings.raise_errors()
