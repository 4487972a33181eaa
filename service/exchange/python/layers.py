"""Every layer of `service.nn` as a line or two of NumPy, as it is in inference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from service.exchange.python.sources import standardize
from service.nn import activations, layers


class ScriptLines:
    """The lines of a script's `predict`, and the functions that they call."""

    def __init__(self, columns: int) -> None:
        self.lines: list[str] = []
        self.functions: list[Any] = []
        self.shape: tuple[Any, ...] = (None, columns)
        self.place = ""

    def say(self, expression: str) -> None:
        """One more line: x becomes this."""
        self.lines.append(f"x = {expression}")

    def call(self, function: Any, *arguments: str) -> None:
        """One more line: x becomes what this function makes of it."""
        self.functions.append(function)
        self.say(f"{function.__name__}({', '.join(('x', *arguments))})")

    def weight(self, name: str, broad: Sequence[int] | None = None) -> str:
        """The expression for a weight of the layer at hand, as it goes with rows."""
        stored = f'WEIGHTS["{self.place}_{name}"]'
        if broad is None or all(size == 1 for size in broad[:-1]):
            return stored
        return f"{stored}.reshape({tuple(broad)})"

    def axes(self, axis: Any) -> tuple[int, ...]:
        """Axes counted from the front, in order."""
        given = [axis] if isinstance(axis, int) else list(axis)
        return tuple(sorted(one % len(self.shape) for one in given))

    def broad(self, axis: Any) -> list[int]:
        """The shape of a row in which only these axes are wider than 1."""
        kept = self.axes(axis)
        return [size if place in kept else 1 for place, size in enumerate(self.shape)]


Write = Callable[[ScriptLines, Any], None]


def _activation(script: ScriptLines, name: Any) -> None:
    function = activations.REGISTRY.get(name)
    if function is not activations.linear:
        script.call(function)


def _dense(script: ScriptLines, layer: layers.Dense) -> None:
    bias = f" + {script.weight('bias')}" if layer.use_bias else ""
    script.say(f"x @ {script.weight('kernel')}{bias}")
    _activation(script, layer.activation)


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
    layers.Activation: lambda script, layer: _activation(script, layer.activation),
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
