"""The network of a version: as it was trained, and as it predicts in the data's own units."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.nn import Layer, Sequential
from service.spec import ModelSpec
from service.task.bag import bag_layers
from service.task.calibration import Temperature
from service.task.target_scale import TargetScale
from service.versions import Trained


def scale_of(version: Trained) -> TargetScale | None:
    """How the targets of a version were scaled; None where they were learnt as they are."""
    return TargetScale.from_json(version.output.get("transform"))


def trained_network(version: Trained, weights: Iterable[Any]) -> Sequential:
    """The network with its weights (in Keras's order), whose outputs are those that the loss saw."""
    return _network(version, weights, ())


def served_network(version: Trained, weights: Iterable[Any]) -> Sequential:
    """The network with its weights, whose outputs are in the units of the data, and calibrated."""
    scale = scale_of(version)
    model = _network(version, weights, () if scale is None else scale.layers())
    temperature = Temperature.of(version.output)
    return model if temperature is None else temperature.applied(model)


def _network(version: Trained, weights: Iterable[Any], tail: Sequence[Layer]) -> Sequential:
    spec, columns, members = ModelSpec.model_validate(version.spec), int(version.input["shape"][-1]), version.members
    layers = None if members is None else bag_layers(spec, columns, members)
    model = spec.build(columns, seed=0, layers=layers, tail=tail)
    model.set_weights(list(weights))
    return model
