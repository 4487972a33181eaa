"""The calls of TensorFlow Serving besides `:predict`: `:classify`, `:regress` and `metadata`."""

from time import perf_counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.allowance import expect
from service.api import fields
from service.api.examples import CLASSIFICATION_EXAMPLES, REGRESSION_EXAMPLES
from service.api.http.bodies import JsonBytes, described, read_object
from service.api.http.paths import ModelName
from service.api.http.problems import documented
from service.api.models.verbs import verb
from service.api.protocols.signatures import SIGNATURE, Tensor, check_signature, inputs_of, outputs_of
from service.api.serving.version_cache import Served, Which
from service.api.state import Shared, State
from service.errors import Finding, Invalid
from service.formats.jsontext import write_json
from service.prediction.instances import encode, merged, read_instances
from service.versions import Version

router = APIRouter(prefix="/v1/models", tags=["predictions"])

_FEATURES = {
    "type": "object",
    "additionalProperties": {"type": ["number", "string", "boolean", "null", "array"]},
}
_EXAMPLES_SCHEMA = {"type": "array", "items": _FEATURES, "minItems": 1}


class ExamplesRequest(BaseModel):
    """Examples to classify or to regress, as TensorFlow Serving's REST API takes them."""

    model_config = ConfigDict(extra="forbid")

    examples: Annotated[Any, WithJsonSchema({**_EXAMPLES_SCHEMA, "description": 'Each such as `{"input": row}`.'})]
    context: Annotated[Any, WithJsonSchema({**_FEATURES, "description": "Features that all examples share."})] = None
    signature_name: str | None = Field(None, description="`serving_default`, the one signature, or nothing.")


class ClassificationView(BaseModel):
    """For each example its classes in the version's order, each with its score."""

    results: list[list[tuple[str, float | None]]] = Field(
        examples=[[[["different", 0.9], ["equal", 0.1]]]],
        description="For each example its classes, each a pair of name and score.",
    )


class RegressionView(BaseModel):
    """A value for each example."""

    results: list[float | None] = Field(
        examples=[[3.5, 4.0]], description="One value for each example; null where it is not a finite number."
    )


class ModelSpecView(BaseModel):
    """Which version the metadata are of."""

    name: fields.ModelName
    signature_name: str = Field("", description="Always empty, as in TensorFlow Serving.")
    version: str = Field(examples=["1"], description="The number of the version, as a text.")


class MetadataView(BaseModel):
    """Inputs and outputs of a version, in TensorFlow Serving's words."""

    model_spec: ModelSpecView = Field(description="The model and version that the metadata describe.")
    metadata: dict[Literal["signature_def"], Any] = Field(
        description="The signatures of the version, with types and shapes of their inputs and outputs."
    )


_DESCRIBED: dict[str, Any] = {
    "responses": documented(400, 404, 413, 415, 422, 503),
    "openapi_extra": described("ExamplesRequest", CLASSIFICATION_EXAMPLES),
}
_REGRESSING = {**_DESCRIBED, "openapi_extra": described("ExamplesRequest", REGRESSION_EXAMPLES)}


@verb(
    router,
    "POST",
    ":classify",
    ("classify", "classify_with_version", "classify_with_label"),
    response_model=ClassificationView,
    **_DESCRIBED,
)
def classify(shared: Shared, name: ModelName, which: Which, body: JsonBytes) -> Response:
    """The score of each class for each example, from {version}."""
    served, outputs = _asked(shared, name, which, body)
    scores = served.loaded.meaning.scores(outputs)
    if scores is None:
        detail = "Expected a version that knows classes; this one answers a single number. Ask :regress or :predict."
        raise Invalid([Finding("#", "not_a_classifier", detail)])
    labels = (served.loaded.meaning.classes or []) + [str(index) for index in range(scores.shape[1])]
    return _answer([list(zip(labels, row, strict=False)) for row in scores])


@verb(
    router,
    "POST",
    ":regress",
    ("regress", "regress_with_version", "regress_with_label"),
    response_model=RegressionView,
    **_REGRESSING,
)
def regress(shared: Shared, name: ModelName, which: Which, body: JsonBytes) -> Response:
    """The value for each example, from {version}."""
    _, outputs = _asked(shared, name, which, body)
    if outputs.shape[1:] != (1,):
        detail = "Expected a version with one output; this one has more. Ask :classify or :predict."
        raise Invalid([Finding("#", "not_a_regressor", detail)])
    return _answer(outputs.ravel())


def _asked(shared: State, name: str, which: Which, body: bytes) -> tuple[Served, Any]:
    served = shared.serving.find(name, which)
    document = read_object(body, "examples", "context", "signature_name", required=("examples",), exact=True)
    check_signature(document)
    examples = merged(document["examples"], document.get("context") or {}, shared.settings)
    loaded, settings = served.loaded, shared.settings
    if loaded.encoder.has_names:
        rows = encode([_unwrapped(one) for one in examples], loaded.encoder, "#/examples", settings)
    else:
        rows = read_instances(examples, "#/examples", loaded.columns, settings)
    expect(loaded.answer_bytes(len(rows), named=True))
    began = perf_counter()
    predictions = loaded.predict(rows)
    shared.measures.predicted("tensorflow_serving", len(rows), perf_counter() - began)
    return served, predictions


def _unwrapped(example: dict[str, Any]) -> dict[str, Any]:
    """An example of plain values, which `tf.Example` has in lists of one."""
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in example.items()}


def _answer(results: Any) -> Response:
    return Response(write_json({"results": results}), media_type="application/json")


@verb(
    router,
    "GET",
    "/metadata",
    ("get_metadata", "get_version_metadata", "get_label_metadata"),
    response_model=MetadataView,
    responses=documented(404, 422, 503),
)
def get_metadata(shared: Shared, name: ModelName, which: Which) -> MetadataView:
    """Inputs and outputs of {version}."""
    with shared.database.reading() as tx:
        version = tx.version(name, which)
    return MetadataView(
        model_spec=ModelSpecView(name=version.model, version=str(version.number)),
        metadata={"signature_def": {"signature_def": {SIGNATURE: _signature(version)}}},
    )


def _signature(version: Version) -> dict[str, Any]:
    return {
        "inputs": {one.name: _tensor(f"serving_default_{one.name}:0", one) for one in inputs_of(version)},
        "outputs": {one.name: _tensor("StatefulPartitionedCall:0", one) for one in outputs_of(version)},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }


_DTYPES = {"FP32": "DT_FLOAT", "FP64": "DT_DOUBLE", "BOOL": "DT_BOOL", "BYTES": "DT_STRING"}


def _tensor(name: str, described: Tensor) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *described.sizes)]
    dtype = _DTYPES[described.datatype]
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": name}
