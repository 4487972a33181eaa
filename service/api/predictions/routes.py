"""Predictions and evaluations by a model's latest version, or by one with a number or label."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from service.allowance import expect
from service.api.datasets.routes import FILE
from service.api.examples import EVALUATION_EXAMPLES, PREDICTION_EXAMPLES
from service.api.http.bodies import JsonBytes, check_json, described, is_plain_json, read_object, whole_body
from service.api.http.paths import ModelName
from service.api.http.problems import documented
from service.api.http.queries import refuse
from service.api.http.uploads import ANSWERS, OCTETS, TABLES, is_table
from service.api.models.verbs import verb
from service.api.predictions.tables import Queried, answer_table
from service.api.predictions.views import MOST_REPEATS, EvaluationView, OutputsView, PredictionView
from service.api.protocols.signatures import check_signature
from service.api.serving.responses import JSON, Answered, Headers
from service.api.serving.version_cache import Served, Which
from service.api.state import Shared, State, state_of
from service.data.datasets import Dataset
from service.data.features import load_dataset
from service.data.tables import Table
from service.errors import Finding, Findings, Invalid, NotFound
from service.formats.arrays import kind_of
from service.formats.jsontext import write_json
from service.formats.plain_rows import read_plain_rows
from service.prediction import LoadedVersion
from service.prediction.certainty import bounds
from service.prediction.evaluation_data import prepare_evaluation, read_evaluation
from service.prediction.explaining import explain
from service.prediction.instances import read_inputs
from service.prediction.named_scores import EVERYTHING, named_scores, read_asked

router = APIRouter(prefix="/v1/models", tags=["predictions"])


_ROW_COPIES, _OUTPUT_COPIES = 8, 24
"""Bytes that an evaluation takes for each input and for each output of a row."""

_MOST_SHUFFLES = 10_000
"""Of all features together: each is a prediction of all rows."""

_ANSWERS = dict.fromkeys(sorted({*ANSWERS.values()}), FILE)
_TABLES = dict.fromkeys(sorted({*TABLES.values()} - {OCTETS}), FILE)
_BODY = described("PredictionRequest", PREDICTION_EXAMPLES)
_BODY["requestBody"]["content"] |= _TABLES

PREDICTS: dict[str, Any] = {
    "response_model": PredictionView | OutputsView,
    "responses": {
        200: {
            "description": "To JSON as described; to a table a row for each row, to a spreadsheet in CSV.",
            "content": _ANSWERS,
        },
        **documented(400, 404, 413, 415, 422, 503),
    },
    "openapi_extra": _BODY,
}
"""How a route that predicts is described."""

EVALUATES: dict[str, Any] = {
    "response_model": EvaluationView,
    "responses": documented(400, 404, 413, 415, 422, 503),
    "openapi_extra": described("EvaluationRequest", EVALUATION_EXAMPLES),
}
"""How a route that evaluates is described."""


@verb(router, "POST", ":predict", ("predict", "predict_with_version", "predict_with_label"), **PREDICTS)
async def respond(request: Request, name: ModelName, which: Which, query: Queried) -> Response:
    """The outputs of {version} for each row: to a table a table, to JSON JSON."""
    if is_table(request.headers.get("content-type", "")):
        return await answer_table(request, name, which, query)
    check_json(request.headers, "a table in CSV, Parquet, Arrow or a spreadsheet")
    refuse(request.query_params, lambda _name: "Expected with a table only; JSON has this in its body")
    shared, body = state_of(request), await whole_body(request)
    answered = await run_in_threadpool(lambda: _answer(shared, shared.serving.find(name, which), body))
    return answered.response()


def predict_at_once(shared: State, headers: Headers, body: bytes, name: str, which: Which) -> Answered | None:
    """Returns the response to `:predict` if that is faster than a change of threads; otherwise None."""
    served = shared.serving.at_hand(name, which)
    if served is None or not (served.is_light(len(body)) and is_plain_json(headers)):
        return None
    return _answer(shared, served, body)


def _answer(shared: State, served: Served, body: bytes) -> Answered:
    loaded, key, asked = served.loaded, "predictions", EVERYTHING
    rows, explains = None, False
    if not loaded.encoder.has_names:
        rows = read_plain_rows(body, "instances", loaded.columns, shared.settings)
    if rows is None:
        keys = ("instances", "inputs", "signature_name", "outputs", "top_k", "interval", "explain")
        document = read_object(body, *keys, exact=loaded.encoder.has_names)
        check_signature(document)
        if not document.keys().isdisjoint(("outputs", "top_k", "interval")):
            asked = read_asked(document, loaded)
        explains = _read_explain(document)
        rows, key = read_inputs(document, loaded, shared.settings)
    expect(loaded.answer_bytes(len(rows), named=asked.needs_scores or asked.interval is not None))
    began = perf_counter()
    predictions = loaded.predict(rows)
    shared.measures.predicted("fitd", len(rows), perf_counter() - began)
    content = {"model": served.version.model, "version": served.version.number}
    if "predictions" in asked.outputs:
        content[key] = predictions
    classes = loaded.meaning.named(predictions) if "predicted_classes" in asked.outputs else None
    if classes is not None:
        content["predicted_classes"] = classes
    if asked.needs_scores:
        content |= named_scores(loaded, predictions, asked)
    if asked.interval is not None:
        content |= bounds(loaded, predictions, asked.interval)
    if explains:
        content["explanations"] = explain(loaded, rows)
    return Answered(write_json(content), JSON)


@verb(router, "POST", ":evaluate", ("evaluate", "evaluate_version", "evaluate_label"), **EVALUATES)
def answer_evaluation(shared: Shared, name: ModelName, which: Which, body: JsonBytes) -> EvaluationView:
    """Loss and metrics of {version} on the data."""
    served = shared.serving.find(name, which)
    document = read_object(body, "data", "importance", required=("data",), exact=True)
    findings = Findings(limit=shared.settings.max_errors_shown)
    data = document["data"]
    stored_id = data["dataset"] if isinstance(data, dict) and isinstance(data.get("dataset"), str) else None
    if stored_id is not None:
        stored_id, opened = _opened(shared, stored_id, findings)
        dataset = prepare_evaluation(opened, data, served.loaded, findings)
    else:
        dataset = read_evaluation(data, served.loaded, findings, shared.settings)
    if dataset is None or findings.total:
        raise findings.refusal()
    expect(dataset.rows * (_ROW_COPIES * dataset.columns + _OUTPUT_COPIES * served.loaded.meaning.units))
    repeats = _read_repeats(document.get("importance"), served.loaded, findings)
    measured = served.loaded.evaluate(dataset, findings, repeats=repeats)
    with shared.database.transaction() as tx:
        tx.models.version(served.version.model, served.version.number)  # it may be gone meanwhile
        evaluation_id = tx.evaluations.add(
            served.version.id,
            rows=dataset.rows,
            metrics=measured.metrics,
            report=measured.report,
            dataset=stored_id,
        )
    return EvaluationView(
        id=evaluation_id,
        metrics=measured.metrics,
        report=measured.report,
        rows=dataset.rows,
        dataset=stored_id,
        model=served.version.model,
        version=served.version.number,
    )


def _read_explain(document: Mapping[str, Any]) -> bool:
    value = document.get("explain")
    if value is not None and type(value) is not bool:
        expected = f"Expected true or false; received {kind_of(value)}."
        raise Invalid([Finding("#/explain", "wrong_type", expected)])
    return bool(value)


def _opened(shared: State, named: str, findings: Findings) -> tuple[str, Dataset | Table]:
    """The id of a dataset, which is named by it or by its name, and what it holds."""
    try:
        stored, content = shared.database.open_dataset(named)
        return stored.id, load_dataset(stored.form, content)
    except NotFound:
        findings.error("#/data/dataset", "not_found", "There is no dataset of this id or name.")
        raise findings.refusal() from None


def _read_repeats(value: Any, loaded: LoadedVersion, findings: Findings) -> int:
    if value is None:
        return 0
    features = len(loaded.encoder.columns)
    most = max(1, min(MOST_REPEATS, _MOST_SHUFFLES // features))
    if type(value) is not int or not 1 <= value <= most:
        expected = f"Expected a whole number from 1 to {most} for {features:,} features."
        findings.error("#/importance", "out_of_range", expected)
        raise findings.refusal()
    return value
