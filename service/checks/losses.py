"""Whether a loss suits the last layer: the mistakes that Keras trains on without a word."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.checks.ranges import RANGES
from service.checks.targets import Want, wanted_by
from service.errors import Findings
from service.nn import layers, losses

SIGMOIDS = {"sigmoid", "hard_sigmoid", "sparse_sigmoid"}
"""Activations whose outputs are each a probability of its own."""

_PROBABILITIES = {"softmax", "sparsemax"}
_LOGARITHMS = {"log_softmax", "log_sigmoid"}
_HINGES = {"Hinge", "SquaredHinge", "CategoricalHinge"}
_DISTANCES = {"MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh"}
_LARGE_TARGET = 100.0


def check_loss(
    loss: losses.Loss, activation: str | None, units: int, *, at_loss: str, at_activation: str, findings: Findings
) -> None:
    """Notes a loss that cannot learn, or learns something else, from outputs of this activation."""
    name, want = str(loss.name or type(loss).__name__), wanted_by(loss)
    if units == 1 and activation in _PROBABILITIES | {"log_softmax"}:
        hint = "For two classes use sigmoid with binary_crossentropy; for more, a unit for each class."
        findings.error(at_activation, "softmax_of_one", f"{activation} of one unit is always 1. {hint}")
    elif units == 1 and want in (Want.SHARES, Want.INDICES):
        hint = "Use binary_crossentropy, or give the last layer a unit for each class."
        findings.error(at_loss, "loss_mismatch", f"{name} chooses among classes; the last layer has one unit. {hint}")
    elif type(loss).__name__ in _HINGES:
        if activation in _PROBABILITIES | SIGMOIDS:
            hint = "Give the last layer tanh or linear."
            findings.warn(
                at_loss, "loss_mismatch", f"{name} wants outputs from -1 to 1, {activation} gives 0 to 1. {hint}"
            )
    elif want in (Want.SHARES, Want.INDICES, Want.SIDES) and activation is not None:
        _check_probabilities(loss, activation, at_loss=at_loss, at_activation=at_activation, findings=findings)


def _check_probabilities(
    loss: losses.Loss, activation: str, *, at_loss: str, at_activation: str, findings: Findings
) -> None:
    name, want = str(loss.name or type(loss).__name__), wanted_by(loss)
    right, fitting = (SIGMOIDS, "sigmoid") if want is Want.SIDES else (_PROBABILITIES, "softmax")
    if getattr(loss, "from_logits", False):
        if activation in _PROBABILITIES | SIGMOIDS | _LOGARITHMS:
            said = f"With from_logits {name} applies {fitting} itself, and the last layer has {activation} already."
            findings.error(at_loss, "loss_mismatch", f"{said} Leave out one of the two.")
    elif activation in (_PROBABILITIES | SIGMOIDS) - right:
        said = f"{name} is meant for {fitting}; the last layer has {activation}."
        findings.warn(at_activation, "loss_mismatch", said)
    elif activation not in right:
        hint = f"Give the last layer {fitting}" + (
            ", or the loss from_logits." if hasattr(loss, "from_logits") else "."
        )
        said = f"{name} wants probabilities, and {activation} gives other numbers, too. {hint}"
        findings.error(at_activation, "loss_mismatch", said)


def warn_of_unreachable(
    y: NDArray[Any], loss: losses.Loss, activation: str | None, at_activation: str, findings: Findings
) -> None:
    """Warns where targets lie beyond what the last activation can give, or where it learns badly."""
    if wanted_by(loss) is not Want.NUMBERS or activation is None:
        return
    low, high = RANGES.get(activation, (-np.inf, np.inf))
    if y.min() < low or y.max() > high:
        said = f"{activation} gives numbers from {low} to {high}; some targets lie beyond. Use linear, or scale them."
        findings.warn(at_activation, "unreachable_targets", said)
    elif activation in ("relu", "relu6"):
        said = "A unit that gives 0 for every row learns nothing more. For targets of at least 0 softplus is safer."
        findings.warn(at_activation, "relu_output", said)
    if type(loss).__name__ == "Poisson" and low < 0:
        said = "poisson takes the logarithm of outputs, and they can be negative. Use exponential or softplus."
        findings.warn(at_activation, "loss_mismatch", said)


def warn_of_unscaled(y: NDArray[Any], loss: losses.Loss, last: layers.Layer, at: str, findings: Findings) -> None:
    """Warns of targets far from what a network answers at first, where nothing behind it brings it there."""
    if type(loss).__name__ not in _DISTANCES or isinstance(last, layers.Rescaling) or np.abs(y).max() <= _LARGE_TARGET:
        return
    said = f"Some targets are beyond {_LARGE_TARGET:g}; networks learn best to answer from about -1 to 1. Scale them,"
    hint = "or end the network with Rescaling (`scale` their deviation, `offset` their mean) and use Adam."
    findings.warn(at, "unscaled_targets", f"{said} {hint}")
