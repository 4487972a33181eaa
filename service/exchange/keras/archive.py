"""Keras's own file, `.keras`: a zip of the network as JSON and its weights as HDF5, as Keras 3 lays them out."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from service.errors import Finding, Invalid, pointer
from service.exchange.keras.optimizer import keras_variables
from service.exchange.keras.plain import in_plain_layers
from service.nn import Layer, Sequential
from service.nn.registry import snake_case
from service.spec.networks import folders

KERAS_VERSION = "3.15.1"
"""The release whose layout is written."""

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
OPTIMIZER = "optimizer"


_NOT_IN_NAMES = {"/", "\0"}

Surround = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes, of the JSON of a Sequential, that of a Functional model which has it as its one layer with weights."""

NETWORK = "sequential/layers"
"""Where in such a model the layers of the network lie."""


def write_archive(
    model: Sequential,
    saved_at: datetime,
    notes: Mapping[str, Any] | None = None,
    surround: Surround | None = None,
) -> bytes:
    """A `.keras` file that Keras 3 loads and that predicts as the model does; equal models give equal bytes.

    Layers that Keras does not have are written as plain ones where these can say the same, and then without the state
    of the optimizer.

    The notes stand in the metadata, which Keras does not read. `Invalid` names a layer that Keras would take for
    something else.
    """
    if _NOT_IN_NAMES & set(model.name):
        expected = "Keras allows no slash in the name of the network, and its file no NUL."
        raise Invalid([Finding(pointer("spec", "name"), "not_exportable", expected)])
    plain = in_plain_layers(model)
    unsaid = {layer.name: type(layer).__name__ for layer in plain.layers if not layer.in_keras}
    for number, layer in enumerate(model.layers):
        said = _misunderstanding(layer, is_last=layer is model.layers[-1])
        if layer.name in unsaid:
            said = f"it has no {unsaid[layer.name]}. The formats onnx, python, safetensors and json have."
        if said is not None:
            said = f"Keras would not compute what the layer {str(layer.name)[:60]!r} computes: {said}"
            raise Invalid([Finding(pointer("spec", "layers", number), "not_exportable", said)])
    model = plain
    metadata = {"keras_version": KERAS_VERSION, "date_saved": f"{saved_at:%Y-%m-%d@%H:%M:%S}", **(notes or {})}
    text = model.to_json() if surround is None else json.dumps(surround(json.loads(model.to_json())))
    members = {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: text.encode(),
        WEIGHTS: _hdf5_of(model, "layers" if surround is None else f"layers/{NETWORK}"),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member)
    return content.getvalue()


def _misunderstanding(layer: Layer, *, is_last: bool) -> str | None:
    if layer.output_activation == "sparsemax":
        return "its sparsemax gives other numbers where several units share."
    if layer.output_activation == "glu" and not is_last:
        return "it does not halve the number of units for the layer after glu."
    if _NOT_IN_NAMES & set(str(layer.name)):
        return "it allows no slash in a name, and its file no NUL."
    return None


def _hdf5_of(model: Sequential, root: str) -> bytes:
    import h5py  # noqa: PLC0415 - only who moves files pays for it

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        _write_variables(file, "", model.name, [])
        found = folders(type(layer).__name__ for layer in model.layers)
        for place, layer in zip(found, model.layers, strict=True):
            _write_variables(file, f"{root}/{place}", str(layer.name), layer.get_weights())
        _write_optimizer(file, model)
    return content.getvalue()


def _write_optimizer(file: Any, model: Sequential) -> None:
    """Writes the state of the optimizer, so that Keras continues training where the model stopped."""
    variables = keras_variables(model.optimizer) if model.compiled else None
    if variables is not None:
        _write_variables(file, OPTIMIZER, model.optimizer.name or snake_case(type(model.optimizer).__name__), variables)


def _write_variables(file: Any, place: str, name: str, weights: list[Any]) -> None:
    group = file.create_group(f"{place}/vars")
    group.attrs["name"] = name
    for number, weight in enumerate(weights):
        group.create_dataset(str(number), data=weight)
