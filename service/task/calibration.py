"""The temperature of a version: by how much its probabilities are less sure than those that the training left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.nn import Layer, Sequential, activations, layers
from service.nn.layers.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from service.nn.losses import Targets
from service.task.output_meaning import OutputMeaning
from service.task.task import Task

Array = NDArray[Any]
Floats = NDArray[np.float64]

_SMALLEST = 1e-37
_SHARES, _APART, _LOGITS = "softmax", "sigmoid", "linear"
_SILENT = (
    layers.ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    layers.Identity,
)


@dataclass(frozen=True, slots=True)
class Temperature:
    """A number that the logits of a network are divided by, whether its outputs are these or probabilities."""

    value: float

    @classmethod
    def of(cls, output: Mapping[str, Any]) -> Self | None:
        """The temperature in what a version says of its output; None where there is none, or it changes nothing."""
        value = (output.get("calibration") or {}).get("temperature", 1.0)
        return None if value == 1 else cls(value)

    def applied(self, model: Sequential) -> Sequential:
        """A network of its own that predicts as the model does at this temperature; it is not compiled.

        The last kernel and bias are divided where that says it, so that every file format can; else a layer follows.
        """
        if scalable(model.layers) is None:
            return copied(model, [self._layer(model.layers[-1])])
        made = copied(model)
        dense = scalable(made.layers)
        for weight in () if dense is None else dense.weights:
            weight.assign((weight.value.astype(np.float64) / self.value).astype(weight.value.dtype))
        return made

    def _layer(self, last: Layer) -> Layer:
        if last.output_activation in (_SHARES, _APART):
            apart = last.output_activation == _APART
            return layers.Temperature(self.value, independent=apart, name="temperature")
        return layers.Rescaling(1 / self.value, name="temperature")


def copied(model: Sequential, tail: Sequence[Layer] = ()) -> Sequential:
    """A network with the same layers and weights, and others behind them; it is not compiled."""
    same = [type(layer).from_config(layer.get_config()) for layer in model.layers]
    made = Sequential([layers.Input(model.input_shape[1:]), *same, *tail], name=model.name)
    made.set_weights(model.get_weights())
    return made


def scalable(stack: Sequence[Layer]) -> layers.Dense | None:
    """The Dense layer whose outputs are the logits of a stack of layers; None where there is none."""
    activated = False
    for layer in reversed(stack):
        if type(layer) is layers.Dense:
            own = layer.output_activation
            known = (_LOGITS,) if activated else (_SHARES, _APART, _LOGITS)
            return layer if own in known else None
        if isinstance(layer, layers.Softmax) or (
            isinstance(layer, layers.Activation) and layer.output_activation in (_SHARES, _APART)
        ):
            if activated:
                return None
            activated = True
        elif not isinstance(layer, _SILENT):
            return None
    return None


def logits(task: Task, predictions: Array) -> Floats | None:
    """The logits (rows, units) of outputs, up to a number for each row; None where a temperature has no meaning.

    It has one where the outputs are the probabilities of classes, or of labels by themselves, or their logits.
    """
    form = form_of(task.outputs, task.targets)
    if form is None or not np.isfinite(predictions).all():
        return None
    x = predictions.astype(np.float64)
    if form == _LOGITS:
        return x
    made: Floats = np.log(np.maximum(x, _SMALLEST))
    return made - np.log(np.maximum(1 - x, _SMALLEST)) if form == _APART else made


def outputs_of(task: Task, logits: Floats) -> Floats:
    """The outputs that have these logits."""
    form = form_of(task.outputs, task.targets)
    if form == _LOGITS:
        return logits
    made: Floats = (activations.sigmoid if form == _APART else activations.softmax)(logits)
    return made


def form_of(outputs: OutputMeaning, targets: Targets) -> str | None:
    """What the outputs are: shares of classes, probabilities apart, or logits; None where they are nothing of that."""
    name = None if outputs.activation is None else outputs.activation.name
    if not outputs.are_probabilities or targets is Targets.NUMBERS or not outputs.is_flat:
        return None
    if name in (None, _LOGITS):
        return _LOGITS
    return name if name == (_APART if targets is Targets.BINARY else _SHARES) else None
