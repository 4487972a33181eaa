"""The arguments of a part as Keras writes them, with older names and with options that are off."""

import dataclasses
from collections.abc import Mapping
from typing import Any

_OLD_NAMES = {("", "lr"): "learning_rate", ("LeakyReLU", "alpha"): "negative_slope"}
_OFF = (
    ("decay", 0.0),
    ("dtype", "float32"),
    ("is_legacy_optimizer", False),
    ("jit_compile", False),
    ("jit_compile", True),
    ("ragged", False),
    ("renorm", False),
    ("renorm_momentum", 0.99),
    ("rms_scaling", False),
    ("sparse", False),
    ("synchronized", False),
)
_WITHOUT_EFFECT = ("input_length",)


def understood(cls: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under their names of today, without options that this class does not have and that are off."""
    known = {field.name for field in dataclasses.fields(cls)}
    renamed = {
        _OLD_NAMES.get((cls.__name__, key), _OLD_NAMES.get(("", key), key)): value for key, value in arguments.items()
    }
    kept = {key: value for key, value in renamed.items() if key in known or not _is_off(key, value)}
    if kept.get("epsilon", ...) is None:  # by which Keras before 2.1 meant that of its configuration
        del kept["epsilon"]
    axis = kept.get("axis")
    if cls.__name__ == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:  # as Keras 2 writes it
        kept["axis"] = axis[0]
    if cls.__name__ == "InputLayer":
        kept.pop("dtype", None)  # numbers are numbers here, also those that an Embedding looks up
    policy = kept.get("dtype")
    if isinstance(policy, Mapping) and isinstance(policy.get("config"), Mapping):
        kept["dtype"] = policy["config"].get("name")
    return kept


def _is_off(key: str, value: Any) -> bool:
    return value is None or key in _WITHOUT_EFFECT or (isinstance(value, str | int | float) and (key, value) in _OFF)
