"""Every layer of `service.nn` as a line or two of NumPy, as it is in inference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from service.exchange.python.lines import ScriptLines, call_activation
from service.exchange.python.sources import standardize
from service.exchange.python.tabular import TABULAR
from service.nn import activations, layers

Write = Callable[[ScriptLines, Any], None]


def _dense(script: ScriptLines, layer: layers.Dense) -> None:
    bias = f" + {script.weight('bias')}" if layer.use_bias else ""
    kernel = script.weight("kernel")
    if layer.parametrization == "ntk":
        kernel = f"({kernel} * np.float32({layer.kernel_factor!r}))"
    script.say(f"x @ {kernel}{bias}")
    call_activation(script, layer.activation)


def _embedding(script: ScriptLines, layer: layers.Embedding) -> None:
    script.say(f"{script.weight('embeddings')}[np.clip(x, 0, {layer.input_dim - 1}).astype(np.int64)]")


def _prelu(script: ScriptLines, _layer: layers.PReLU) -> None:
    script.say(f"np.where(x >= 0, x, {script.weight('alpha')} * x)")


def _relu(script: ScriptLines, layer: layers.ReLU) -> None:
    script.call(activations.relu, repr(layer.negative_slope), repr(layer.max_value), repr(layer.threshold))


def _batch_normalization(script: ScriptLines, layer: layers.BatchNormalization) -> None:
    broad = script.broad(layer.axis)
    mean, variance = script.weight("moving_mean", broad), script.weight("moving_variance", broad)
    script.say(f"(x - {mean}) / np.sqrt({variance} + {layer.epsilon!r})")
    _affine(script, layer, broad)


def _layer_normalization(script: ScriptLines, layer: layers.LayerNormalization) -> None:
    script.call(standardize, repr(script.axes(layer.axis)), repr(layer.epsilon))
    _affine(script, layer, script.broad(layer.axis))


def _group_normalization(script: ScriptLines, layer: layers.GroupNormalization) -> None:
    (axis,) = script.axes(layer.axis)
    units = script.shape[axis]
    groups = units if layer.groups == -1 else layer.groups
    split = (-1, *script.shape[1:axis], groups, units // groups, *script.shape[axis + 1 :])
    script.say(f"x.reshape({split})")
    script.call(standardize, repr(tuple(place for place in range(1, len(split)) if place != axis)), repr(layer.epsilon))
    script.say(f"x.reshape({(-1, *script.shape[1:])})")
    _affine(script, layer, script.broad(axis))


def _rms_normalization(script: ScriptLines, layer: layers.RMSNormalization) -> None:
    mean = f"np.square(x).mean(axis={script.axes(layer.axis)}, keepdims=True)"
    script.say(f"x / np.sqrt({mean} + {layer.epsilon!r}) * {script.weight('scale', script.broad(layer.axis))}")


def _unit_normalization(script: ScriptLines, layer: layers.UnitNormalization) -> None:
    total = f"np.square(x).sum(axis={script.axes(layer.axis)}, keepdims=True)"
    script.say(f"x / np.sqrt(np.maximum({total}, 1e-12))")


def _rescaling(script: ScriptLines, layer: layers.Rescaling) -> None:
    script.say(f"x * {_numbers(layer.scale)} + {_numbers(layer.offset)}")


def _normalization(script: ScriptLines, layer: layers.Normalization) -> None:
    axes = () if layer.axis is None else script.axes(layer.axis)
    broad, sizes = script.broad(axes), [script.shape[axis] for axis in axes]
    if layer.mean is None:
        mean, variance = script.weight("mean", broad), script.weight("variance", broad)
    else:
        given = (np.broadcast_to(np.asarray(part), sizes).reshape(broad) for part in (layer.mean, layer.variance))
        mean, variance = (_numbers(part) for part in given)
    deviation = f"np.maximum(np.sqrt({variance}), 1e-7)"
    script.say(f"x * {deviation} + {mean}" if layer.invert else f"(x - {mean}) / {deviation}")


def _reshaped(script: ScriptLines, layer: layers.Layer) -> None:
    script.say(f"x.reshape({(-1, *layer.compute_output_shape(script.shape)[1:])})")


def _permute(script: ScriptLines, layer: layers.Permute) -> None:
    script.say(f"x.transpose({(0, *layer.dims)})")


def _repeat_vector(script: ScriptLines, layer: layers.RepeatVector) -> None:
    script.say(f"np.repeat(x[:, None, :], {layer.n}, axis=1)")


def _nothing(_script: ScriptLines, _layer: layers.Layer) -> None:
    pass


def _affine(script: ScriptLines, layer: Any, broad: Sequence[int]) -> None:
    if layer.gamma is not None:
        script.say(f"x * {script.weight('gamma', broad)}")
    if layer.beta is not None:
        script.say(f"x + {script.weight('beta', broad)}")


def _numbers(value: Any) -> str:
    plain = np.asarray(value).tolist()
    return repr(plain) if isinstance(plain, int | float) else f"np.array({plain!r}, np.float32)"


LAYERS: Mapping[type[layers.Layer], Write] = {
    **TABULAR,
    layers.Activation: lambda script, layer: call_activation(script, layer.activation),
    layers.ActivityRegularization: _nothing,
    layers.AlphaDropout: _nothing,
    layers.BatchNormalization: _batch_normalization,
    layers.Dense: _dense,
    layers.Dropout: _nothing,
    layers.ELU: lambda script, layer: script.call(activations.elu, repr(layer.alpha)),
    layers.Embedding: _embedding,
    layers.Flatten: _reshaped,
    layers.GaussianDropout: _nothing,
    layers.GaussianNoise: _nothing,
    layers.GroupNormalization: _group_normalization,
    layers.Identity: _nothing,
    layers.LayerNormalization: _layer_normalization,
    layers.LeakyReLU: lambda script, layer: script.call(activations.leaky_relu, repr(layer.negative_slope)),
    layers.Normalization: _normalization,
    layers.PReLU: _prelu,
    layers.Permute: _permute,
    layers.RMSNormalization: _rms_normalization,
    layers.ReLU: _relu,
    layers.RepeatVector: _repeat_vector,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshaped,
    layers.Softmax: lambda script, layer: script.call(activations.softmax, repr(layer.axis)),
    layers.UnitNormalization: _unit_normalization,
}
"""How each layer is written."""
