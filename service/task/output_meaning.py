"""Interprets the outputs of a network: numbers or classes, their names, and the probability of each class."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.nn import Sequential, activations, layers
from service.nn.activations import Activation
from service.nn.losses import Targets
from service.task.asked_loss import AskedLoss

Floats = NDArray[np.float32]

_MANY_ROWS, _FEW_COLUMNS = 1000, 32


def activation_of(layer: layers.Layer) -> Activation | None:
    """The activation that the outputs of a layer have just gone through; None where there is no single one."""
    name = layer.output_activation
    return None if name is None else activations.REGISTRY.get(name)


def threshold_of(activation: Activation | None) -> float:
    """Returns the value above which a single output means the second class: 0.5 for probabilities, 0 for logits."""
    if activation is None:
        return 0.0
    return 0.5 if activation.outputs.are_probabilities else math.log(0.5) if activation.outputs.are_logarithms else 0.0


class OutputMeaning:
    """What the outputs (rows, units) of a network mean, which was trained with a loss on certain classes or targets."""

    def __init__(
        self,
        last: layers.Layer,
        shape: Sequence[Any],
        loss: AskedLoss,
        *,
        classes: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
    ) -> None:
        """`last` is the last layer and `shape` that of its outputs, rows first."""
        self.loss = loss
        self.units = int(shape[-1])
        self.classes = None if classes is None else list(classes)
        self.target_names = None if target_names is None else list(target_names)
        self.activation = activation_of(last)
        self.threshold = threshold_of(self.activation)
        self._is_flat = len(shape) == 2
        self._likelihood = _likelihood(self.activation, loss)

    @classmethod
    def of(
        cls,
        model: Sequential,
        loss: AskedLoss,
        *,
        classes: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
    ) -> Self:
        """What the outputs of a built network mean."""
        return cls(model.layers[-1], model.output_shape, loss, classes=classes, target_names=target_names)

    @property
    def names_classes(self) -> bool:
        """Whether the most likely class of a prediction has a name."""
        return self.classes is not None and len(self.classes) > 1

    def named(self, predictions: Floats) -> list[str] | None:
        """The most likely class of each prediction, where the classes have names."""
        if self.classes is None or not self.names_classes:
            return None
        return [self.classes[i] for i in self.likeliest(predictions)]

    def likeliest(self, predictions: Floats) -> NDArray[np.int64]:
        """The index of the most likely class (rows,) of each prediction."""
        if self.units == 1:
            return (predictions[:, 0] > self.threshold).astype(np.int64)
        return _places_of_most(predictions[:, : len(self.classes or ()) or None])

    def names(self, count: int) -> list[str]:
        """Different names of so many outputs or scores: those of the classes or targets, else their places from 0."""
        targets = self.target_names if self.target_names is not None and len(self.target_names) == count else []
        names = (self.classes or targets)[:count]
        for place in range(len(names), count):
            name = str(place)
            while name in names:
                name += "_"
            names.append(name)
        return names

    @property
    def is_multi_label(self) -> bool:
        """Whether each output is a label that is true or not by itself."""
        return self.units > 1 and self.loss.known is not None and self.loss.known.targets is Targets.BINARY

    @property
    def is_flat(self) -> bool:
        """Whether the outputs of a row are a row of units."""
        return self._is_flat

    @property
    def are_probabilities(self) -> bool:
        """Whether the outputs stand for probabilities, as they are or as logits or logarithms."""
        is_likely = self.activation is not None and self.activation.outputs.are_probabilities
        return self._likelihood is not None or is_likely

    def likelihood(self, predictions: Floats) -> Floats | None:
        """The probability that each output (rows, units) stands for by itself; None where they stand for none."""
        if not self.are_probabilities:
            return None
        return predictions if self._likelihood is None else self._likelihood(predictions)

    @property
    def scored(self) -> list[str] | None:
        """The names of what `scores` scores; None where the outputs are no scores."""
        names_sides = len(self.classes or ()) == 2 or self.threshold != 0 or self._likelihood is not None
        are_scores = names_sides or (self.units > 1 and (self.classes is not None or self.loss.classifies))
        if not self._is_flat or not are_scores:
            return None
        return self.names(2 if self.units == 1 else len(self.classes or ()) or self.units)

    def scores(self, predictions: Floats) -> Floats | None:
        """The score of each class (rows, classes) for predictions; None where the outputs are no scores.

        A probability wherever the outputs stand for one, logits and logarithms among them.
        """
        if self.scored is None:
            return None
        middle = self.threshold
        if self._likelihood is not None:
            predictions, middle = self._likelihood(predictions), 0.5
        if self.units > 1:
            return predictions if self.classes is None else predictions[:, : len(self.classes)]
        return np.concatenate([2 * middle - predictions, predictions], axis=-1)


def _likelihood(activation: Activation | None, loss: AskedLoss) -> Callable[[Floats], Floats] | None:
    """What makes probabilities of outputs that stand for some: of logarithms, and of the logits that a loss took."""
    if activation is not None and activation.outputs.are_logarithms:
        return np.exp
    if activation not in (None, activations.linear) or loss.known is None or not loss.known.takes_logits:
        return None
    return activations.sigmoid if loss.known.targets is Targets.BINARY else activations.softmax


def _places_of_most(scores: Floats) -> NDArray[np.int64]:
    """`argmax(axis=1)`, which takes its time with many short rows; of these, how many scores come before the most."""
    rows, columns = scores.shape
    place: NDArray[np.int64] = np.zeros(rows, np.int64)
    if rows < _MANY_ROWS or columns > _FEW_COLUMNS:
        return scores.argmax(axis=1, out=place)
    by_column = scores.T.copy()
    most = by_column.max(axis=0)
    comes_before = np.ones(rows, bool)
    for column in by_column:
        comes_before &= column != most
        place += comes_before
    nowhere = np.flatnonzero(place == columns)  # NaN is not even what it is itself
    place[nowhere] = scores[nowhere].argmax(axis=1)
    return place
