"""The layers of recipes for tables as a line or two of NumPy, as they are in inference."""

from collections.abc import Callable, Mapping
from typing import Any

from service.exchange.python.lines import ScriptLines, call_activation
from service.exchange.python.sources import periodic, piecewise_linear
from service.nn import activations, layers
from service.nn.layers.temperature import SMALLEST


def _scale(script: ScriptLines, _layer: layers.Scale) -> None:
    script.say(f"x * {script.weight('scale')}")


def _smooth_clip(script: ScriptLines, layer: layers.SmoothClip) -> None:
    script.say(f"x / np.hypot(np.float32(1), x * np.float32({1 / layer.max_value!r}))")


def _clamp(script: ScriptLines, _layer: layers.Clamp) -> None:
    script.say(f"np.clip(x, {script.weight('minimum')}, {script.weight('maximum')})")


def _parametric_activation(script: ScriptLines, layer: layers.ParametricActivation) -> None:
    function = activations.REGISTRY.get(layer.activation)
    script.functions.append(function)
    script.say(f"x + {script.weight('alpha')} * ({function.name}(x) - x)")


def _ensemble_scale(script: ScriptLines, _layer: layers.EnsembleScale) -> None:
    script.say(f"x[:, None, :] * {script.weight('scale')}")


def _ensemble_dense(script: ScriptLines, layer: layers.EnsembleDense) -> None:
    bias = f" + {script.weight('bias')}[:, None, :]" if layer.use_bias else ""
    script.say(f"np.matmul(x.transpose(1, 0, 2), {script.weight('kernel')}){bias}")
    call_activation(script, layer.activation)
    script.say("x.mean(axis=0)")


def _temperature(script: ScriptLines, layer: layers.Temperature) -> None:
    left = f" - np.log(np.maximum(1 - x, np.float32({SMALLEST!r})))" if layer.independent else ""
    script.say(f"(np.log(np.maximum(x, np.float32({SMALLEST!r}))){left}) * np.float32({1 / layer.temperature!r})")
    call_activation(script, layer.output_activation)


def _periodic_embedding(script: ScriptLines, _layer: layers.PeriodicEmbedding) -> None:
    script.call(periodic, *map(script.weight, ("frequencies", "phases", "amplitudes", "offsets")))


def _piecewise_linear_embedding(script: ScriptLines, _layer: layers.PiecewiseLinearEmbedding) -> None:
    script.call(piecewise_linear, *map(script.weight, ("edges", "kernel", "slopes", "offsets")))


def _column_transformer(script: ScriptLines, layer: layers.ColumnTransformer) -> None:
    place, shape = script.place, script.shape
    given, outputs = f"{place}_inputs", f"{place}_outputs"
    script.lines += [f"{given}, {outputs} = x, []"]
    for number, (columns, inner) in enumerate(layer.parts):
        script.say(f"{given}[:, {columns}]")
        script.shape = (None, len(columns))
        for position, one in enumerate(inner):
            script.write(f"{place}_{number}_{position}", one)
        script.lines.append(f"{outputs}.append(x.reshape(len(x), -1))")
    script.place, script.shape = place, shape
    if isinstance(layer, layers.EnsembleAverage):
        script.say(f"sum({outputs}) / np.float32({len(layer.parts)})")
    else:
        script.say(f"np.concatenate({outputs}, axis=1)")


TABULAR: Mapping[type[layers.Layer], Callable[[ScriptLines, Any], None]] = {
    layers.Clamp: _clamp,
    layers.ColumnTransformer: _column_transformer,
    layers.EnsembleAverage: _column_transformer,
    layers.EnsembleDense: _ensemble_dense,
    layers.EnsembleScale: _ensemble_scale,
    layers.ParametricActivation: _parametric_activation,
    layers.PeriodicEmbedding: _periodic_embedding,
    layers.PiecewiseLinearEmbedding: _piecewise_linear_embedding,
    layers.Scale: _scale,
    layers.SmoothClip: _smooth_clip,
    layers.Temperature: _temperature,
}
"""How each of them is written."""
