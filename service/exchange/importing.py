"""The verb import: somebody else's file becomes a version, checked as if it had been asked for in a request."""

import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from service.checks.architecture import FAILURES, outline
from service.config import Limits
from service.data.features import Encoder, PlainEncoder
from service.data.features.description import read_encoder
from service.errors import Findings
from service.exchange.compilation import compilation_of
from service.exchange.keras.columns import surround
from service.exchange.keras.file import NOTES, KerasFile
from service.exchange.keras.optimizer import read_keras_variables
from service.formats.weights import pack
from service.nn import Sequential, optimizers
from service.nn.layers import InputLayer
from service.nn.variable import Variable
from service.spec import CompileSpec, ModelSpec
from service.spec.data import Names
from service.spec.mistakes import pointer_in, report
from service.spec.networks import stack_of
from service.spec.request import Part, Word
from service.spec.unwrapping import unwrapped
from service.training import environment
from service.versions import NewVersion

_ARRAYS = {"type": "array", "items": {"description": "A weight: a number, or lists of lists of numbers."}}
_FEATURES = {
    "description": "The features of a table and what was learned about each, as in `input.features` of a version.",
    "anyOf": [{"type": "array", "items": {"type": "object"}, "minItems": 1}, {"type": "null"}],
}


class ImportRequest(Part):
    """A network and its weights, both as Keras tells them: `model.to_json()` and `model.get_weights()`."""

    model: Word | None = Field(
        None, description="The name of the model that gets the version; a name is made if there is none."
    )
    spec: Annotated[ModelSpec, BeforeValidator(unwrapped)] = Field(
        description="The network, as `model.to_json()` has it."
    )
    compile: CompileSpec | None = Field(None, description="Loss and metrics for `:evaluate`; else they are guessed.")
    classes: Names | None = Field(None, description="The names of the outputs, for predictions and targets.")
    features: Annotated[Any, WithJsonSchema(_FEATURES)] = None
    targets: Names | None = Field(None, description="The columns that the outputs predict, with `features`.")
    left_out: Names | None = Field(None, description="Columns that rows may have and that are ignored.")
    weights: Annotated[None, WithJsonSchema({**_ARRAYS, "description": "Every weight in Keras's order."})] = None


def import_file(file: KerasFile, limits: Limits) -> NewVersion:
    """The version in a file of Keras; `Invalid` with every mistake in it, with pointers into its JSON."""
    findings = Findings(limit=limits.max_errors_shown)
    document = {"spec": file.config, **file.notes}
    asked = _validated(document, document, findings)
    model = _built(asked.spec, document, file.weights, limits, findings, learnt_first=file.learnt_first)
    encoder = _read_encoder(asked, model, findings, limits)
    if file.surrounding is not None:
        expected = surround(file.config, encoder)
        if file.surrounding.get("config") != expected["config"]:
            said = "Expected a Sequential, or the Functional model that Fitd writes round one; received another."
            findings.error("#/spec", "unknown_name", said)
            raise findings.refusal()
    _check_names(asked.classes, encoder, model, findings)
    compiled, left_out = compilation_of(file.compile, model)
    made = _version(asked, encoder, compiled, model, file.origin)
    return replace(made, optimizer=_optimizer_state(file, compiled, model), warnings=tuple(left_out))


def import_json(document: Mapping[str, Any], limits: Limits) -> tuple[str | None, NewVersion]:
    """The model's name, if it is given, and the version in a request; `Invalid` with every mistake in it.

    What Fitd wrote beside the network, in the JSON of `spec`, counts as if it stood in the request.
    """
    findings = Findings(limit=limits.max_errors_shown)
    written = document.get("spec")
    if isinstance(written, Mapping):
        document = {key: written[key] for key in NOTES if key in written} | dict(document)
    asked = _validated({key: document[key] for key in document if key != "weights"}, document, findings)
    weights = _read_weights(document.get("weights"), findings)
    model = _built(asked.spec, document, weights, limits, findings, learnt_first=False)
    encoder = _read_encoder(asked, model, findings, limits)
    compiled = asked.compile or compilation_of({}, model)[0]
    _check_names(asked.classes, encoder, model, findings)
    return asked.model, _version(asked, encoder, compiled, model, {"imported_from": "json"})


def _validated(asked: Mapping[str, Any], document: Mapping[str, Any], findings: Findings) -> ImportRequest:
    try:
        return ImportRequest.model_validate(asked)
    except ValidationError as error:
        report(error, document, ImportRequest, findings)
        raise findings.refusal() from None


def _read_encoder(asked: ImportRequest, model: Sequential, findings: Findings, limits: Limits) -> Encoder:
    if asked.features is None:
        return PlainEncoder(int(model.input_shape[-1]))
    others = (*(asked.left_out or ()), *(asked.targets or ()))
    encoder = read_encoder(asked.features, others, "#/features", findings, limits)
    if encoder is None:
        raise findings.refusal()
    return encoder


def _read_weights(value: Any, findings: Findings) -> list[Any]:
    if not isinstance(value, list):
        findings.error("#/weights", "wrong_type", "Expected a list with every weight, in Keras's order.")
        raise findings.refusal()
    arrays = []
    for place, item in enumerate(value):
        try:
            array = np.asarray(item)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind not in "fiu":
            findings.error(f"#/weights/{place}", "not_a_number", "Expected a number, or equally long lists of numbers.")
        arrays.append(array)
    findings.raise_errors()
    return arrays


def _built(
    spec: ModelSpec,
    document: Mapping[str, Any],
    weights: list[Any],
    limits: Limits,
    findings: Findings,
    *,
    learnt_first: bool,
) -> Sequential:
    """The network with these weights, once it has answered something."""
    network = _network(document["spec"])
    columns = _columns(spec, network, weights)
    if columns is None:
        expected = "Expected the shape of a row in the first layer, such as an Input with [100]."
        findings.error("#/spec", "shape_mismatch", expected)
        raise findings.refusal()
    if columns > limits.max_columns:
        expected = f"Expected at most {limits.max_columns:,} columns; received {columns:,}."
        findings.error("#/spec", "too_many_columns", expected)
    outline(spec, columns, limits, functools.partial(pointer_in, document), findings, learns=False)
    findings.raise_errors()
    try:
        model = spec.build(columns, seed=0)
    except FAILURES:
        findings.error("#/spec", "shape_mismatch", "This network cannot be built.")
        raise findings.refusal() from None
    _assign(_order(spec, model, network) if learnt_first else model.weights, weights, findings)
    try:
        with np.errstate(all="ignore"):
            model.predict(np.zeros((1, columns), np.float32))
    except FAILURES:
        findings.error("#/spec", "shape_mismatch", "This network fails to predict for a row of zeros.")
    findings.raise_errors()
    return model


def _network(written: Any) -> Mapping[str, Any]:
    """The network as an object, also where it came as the text that `model.to_json()` gives."""
    network = json.loads(written) if isinstance(written, str) else written
    return network if isinstance(network, Mapping) else {}


def _columns(spec: ModelSpec, written: Mapping[str, Any], weights: list[Any]) -> int | None:
    """How wide a row is: what the first layer says, else the network, else the first kernel."""
    first = spec.make_layers()[0]
    config = written.get("config", written)
    config = config if isinstance(config, Mapping) else {}
    shapes: list[Any] = [first.declared_input_shape()]
    shapes += [first.batch_input_shape[1:]] if first.batch_input_shape else []
    shapes += [config["build_input_shape"][1:]] if isinstance(config.get("build_input_shape"), list) else []
    if first.vocabulary is None and weights and weights[0].ndim == 2:
        shapes.append(weights[0].shape[:1])
    for shape in shapes:
        if shape and isinstance(shape[-1], int) and not isinstance(shape[-1], bool) and shape[-1] > 0:
            return int(shape[-1])
    return None


def _order(spec: ModelSpec, model: Sequential, network: Mapping[str, Any]) -> list[Variable]:
    """The weights as HDF5 files of Keras order them.

    A network in the network counts as one layer, and of a layer what training changes comes first.
    """
    layers = zip(stack_of(network), spec.make_layers(), strict=True)
    placed = [one.outermost for one, layer in layers if not isinstance(layer, InputLayer)]
    ordered: list[Variable] = []
    pairs = zip(placed, model.layers, strict=True)
    for _, part in itertools.groupby(pairs, key=lambda pair: pair[0]):
        together = [layer for _, layer in part]
        ordered += [weight for layer in together for weight in layer.trainable_weights]
        ordered += [weight for layer in together for weight in layer.non_trainable_weights]
    return ordered


def _assign(own_weights: list[Variable], weights: list[Any], findings: Findings) -> None:
    if len(weights) != len(own_weights):
        expected = f"Expected {len(own_weights)} weights for these layers; received {len(weights)}."
        findings.error("#/weights", "wrong_length", expected)
    findings.raise_errors()
    for place, (own, given) in enumerate(zip(own_weights, weights, strict=True)):
        at = f"#/weights/{place}"
        with np.errstate(over="ignore"):
            array = given.astype(np.float32)
        if given.shape != own.shape:
            expected = f"Expected the shape {list(own.shape)} for {own.path}; received {list(given.shape)}."
            findings.error(at, "shape_mismatch", expected)
        elif not np.isfinite(array).all():
            expected = f"Expected finite numbers for {own.path}; received NaN, Infinity, or more than float32 holds."
            findings.error(at, "not_finite", expected)
        else:
            own.assign(given.astype(own.value.dtype))
    findings.raise_errors()


def _optimizer_state(file: KerasFile, compiled: CompileSpec, model: Sequential) -> bytes | None:
    """The state of the optimizer in a file, if the file tells of one that we know, and all of it."""
    if not file.optimizer or "optimizer" not in compiled.model_fields_set:
        return None
    optimizer = optimizers.get(compiled.arguments()["optimizer"])
    optimizer.build(model.parameters)
    return pack(optimizer.get_state()) if read_keras_variables(optimizer, file.optimizer) else None


def _check_names(classes: list[str] | None, encoder: Encoder, model: Sequential, findings: Findings) -> None:
    """Notes where names do not fit the inputs or the outputs of the network."""
    columns = int(model.input_shape[-1])
    if encoder.width != columns:
        expected = f"Expected columns that make {columns:,} inputs for this network; these make {encoder.width:,}."
        findings.error("#/features", "width_mismatch", expected)
    most = max(2, int(model.output_shape[-1]))
    if classes is not None and not (2 <= len(classes) <= most and len(set(classes)) == len(classes)):
        expected = f"Expected 2 to {most} different names for these outputs; received {len(classes)}."
        findings.error("#/classes", "wrong_length", expected)
    findings.raise_errors()


def _version(
    asked: ImportRequest,
    encoder: Encoder,
    compiled: CompileSpec,
    model: Sequential,
    origin: Mapping[str, Any],
) -> NewVersion:
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    return NewVersion(
        spec=asked.spec.model_dump(mode="json", exclude_unset=True),
        compile=compiled.model_dump(mode="json", exclude_unset=True),
        fit={},
        summary=[dict(row) for row in model.summary_rows()],
        metrics={},
        input={
            "features": encoder.features,
            "shape": [None, *model.input_shape[1:]],
        },
        output={"classes": asked.classes, "shape": [None, *model.output_shape[1:]], "targets": asked.targets},
        data={"left_out": asked.left_out or []} if encoder.has_names else {},
        weights=weights,
        environment={**environment(), **origin},
        timing={},
    )
