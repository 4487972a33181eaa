"""The verb export: a version becomes a file that other programs read."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.data.features import Encoder, restored
from service.exchange.keras.archive import write_archive
from service.exchange.keras.columns import INPUTS, surround
from service.exchange.onnx.file import write_onnx
from service.exchange.python.columns import inputs_of
from service.exchange.python.script import write_script
from service.formats.jsontext import write_json
from service.formats.weights import pack, unpack
from service.nn import Sequential, layers
from service.nn.folding import fold
from service.spec import CompileSpec
from service.task import AskedLoss
from service.task.network import served_network
from service.task.output_meaning import activation_of, threshold_of
from service.versions import Version


@dataclass(frozen=True, slots=True)
class Exported:
    """A file: its bytes, how they are called in HTTP, and a good name for them."""

    content: bytes
    media_type: str
    file_name: str


def export(version: Version, weights: bytes, file_format: str, optimizer: bytes | None = None) -> Exported:
    """The file of this version in one of the `FORMATS`; `Invalid` where the format has no words for a layer.

    The state of the optimizer goes into `.keras` files, as far as Keras knows it.
    """
    version.check_intact(weights)
    writer = FORMATS[file_format]
    content = writer.write(version, weights, optimizer)
    return Exported(content, writer.media_type, f"{version.model}-{version.number}{writer.suffix}")


def _built(version: Version, weights: bytes) -> Sequential:
    """The network with its weights, in the data's units, compiled as it was trained."""
    arrays, _ = unpack(weights)
    model = served_network(version, arrays.values())
    compiled = CompileSpec.model_validate(version.compile)
    arguments, loss, units = compiled.arguments(), AskedLoss.of(compiled), int(model.output_shape[-1])
    if loss.known is None:  # chosen by the targets, and Keras has no such name
        arguments["loss"] = loss.resolved((1, units), units).name
    model.compile(**arguments)
    return model


def _folded(version: Version, weights: bytes) -> Sequential:
    """The network in plain layers as far as these say it, where every layer is one of `nn`."""
    model = _built(version, weights)
    known = set(layers.REGISTRY)
    return fold(model) if all(type(layer) in known for layer in model.layers) else model


def _encoder(version: Version) -> Encoder:
    return restored(version.input.get("features"), version.input["shape"][-1])


def _notes(version: Version) -> dict[str, Any]:
    """What a version knows besides its network, by the keys that an import looks for."""
    notes = {"classes": version.output["classes"]}
    if _encoder(version).has_names:
        notes |= {"features": version.input["features"], "targets": version.output.get("targets")}
        notes["left_out"] = list(version.data.get("left_out", ()))
    return {key: value for key, value in notes.items() if value is not None}


def _keras(version: Version, weights: bytes, optimizer: bytes | None) -> bytes:
    model, notes, encoder = _built(version, weights), _notes(version), _encoder(version)
    if optimizer is not None:
        model.optimizer.build(model.parameters)
        state = unpack(optimizer)[0]
        state.pop("unaveraged", None)  # Keras continues from the average
        model.optimizer.set_state(state)
    if not encoder.has_names:
        return write_archive(model, version.created_at, notes)
    notes["inputs"] = INPUTS
    return write_archive(model, version.created_at, notes, functools.partial(surround, encoder=encoder))


def _json(version: Version, weights: bytes, _optimizer: bytes | None) -> bytes:
    network = _built(version, weights).to_json()
    if not _encoder(version).has_names:
        return network.encode()
    return write_json(json.loads(network) | _notes(version))


def _onnx(version: Version, weights: bytes, _optimizer: bytes | None) -> bytes:
    notes, encoder, model = _notes(version), _encoder(version), _folded(version, weights)
    metadata = {"model": version.model, "version": str(version.number)}
    metadata |= {key: write_json(value).decode() for key, value in notes.items()}
    return write_onnx(
        model,
        metadata,
        encoder,
        classes=notes.get("classes", ()),
        threshold=threshold_of(activation_of(model.layers[-1])),
    )


def _python(version: Version, weights: bytes, _optimizer: bytes | None) -> bytes:
    title = f"version {version.number} of the model {version.model}"
    model, classes, encoder = _folded(version, weights), version.output["classes"], _encoder(version)
    return write_script(model, title, inputs_of(encoder), classes)


def _safetensors(version: Version, weights: bytes, _optimizer: bytes | None) -> bytes:
    if not _encoder(version).has_names:
        return weights
    arrays, _ = unpack(weights)
    return pack(arrays, _notes(version))


@dataclass(frozen=True, slots=True)
class Writer:
    """A way to write a version: the function, the media type, and the ending of the file's name."""

    write: Callable[[Version, bytes, bytes | None], bytes]
    media_type: str
    suffix: str


FORMATS: Mapping[str, Writer] = {
    "keras": Writer(_keras, "application/zip", ".keras"),
    "safetensors": Writer(_safetensors, "application/octet-stream", ".safetensors"),
    "onnx": Writer(_onnx, "application/octet-stream", ".onnx"),
    "python": Writer(_python, "application/zip", ".zip"),
    "json": Writer(_json, "application/json", ".json"),
}
"""Every format that a version can be exported to."""
