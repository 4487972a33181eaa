"""Reads files that Keras wrote, `.keras` and HDF5: network, compilation and weights."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from service.config import Limits
from service.errors import Malformed, TooLarge
from service.exchange.keras import hdf5
from service.exchange.keras.archive import CONFIG, METADATA, NETWORK, WEIGHTS
from service.formats.jsontext import read_json
from service.spec.networks import NotAStack, stack_of

ZIP_MAGIC = b"PK\x03\x04"
_EXPANSION = 100
_FLOOR_BYTES = 2**20
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class KerasFile:
    """The contents of a file, of which only the form has been checked."""

    config: Any
    """The network, as `model.to_json()` returns it."""
    compile: Mapping[str, Any]
    """Optimizer, loss and metrics, in Keras's words; empty if the file says nothing."""
    weights: list[NDArray[Any]]
    """In Keras's order."""
    learnt_first: bool = False
    """Whether of a network in the network all weights that training changes come before all others, as in HDF5."""
    origin: dict[str, Any] = field(default_factory=dict)
    """What wrote the file."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What else Fitd wrote into the file, if it did."""
    surrounding: Mapping[str, Any] | None = None
    """The Functional model round the network, as `model.to_json()` gives it, where the notes say what it does."""
    optimizer: list[NDArray[Any]] = field(default_factory=list)
    """The variables of the optimizer in Keras's order; empty if the file has none, or is HDF5."""


def read_keras_file(content: bytes, limits: Limits) -> KerasFile:
    """Returns the model in a `.keras` or HDF5 file, recognized by its first bytes; raises `Malformed` for others."""
    if content.startswith(ZIP_MAGIC):
        return _from_archive(content, limits)
    if content.startswith(hdf5.MAGIC):
        return _from_hdf5(content, limits)
    raise Malformed("Expected a .keras file or an HDF5 file of Keras; these bytes are neither.")


def _from_archive(content: bytes, limits: Limits) -> KerasFile:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            missing = [name for name in (CONFIG, WEIGHTS) if name not in members]
            if missing:
                raise Malformed(f"Expected a .keras file; this zip has no {' and no '.join(missing)}.")
            texts = {name: _member(archive, info, limits) for name, info in members.items() if name in _MEMBERS}
    except _UNREADABLE as error:
        raise Malformed("Expected a .keras file; this zip cannot be read.") from error
    document = _object(texts[CONFIG])
    metadata = _object(texts.get(METADATA, b"{}"))
    version = metadata.get("keras_version")
    network = _network(document) if metadata.get("features") is not None else None
    _check_notes(document, metadata)
    lie = _folders(_of_version(document, version) if network is None else network)
    lie = lie if network is None else [f"{NETWORK}/{folder}" for folder in lie]
    found = hdf5.read_hdf5(texts[WEIGHTS], _most_numbers(limits), lie)
    compiled = document.get("compile_config")
    return KerasFile(
        config=_of_version(document, version) if network is None else network,
        compile=compiled if isinstance(compiled, Mapping) else {},
        weights=[array for layer in sorted(found.weights) for array in found.weights[layer]],
        origin=_origin("keras", version),
        notes={key: metadata[key] for key in NOTES if metadata.get(key) is not None},
        surrounding=None if network is None else document,
        optimizer=found.optimizer,
    )


_MEMBERS = (CONFIG, METADATA, WEIGHTS)

NOTES = ("classes", "features", "targets", "left_out")
"""What a file may say of a version besides its network: how its outputs and its columns are called."""


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> bytes:
    if info.file_size > limits.max_body_bytes:
        most = limits.max_body_bytes
        raise TooLarge(f"Expected at most {most:,} bytes in each member of the zip.", limit=most, unit="bytes")
    if info.file_size > _FLOOR_BYTES and info.file_size > _EXPANSION * info.compress_size:
        raise Malformed(
            f"Expected a .keras file; a member of this zip expands to more than {_EXPANSION} times its size."
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Malformed("Expected a .keras file; this zip is compressed in another way than Keras does.")
    return archive.read(info)


def _from_hdf5(content: bytes, limits: Limits) -> KerasFile:
    found = hdf5.read_hdf5(content, _most_numbers(limits))
    config = found.texts["model_config"]
    if config is None:
        raise Malformed("Expected the HDF5 file of a whole model; this one has weights and no network.")
    _check_notes(_object(config.encode()), {})
    training = _object((found.texts["training_config"] or "{}").encode())
    compiled = {**training, "optimizer": training.get("optimizer_config")} if training else {}
    return KerasFile(
        config=_of_version(_object(config.encode()), found.texts["keras_version"]),
        compile=compiled,
        weights=[array for layer in sorted(found.weights) for array in found.weights[layer]],
        learnt_first=True,
        origin=_origin("hdf5", found.texts["keras_version"]),
    )


def _origin(kind: str, version: Any) -> dict[str, Any]:
    return {"imported_from": kind, "keras": version[:20] if isinstance(version, str) else None}


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = read_json(text)
    except (Malformed, ValueError):
        value = None
    if not isinstance(value, dict):
        raise Malformed("Expected the network in JSON; the file has something else in its place.")
    return value


def _network(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one Sequential, with a name, among the layers of a Functional model."""
    found = [layer for layer in _stack(document) if layer.get("class_name") == "Sequential"]
    config = found[0].get("config") if document.get("class_name") == "Functional" and len(found) == 1 else None
    return found[0] if isinstance(config, Mapping) and isinstance(config.get("name"), str) else None


def _check_notes(document: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """`Malformed` for a network with an input for each column of a table, where nothing says what the columns are."""
    inputs = [layer for layer in _stack(document) if layer.get("class_name") == "InputLayer"]
    if notes.get("features") is None and len(inputs) > 1 and (network := _network(document)) is not None:
        name = str(network["config"]["name"])[:60]
        raise Malformed(
            "Expected what Fitd notes of the columns of a table; Keras leaves it out when it saves such a file again. "
            f"Import the file that Fitd wrote, or save the network of inputs alone: model.get_layer({name!r})."
        )


def _of_version(network: dict[str, Any], version: Any) -> dict[str, Any]:
    """A network that says which version of Keras wrote it, as the file does."""
    return {**network, "keras_version": version} if isinstance(version, str) else network


def _folders(network: Mapping[str, Any]) -> list[str]:
    """Where the weights of each layer lie; of a network that is no stack, which is refused later, nowhere."""
    try:
        return [placed.folder for placed in stack_of(network)]
    except (NotAStack, RecursionError):
        return []


def _stack(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    config = document.get("config")
    stack = config.get("layers") if isinstance(config, Mapping) else None
    return [layer for layer in stack if isinstance(layer, Mapping)] if isinstance(stack, list) else []


def _most_numbers(limits: Limits) -> int:
    return 2 * limits.max_parameters
