"""Every activation of `service.nn` in the words of ONNX."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from service.exchange.onnx.graph import OnnxGraph
from service.nn.activations.exponentials import SELU_ALPHA, SELU_SCALE

Write = Callable[[OnnxGraph, str], str]


def softmax(graph: OnnxGraph, x: str, axis: int = -1) -> str:
    """Shares along an axis."""
    return graph.node("Softmax", x, axis=axis)


def relu(graph: OnnxGraph, x: str, negative_slope: float, max_value: float | None, threshold: float) -> str:
    """A rectifier with a slope, a ceiling and a threshold."""
    below = graph.node("Mul", graph.node("Sub", x, threshold), negative_slope)
    y = graph.node("Where", graph.node("Greater", x, threshold), x, below)
    return y if max_value is None else graph.node("Min", y, max_value)


def glu(graph: OnnxGraph, x: str) -> str:
    """One half of the units through the gate of the other."""
    units = graph.shape[-1]
    first = graph.node("Slice", x, graph.sizes(0), graph.sizes(units // 2), graph.sizes(-1))
    second = graph.node("Slice", x, graph.sizes(units // 2), graph.sizes(units), graph.sizes(-1))
    return graph.node("Mul", first, graph.node("Sigmoid", second))


def _silu(graph: OnnxGraph, x: str) -> str:
    return graph.node("Mul", x, graph.node("Sigmoid", x))


def _mish(graph: OnnxGraph, x: str) -> str:
    return graph.node("Mul", x, graph.node("Tanh", graph.node("Softplus", x)))


def _gelu(graph: OnnxGraph, x: str) -> str:
    phi = graph.node("Add", graph.node("Erf", graph.node("Mul", x, 1 / math.sqrt(2))), 1.0)
    return graph.node("Mul", graph.node("Mul", x, 0.5), phi)


def _log_sigmoid(graph: OnnxGraph, x: str) -> str:
    return graph.node("Neg", graph.node("Softplus", graph.node("Neg", x)))


def _squareplus(graph: OnnxGraph, x: str) -> str:
    root = graph.node("Sqrt", graph.node("Add", graph.node("Mul", x, x), 4.0))
    return graph.node("Mul", graph.node("Add", x, root), 0.5)


def _sparse_plus(graph: OnnxGraph, x: str) -> str:
    raised = graph.node("Add", x, 1.0)
    middle = graph.node("Mul", graph.node("Mul", raised, raised), 0.25)
    upper = graph.node("Where", graph.node("Less", x, 1.0), middle, x)
    return graph.node("Where", graph.node("LessOrEqual", x, -1.0), 0.0, upper)


def _sparsemax(graph: OnnxGraph, x: str) -> str:
    """The projection of `service.nn`: sort, sum up, find how many belong to the support, subtract the threshold."""
    units = graph.shape[-1]
    order = graph.node("TopK", x, graph.sizes(units), axis=-1, outputs=2)
    total = graph.node("CumSum", order, np.asarray(-1, np.int64))
    ranked = graph.node("Add", graph.node("Mul", order, np.arange(1, units + 1, dtype=np.float32)), 1.0)
    inside = graph.node("Cast", graph.node("Greater", ranked, total), to=1)
    size = graph.node("ReduceSum", inside, graph.sizes(-1), keepdims=1)
    index = graph.node("Cast", graph.node("Sub", size, 1.0), to=7)
    last = graph.node("GatherElements", total, index, axis=-1)
    threshold = graph.node("Div", graph.node("Sub", last, 1.0), size)
    return graph.node("Relu", graph.node("Sub", x, threshold))


ACTIVATIONS: Mapping[str, Write] = {
    "celu": lambda graph, x: graph.node("Celu", x),
    "elu": lambda graph, x: graph.node("Elu", x),
    "exponential": lambda graph, x: graph.node("Exp", x),
    "gelu": _gelu,
    "glu": glu,
    "hard_shrink": lambda graph, x: graph.node("Shrink", x, lambd=0.5),
    "hard_sigmoid": lambda graph, x: graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "hard_silu": lambda graph, x: graph.node("HardSwish", x),
    "hard_tanh": lambda graph, x: graph.node("Clip", x, -1.0, 1.0),
    "leaky_relu": lambda graph, x: graph.node("LeakyRelu", x, alpha=0.2),
    "linear": lambda _graph, x: x,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": lambda graph, x: graph.node("LogSoftmax", x, axis=-1),
    "mish": _mish,
    "relu": lambda graph, x: graph.node("Relu", x),
    "relu6": lambda graph, x: graph.node("Clip", x, 0.0, 6.0),
    "selu": lambda graph, x: graph.node("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE),
    "sigmoid": lambda graph, x: graph.node("Sigmoid", x),
    "silu": _silu,
    "soft_shrink": lambda graph, x: graph.node("Shrink", x, lambd=0.5, bias=0.5),
    "softmax": softmax,
    "softplus": lambda graph, x: graph.node("Softplus", x),
    "softsign": lambda graph, x: graph.node("Softsign", x),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda graph, x: graph.node("HardSigmoid", x, alpha=0.5, beta=0.5),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh": lambda graph, x: graph.node("Tanh", x),
    "tanh_shrink": lambda graph, x: graph.node("Sub", x, graph.node("Tanh", x)),
}
"""By the activation's own name."""
