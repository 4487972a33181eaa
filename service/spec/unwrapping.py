"""A network as Keras writes it, as the stack of layers that a request has."""

import json
from collections.abc import Mapping
from typing import Any

from service.formats.arrays import kind_of
from service.spec.networks import MODEL_CLASSES, NotAStack, stack_of
from service.spec.spelling import refusal


def unwrapped(value: Any) -> Any:
    """The layers and name out of what Keras's `model.to_json()` gives, as a text or as the object in it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise refusal("wrong_type", "Expected an object, or the text that model.to_json() gives.") from None
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value:
        return {**value, "layers": _stacked(value)} if isinstance(value.get("layers"), list) else value
    class_name, config = value["class_name"], value.get("config", value)
    if class_name not in MODEL_CLASSES:
        raise refusal("unknown_name", f"Expected 'Sequential'; received {str(class_name)[:40]!r}.", "class_name")
    if not isinstance(config, Mapping | list):  # a list as Keras wrote it before 2.2.3
        raise refusal("wrong_type", f"Expected an object with layers; received {kind_of(config)}.", "config")
    known = {"name": config["name"]} if isinstance(config, Mapping) and "name" in config else {}
    return {**known, "layers": _stacked(value)}


def _stacked(network: Mapping[str, Any]) -> list[Any]:
    """The layers of a network in their order, each as `service.nn` has it."""
    try:
        return [placed.written for placed in stack_of(network)]
    except NotAStack as error:
        said = error.detail
    except RecursionError:
        said = "Expected layers that follow one another; these are nested too deep."
    raise refusal("unknown_name", said, "class_name" if "class_name" in network else "layers")
