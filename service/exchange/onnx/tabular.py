"""The layers of recipes for tables in the words of ONNX, as they are in inference."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from service.exchange.onnx.activations import ACTIVATIONS
from service.exchange.onnx.graph import OnnxGraph
from service.nn import activations, layers
from service.nn.layers.numerical_embedding import bins_of
from service.nn.layers.temperature import SMALLEST

_HUGE = 1e15
"""Numbers beyond are taken for this one, so that their squares are numbers, too."""


def _activation(graph: OnnxGraph, name: Any, x: str) -> str:
    return ACTIVATIONS[activations.REGISTRY.get(name).name](graph, x)


def _smooth_clip(graph: OnnxGraph, layer: layers.SmoothClip, x: str) -> str:
    x = graph.node("Clip", x, -_HUGE, _HUGE)
    part = graph.node("Mul", x, 1 / layer.max_value)
    return graph.node("Div", x, graph.node("Sqrt", graph.node("Add", graph.node("Mul", part, part), 1.0)))


def _clamp(graph: OnnxGraph, layer: layers.Clamp, x: str) -> str:
    low, high = (bound.value for bound in layer.weights)
    return graph.node("Min", graph.node("Max", x, low), high)


def _parametric_activation(graph: OnnxGraph, layer: layers.ParametricActivation, x: str) -> str:
    difference = graph.node("Sub", _activation(graph, layer.activation, x), x)
    return graph.node("Add", x, graph.node("Mul", difference, layer.alpha.value))


def _ensemble_scale(graph: OnnxGraph, layer: layers.EnsembleScale, x: str) -> str:
    return graph.node("Mul", graph.node("Unsqueeze", x, graph.sizes(1)), layer.scale.value)


def _ensemble_dense(graph: OnnxGraph, layer: layers.EnsembleDense, x: str) -> str:
    y = graph.node("MatMul", graph.node("Transpose", x, perm=[1, 0, 2]), layer.kernel.value)
    if layer.use_bias:
        y = graph.node("Add", y, layer.bias.value[:, None, :])
    graph.shape = (None, layer.units)
    return graph.node("ReduceMean", _activation(graph, layer.activation, y), axes=[0], keepdims=0)


def _temperature(graph: OnnxGraph, layer: layers.Temperature, x: str) -> str:
    z = graph.node("Log", graph.node("Max", x, SMALLEST))
    if layer.independent:
        z = graph.node("Sub", z, graph.node("Log", graph.node("Max", graph.node("Sub", 1.0, x), SMALLEST)))
    return _activation(graph, layer.output_activation, graph.node("Mul", z, 1 / layer.temperature))


def _periodic_embedding(graph: OnnxGraph, layer: layers.PeriodicEmbedding, x: str) -> str:
    turns = np.float32(2 * math.pi) * layer.frequencies.value
    u = graph.node("Add", graph.node("Mul", graph.node("Unsqueeze", x, graph.sizes(2)), turns), layer.phases.value)
    y = _by_feature(graph, graph.node("Cos", u), layer.amplitudes.value)
    return _flattened(graph, layer, graph.node("Add", y, layer.offsets.value))


def _piecewise_linear_embedding(graph: OnnxGraph, layer: layers.PiecewiseLinearEmbedding, x: str) -> str:
    start, share, low, high = bins_of(layer.edges.value)
    x = graph.node("Unsqueeze", x, graph.sizes(2))
    e = graph.node("Max", graph.node("Mul", graph.node("Sub", x, start), share), low)
    y = _by_feature(graph, graph.node("Min", e, high), layer.kernel.value)
    linear = graph.node("Add", graph.node("Mul", x, layer.slopes.value), layer.offsets.value)
    return _flattened(graph, layer, graph.node("Add", y, linear))


def _by_feature(graph: OnnxGraph, x: str, kernel: Any) -> str:
    """(rows, features, n) times a kernel (features, n, units) for each feature."""
    turned = graph.node("MatMul", graph.node("Transpose", x, perm=[1, 0, 2]), kernel)
    return graph.node("Transpose", turned, perm=[1, 0, 2])


def _flattened(graph: OnnxGraph, layer: layers.Layer, x: str) -> str:
    return graph.node("Reshape", x, graph.sizes(0, layer.compute_output_shape(graph.shape)[1]))


TABULAR: Mapping[type[layers.Layer], Callable[[OnnxGraph, Any, str], str]] = {
    layers.Clamp: _clamp,
    layers.EnsembleDense: _ensemble_dense,
    layers.EnsembleScale: _ensemble_scale,
    layers.ParametricActivation: _parametric_activation,
    layers.PeriodicEmbedding: _periodic_embedding,
    layers.PiecewiseLinearEmbedding: _piecewise_linear_embedding,
    layers.Scale: lambda graph, layer, x: graph.node("Mul", x, layer.scale.value),
    layers.SmoothClip: _smooth_clip,
    layers.Temperature: _temperature,
}
"""How each of them is written."""
