"""The application: settings and a database become an ASGI app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from service.allowance import Allowance, Heavy
from service.api import docs, health, metrics
from service.api.access import routes as access
from service.api.access.door import Door, InnerDoor, LockedDoor, OpenDoor
from service.api.access.key_table import KeyTable
from service.api.access.scopes import Rules
from service.api.apart.answering import answer_heavy
from service.api.apart.pool import Pool
from service.api.datasets import routes as datasets
from service.api.gauge import Gauge
from service.api.http import problems
from service.api.http.budget import Budget
from service.api.http.callers import Callers
from service.api.http.middleware.gate import Gate
from service.api.http.middleware.head import Heads
from service.api.http.paths import VERSIONED, VERSIONED_TEXT
from service.api.http.queries import check_query
from service.api.http.uploads import is_upload
from service.api.jobs import prediction_jobs, training_jobs
from service.api.jobs.watch import Watch
from service.api.models import files, labels
from service.api.models import routes as models
from service.api.predictions import routes as predictions
from service.api.predictions.views import EvaluationRequest, PredictionRequest
from service.api.protocols import tensorflow_serving
from service.api.protocols.open_inference import models as inference_models
from service.api.protocols.open_inference import server
from service.api.protocols.open_inference.infer import infer_at_once
from service.api.protocols.open_inference.statistics import Statistics
from service.api.protocols.open_inference.views import InferenceRequest, Refusal
from service.api.serving.shortcut import Way, Ways
from service.api.serving.version_cache import Serving
from service.api.state import State
from service.config import VERSION, Settings
from service.exchange.importing import ImportRequest
from service.measures import Measures
from service.spec import TrainingRequest
from service.spec.prediction import PredictionJobRequest
from service.storage import Database

DESCRIPTION = """\
Trains dense neural networks in the background and serves them.

`POST /v1/training-jobs` with a network in Keras's words and data trains a version of a model;
`POST /v1/models/{name}:predict` asks it. Every error is `application/problem+json` (RFC 9457) with a stable `code`
and JSON Pointers to each mistake; `X-Request-Id` names each request.
"""
TAGS = [
    {"name": "training jobs", "description": "Ask for a training, follow it, cancel it."},
    {"name": "prediction jobs", "description": "Ask for predictions of a whole dataset, follow them, cancel them."},
    {"name": "datasets", "description": "Upload a table once; train, evaluate and predict on its columns."},
    {"name": "models", "description": "What trainings made: models, each with numbered, immutable versions."},
    {"name": "model files", "description": "Versions as files for other programs, and files of theirs as versions."},
    {"name": "predictions", "description": "Ask a trained model, or measure it on data."},
    {"name": "inference protocol", "description": "The Open Inference Protocol, version 2, for its clients."},
    {"name": "keys", "description": "Make, rotate and revoke the keys of those who may call the service."},
    {"name": "health", "description": "For whoever runs the service."},
]

WAYS = (
    Way(rf"/v1/models{VERSIONED}:predict", predictions.predict_at_once),
    Way(rf"/v2/models{VERSIONED_TEXT}/infer", infer_at_once),
)
"""The paths that are asked thousands of times a second."""

OF_OTHERS = (tensorflow_serving, server, inference_models)
"""Routes of protocols that are not ours: what their clients, or gateways before them, put into queries may be there."""


def create_app(
    settings: Settings,
    database: Database | None = None,
    *,
    is_apart: bool = False,
    measures: Measures | None = None,
) -> FastAPI:
    """The API on this database, or on that of the settings; migrates nothing and starts no worker.

    One that `is_apart` answers everything itself, and one request at a time.
    """
    shared_database = database or Database.of(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await apart.close()
        keys.close()
        if database is None:
            shared_database.close()

    app = FastAPI(
        title="Fitd",
        version=VERSION,
        summary="Train and serve dense neural networks over HTTP.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    serving = Serving(shared_database, settings.model_cache_size, settings.model_cache_bytes)
    budget = Budget(settings.memory_at_once_bytes, settings.max_memory_wait_seconds)
    apart = Pool(settings, budget, shared_database.rings)
    keys = KeyTable(shared_database)
    app.state.fitd = State(
        settings,
        shared_database,
        serving,
        Watch(shared_database),
        Statistics(),
        budget,
        apart,
        keys,
        measures or Measures(),
    )
    _include_routes(app)
    callers = Callers(settings.host_names, settings.origins)
    rules = Rules(app.routes, docs.STATIC)  # without keys, too: a route that lacks a scope is found at once
    door = _door(app.state.fitd, callers, rules, is_apart=is_apart)
    gauge = Gauge(app.state.fitd.measures, rules)
    app.state.ways = Ways(app.state.fitd, door, gauge, *WAYS)
    app.add_middleware(Heads)
    app.add_middleware(
        Gate,
        door=door,
        origins=callers.origins,
        gauge=gauge,
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        is_upload=is_upload,
        budget=budget,
        allowance=Allowance(settings.request_memory_bytes, is_apart=is_apart),
    )
    problems.install(app)
    app.add_exception_handler(Heavy, answer_heavy)  # type: ignore[arg-type]
    return app


def _door(shared: State, callers: Callers, rules: Rules, *, is_apart: bool) -> Door:
    if is_apart:
        return InnerDoor()
    return LockedDoor(callers, shared.keys, rules) if shared.settings.asks_for_keys else OpenDoor(callers)


def _include_routes(app: FastAPI) -> None:
    # Routes are tried in order, and predictions are asked for most.
    rooms = (
        predictions,
        tensorflow_serving,
        server,
        inference_models,
        training_jobs,
        prediction_jobs,
        datasets,
        models,
        labels,
        files,
        access,
        metrics,
        health,
    )
    for room in rooms:
        app.include_router(room.router, dependencies=[] if room in OF_OTHERS else [Depends(check_query)])
    docs.install(
        app,
        TrainingRequest,
        training_jobs.BatchRequest,
        training_jobs.CancelRequest,
        PredictionJobRequest,
        labels.LabelRequest,
        PredictionRequest,
        EvaluationRequest,
        tensorflow_serving.ExamplesRequest,
        InferenceRequest,
        Refusal,
        ImportRequest,
        access.KeyRequest,
        access.RotationRequest,
    )


def _operation_id(route: APIRoute) -> str:
    return route.name
