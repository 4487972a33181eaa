"""Every layer of `service.nn` in the words of ONNX, as it is in inference."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from service.exchange.onnx.activations import ACTIVATIONS, relu, softmax
from service.exchange.onnx.graph import OnnxGraph
from service.exchange.onnx.tabular import TABULAR
from service.nn import activations, layers

Write = Callable[[OnnxGraph, Any, str], str]


def _activation(graph: OnnxGraph, name: Any, x: str) -> str:
    return ACTIVATIONS[activations.REGISTRY.get(name).name](graph, x)


def _dense(graph: OnnxGraph, layer: layers.Dense, x: str) -> str:
    y = graph.node("MatMul", x, layer.kernel.value * np.float32(layer.kernel_factor))
    if layer.use_bias:
        y = graph.node("Add", y, layer.bias.value)
    graph.shape = (*graph.shape[:-1], layer.units)
    return _activation(graph, layer.activation, y)


def _embedding(graph: OnnxGraph, layer: layers.Embedding, x: str) -> str:
    index = graph.node("Cast", graph.node("Clip", x, 0.0, float(layer.input_dim - 1)), to=7)
    return graph.node("Gather", layer.embeddings.value, index, axis=0)


def _leaky_relu(graph: OnnxGraph, layer: layers.LeakyReLU, x: str) -> str:
    return graph.node("LeakyRelu", x, alpha=layer.negative_slope)


def _elu(graph: OnnxGraph, layer: layers.ELU, x: str) -> str:
    return graph.node("Elu", x, alpha=layer.alpha)


def _relu(graph: OnnxGraph, layer: layers.ReLU, x: str) -> str:
    return relu(graph, x, layer.negative_slope, layer.max_value, layer.threshold)


def _batch_normalization(graph: OnnxGraph, layer: layers.BatchNormalization, x: str) -> str:
    broad = _broad(graph, [layer.axis])
    inverse = 1 / np.sqrt(layer.moving_variance.value + np.float32(layer.epsilon))
    y = graph.node("Sub", x, layer.moving_mean.value.reshape(broad))
    return _affine(graph, layer, graph.node("Mul", y, inverse.reshape(broad)), broad)


def _layer_normalization(graph: OnnxGraph, layer: layers.LayerNormalization, x: str) -> str:
    y = _standardized(graph, x, _axes(graph, layer.axis), layer.epsilon)
    return _affine(graph, layer, y, _broad(graph, layer.axis))


def _group_normalization(graph: OnnxGraph, layer: layers.GroupNormalization, x: str) -> str:
    shape, axis = graph.shape, layer.axis % len(graph.shape)
    groups = shape[axis] if layer.groups == -1 else layer.groups
    split = (0, *shape[1:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    within = [place for place in range(1, len(split)) if place != axis]
    grouped = graph.node("Reshape", x, graph.sizes(*split))
    y = _standardized(graph, grouped, within, layer.epsilon)
    return _affine(graph, layer, graph.node("Reshape", y, graph.sizes(0, *shape[1:])), _broad(graph, [axis]))


def _rms_normalization(graph: OnnxGraph, layer: layers.RMSNormalization, x: str) -> str:
    mean = graph.node("ReduceMean", graph.node("Mul", x, x), axes=_axes(graph, layer.axis), keepdims=1)
    y = graph.node("Div", x, graph.node("Sqrt", graph.node("Add", mean, layer.epsilon)))
    return _affine(graph, layer, y, _broad(graph, layer.axis))


def _unit_normalization(graph: OnnxGraph, layer: layers.UnitNormalization, x: str) -> str:
    axes = graph.sizes(*_axes(graph, layer.axis))
    total = graph.node("ReduceSum", graph.node("Mul", x, x), axes, keepdims=1)
    return graph.node("Div", x, graph.node("Sqrt", graph.node("Max", total, 1e-12)))


def _rescaling(graph: OnnxGraph, layer: layers.Rescaling, x: str) -> str:
    return graph.node("Add", graph.node("Mul", x, layer.scale), layer.offset)


def _normalization(graph: OnnxGraph, layer: layers.Normalization, x: str) -> str:
    given = layer.mean is not None
    axes = [] if layer.axis is None else _axes(graph, layer.axis)
    broad, sizes = _broad(graph, axes), [graph.shape[axis] for axis in axes]
    mean = np.asarray(layer.mean if given else layer.adapted_mean.value, np.float32)
    variance = np.asarray(layer.variance if given else layer.adapted_variance.value, np.float32)
    mean, variance = (np.broadcast_to(part, sizes).reshape(broad) for part in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(1e-7))
    if layer.invert:
        return graph.node("Add", graph.node("Mul", x, deviation), mean)
    return graph.node("Div", graph.node("Sub", x, mean), deviation)


def _reshaped(graph: OnnxGraph, layer: layers.Layer, x: str) -> str:
    return graph.node("Reshape", x, graph.sizes(0, *layer.compute_output_shape(graph.shape)[1:]))


def _permute(graph: OnnxGraph, layer: layers.Permute, x: str) -> str:
    return graph.node("Transpose", x, perm=[0, *layer.dims])


def _repeat_vector(graph: OnnxGraph, layer: layers.RepeatVector, x: str) -> str:
    return graph.node("Tile", graph.node("Unsqueeze", x, graph.sizes(1)), graph.sizes(1, layer.n, 1))


def _column_transformer(graph: OnnxGraph, layer: layers.ColumnTransformer, x: str) -> str:
    outputs = []
    for columns, inner in layer.parts:
        y = graph.node("Gather", x, np.asarray(columns, np.int64), axis=1)
        graph.shape = (None, len(columns))
        for one in inner:
            shape = tuple(one.compute_output_shape(graph.shape))
            y = LAYERS[type(one)](graph, one, y)
            graph.shape = shape
        outputs.append(graph.node("Reshape", y, graph.sizes(0, math.prod(graph.shape[1:]))))
    if isinstance(layer, layers.EnsembleAverage):
        return graph.node("Mean", *outputs)
    return graph.node("Concat", *outputs, axis=1)


def _nothing(_graph: OnnxGraph, _layer: layers.Layer, x: str) -> str:
    return x


def _standardized(graph: OnnxGraph, x: str, axes: Sequence[int], epsilon: float) -> str:
    """x without its mean, over its deviation."""
    centred = graph.node("Sub", x, graph.node("ReduceMean", x, axes=list(axes), keepdims=1))
    variance = graph.node("ReduceMean", graph.node("Mul", centred, centred), axes=list(axes), keepdims=1)
    return graph.node("Div", centred, graph.node("Sqrt", graph.node("Add", variance, epsilon)))


def _affine(graph: OnnxGraph, layer: Any, x: str, broad: Sequence[int]) -> str:
    if layer.gamma is not None:
        x = graph.node("Mul", x, layer.gamma.value.reshape(broad))
    return x if layer.beta is None else graph.node("Add", x, layer.beta.value.reshape(broad))


def _axes(graph: OnnxGraph, axis: Any) -> list[int]:
    given = [axis] if isinstance(axis, int) else list(axis)
    return sorted(one % len(graph.shape) for one in given)


def _broad(graph: OnnxGraph, axis: Any) -> list[int]:
    """The shape of a row in which only these axes are wider than 1, so that it goes with any number of rows."""
    kept = _axes(graph, axis)
    return [size if place in kept else 1 for place, size in enumerate(graph.shape)]


KNOWN = {None, *ACTIVATIONS}
"""The names of the activations that a layer may end with; None is no single one."""

LAYERS: Mapping[type[layers.Layer], Write] = {
    **TABULAR,
    layers.Activation: lambda graph, layer, x: _activation(graph, layer.activation, x),
    layers.ActivityRegularization: _nothing,
    layers.AlphaDropout: _nothing,
    layers.BatchNormalization: _batch_normalization,
    layers.ColumnTransformer: _column_transformer,
    layers.Dense: _dense,
    layers.Dropout: _nothing,
    layers.ELU: _elu,
    layers.Embedding: _embedding,
    layers.EnsembleAverage: _column_transformer,
    layers.Flatten: _reshaped,
    layers.GaussianDropout: _nothing,
    layers.GaussianNoise: _nothing,
    layers.GroupNormalization: _group_normalization,
    layers.Identity: _nothing,
    layers.LayerNormalization: _layer_normalization,
    layers.LeakyReLU: _leaky_relu,
    layers.Normalization: _normalization,
    layers.PReLU: lambda graph, layer, x: graph.node("PRelu", x, layer.alpha.value),
    layers.Permute: _permute,
    layers.RMSNormalization: _rms_normalization,
    layers.ReLU: _relu,
    layers.RepeatVector: _repeat_vector,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshaped,
    layers.Softmax: lambda graph, layer, x: softmax(graph, x, layer.axis),
    layers.UnitNormalization: _unit_normalization,
}
"""How each layer is written."""
