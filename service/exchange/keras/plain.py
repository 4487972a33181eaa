"""A network in layers that Keras has, where its own have the same meaning."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.nn import Layer, Sequential, initializers, layers, optimizers
from service.nn.folding import fold
from service.nn.layers import Clamp, Dense, Dropout, Scale, SmoothClip
from service.nn.layers.scale import NO_LIMIT
from service.nn.optimizers import Optimizer

Array = np.ndarray[Any, Any]
Stack = list[tuple[Layer, list[Array]]]


def in_plain_layers(model: Sequential) -> Sequential:
    """A network that predicts as the model does, with plain layers for those that Keras does not have but can say.

    It is the model itself if every layer is plain; a layer without a plain form stays as it is. It is compiled
    as the model is, without what Keras's optimizers do not know.
    """
    if not any(map(_is_own, model.layers)) and _is_plain(model):
        return model
    stack = [said for layer in fold(model).layers for said in _said(layer)]
    plain = Sequential([layers.Input(model.input_shape[1:]), *(layer for layer, _ in stack)], name=model.name)
    plain.set_weights([weight for _, weights in stack for weight in weights])
    if model.compiled:
        plain.compile(**{**model.compile_arguments, "optimizer": plain_optimizer(model.optimizer)})
    return plain


def _is_own(layer: Layer) -> bool:
    """Whether a layer, or something in it, is not Keras's."""
    config = layer.get_config()
    told = {field.name for field in dataclasses.fields(layer) if field.metadata.get("beyond_keras")}
    return not layer.in_keras or bool(told & set(config)) or any(map(_is_own_initializer, config.items()))


def _is_own_initializer(argument: tuple[str, Any]) -> bool:
    name, value = argument
    return name.endswith("_initializer") and value is not None and not initializers.get(value).in_keras


def _is_plain(model: Sequential) -> bool:
    return not model.compiled or plain_optimizer(model.optimizer) is model.optimizer


def plain_optimizer(optimizer: Optimizer) -> Optimizer:
    """The optimizer without what Keras's does not know; itself where there is nothing of that."""
    config = optimizer.get_config()
    told = [field.name for field in dataclasses.fields(optimizer) if field.metadata.get("beyond_keras")]
    own = {name: config.pop(name) for name in told if name in config}
    rate = optimizer.learning_rate
    if isinstance(rate, optimizers.schedules.FractionSchedule):
        own["learning_rate"], config["learning_rate"] = rate, rate.initial_learning_rate
    return type(optimizer).from_config(config) if own else optimizer


def _said(layer: Layer) -> Stack:
    """The layer in plain ones, each with its weights."""
    width = layer.weights[0].shape[-1] if layer.weights else 0
    if isinstance(layer, Scale):
        return [_diagonal(layer.scale.value, None, name=layer.name)]
    if isinstance(layer, Clamp):
        return _clamp(layer, width)
    if isinstance(layer, SmoothClip):
        return _smooth_clip(layer)
    config = {name: value for name, value in layer.get_config().items() if not _is_own_initializer((name, value))}
    if isinstance(layer, Dropout):
        config.pop("rate_schedule", None)
    return [(type(layer).from_config(config), layer.get_weights())]


def _clamp(layer: Clamp, width: int) -> Stack:
    """To [0, 1], cut off there, and back."""
    low, high = (bound.value.astype(np.float64) for bound in layer.weights)
    if (low < -NO_LIMIT).all() and (high > NO_LIMIT).all():
        return []
    span = high - low
    inverse = np.divide(1, span, out=np.zeros(width), where=span > 0)
    return [
        _diagonal(inverse, -low * inverse, name=f"{layer.name}_in"),
        (layers.ReLU(max_value=1.0, name=f"{layer.name}_cut"), []),
        _diagonal(span, low, name=f"{layer.name}_out"),
    ]


def _smooth_clip(layer: SmoothClip) -> Stack:
    """m x / sqrt(x^2 + m^2): each number beside m, the pair scaled to length one, and the first of it times m."""
    bound, name = layer.max_value, layer.name
    pair = [np.array([[1, 0]], np.float32), np.array([0, bound], np.float32)]
    return [
        (layers.Reshape((-1, 1), name=f"{name}_apart"), []),
        (Dense(2, name=f"{name}_pairs"), pair),
        (layers.UnitNormalization(axis=-1, name=f"{name}_unit"), []),
        (Dense(1, use_bias=False, name=f"{name}_first"), [np.array([[bound], [0]], np.float32)]),
        (layers.Flatten(name=f"{name}_together"), []),
    ]


def _diagonal(scale: Array, offset: Array | None, *, name: str | None) -> tuple[Layer, list[Array]]:
    """A Dense layer that multiplies each unit by a number of its own, and adds one."""
    made: Mapping[str, Any] = {"units": len(scale), "use_bias": offset is not None, "name": name}
    weights = [np.diag(scale).astype(np.float32), *([] if offset is None else [offset.astype(np.float32)])]
    return Dense(**made), weights
