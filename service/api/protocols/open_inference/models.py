"""Calls about one model, or one version of it.

A version is a text in the protocol: its number, or a label that points at one.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.examples import INFERENCE_EXAMPLES
from service.api.http.bodies import described, whole_body
from service.api.http.paths import ModelName, VersionOrLabel
from service.api.protocols.open_inference.infer import infer
from service.api.protocols.open_inference.refusals import refused
from service.api.protocols.open_inference.views import (
    InferenceView,
    ModelMetadataView,
    ModelReadyView,
    StatisticsView,
    config_of,
)
from service.api.serving.version_cache import Which
from service.api.state import Shared, State, state_of

router = APIRouter(prefix="/v2/models", tags=["inference protocol"])

_VERSION = "/{name:word}/versions/{which:version}"
_FOUND: dict[str, Any] = {"responses": refused(404, 503)}
_INFERS: dict[str, Any] = {
    "response_model": InferenceView,
    "responses": refused(400, 404, 413, 415, 503),
    "openapi_extra": described("InferenceRequest", INFERENCE_EXAMPLES),
}


@router.post("/{name:word}/infer", **_INFERS)
async def infer_with_model(request: Request, name: ModelName) -> Response:
    """The outputs of the model's latest version; JSON or binary tensors, in either direction."""
    return await _inferred(request, name, None)


@router.post(_VERSION + "/infer", **_INFERS)
async def infer_with_version(request: Request, name: ModelName, which: VersionOrLabel) -> Response:
    """The outputs of one version; JSON or binary tensors, in either direction."""
    return await _inferred(request, name, which)


async def _inferred(request: Request, name: str, which: Which) -> Response:
    headers, body = dict(request.scope["headers"]), await whole_body(request)
    return (await run_in_threadpool(infer, state_of(request), headers, body, name, which)).response()


@router.get("/{name:word}", response_model=ModelMetadataView, **_FOUND)
def get_inference_model(shared: Shared, name: ModelName) -> ModelMetadataView:
    """Input and output of the model's latest version, and which versions there are."""
    return _metadata(shared, name, None)


@router.get(_VERSION, response_model=ModelMetadataView, **_FOUND)
def get_inference_version(shared: Shared, name: ModelName, which: VersionOrLabel) -> ModelMetadataView:
    """Input and output of one version, and which others there are."""
    return _metadata(shared, name, which)


@router.get("/{name:word}/ready", response_model=ModelReadyView, **_FOUND)
def get_model_ready(shared: Shared, name: ModelName) -> ModelReadyView:
    """Returns 200 if the latest version of the model can be used, and loads it into memory."""
    return _ready(shared, name, None)


@router.get(_VERSION + "/ready", response_model=ModelReadyView, **_FOUND)
def get_version_ready(shared: Shared, name: ModelName, which: VersionOrLabel) -> ModelReadyView:
    """Returns 200 if the version can be used, and loads it into memory."""
    return _ready(shared, name, which)


@router.get("/{name:word}/config", response_model=dict[str, Any], **_FOUND)
def get_model_config(shared: Shared, name: ModelName) -> dict[str, Any]:
    """The configuration of the model's latest version, as Triton writes it."""
    return _config(shared, name, None)


@router.get(_VERSION + "/config", response_model=dict[str, Any], **_FOUND)
def get_version_config(shared: Shared, name: ModelName, which: VersionOrLabel) -> dict[str, Any]:
    """The configuration of one version, as Triton writes it."""
    return _config(shared, name, which)


@router.get("/{name:word}/stats", response_model=StatisticsView, **_FOUND)
def get_model_statistics(shared: Shared, name: ModelName) -> StatisticsView:
    """Numbers and durations of the inferences of each version since this process started."""
    with shared.database.reading() as tx:
        tx.models.get(name)
        numbers = tx.models.numbers(name)
    return StatisticsView(model_stats=[shared.statistics.view(name, number) for number in numbers])


@router.get(_VERSION + "/stats", response_model=StatisticsView, **_FOUND)
def get_version_statistics(shared: Shared, name: ModelName, which: VersionOrLabel) -> StatisticsView:
    """Numbers and durations of the inferences of one version since this process started."""
    with shared.database.reading() as tx:
        version = tx.version(name, which)
    return StatisticsView(model_stats=[shared.statistics.view(name, version.number)])


def _metadata(shared: State, name: str, which: Which) -> ModelMetadataView:
    with shared.database.reading() as tx:
        return ModelMetadataView.of(tx.version(name, which), tx.models.numbers(name))


def _ready(shared: State, name: str, which: Which) -> ModelReadyView:
    return ModelReadyView(name=shared.serving.find(name, which).version.model)


def _config(shared: State, name: str, which: Which) -> dict[str, Any]:
    with shared.database.reading() as tx:
        return config_of(tx.version(name, which), shared.settings.max_rows)
