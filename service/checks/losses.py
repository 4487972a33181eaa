"""Checks that the loss suits the last layer, which Keras does not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Findings
from service.nn import layers
from service.nn.activations import Activation
from service.nn.losses import Targets
from service.nn.meaning import Outputs
from service.task import Task

_LARGE_TARGET, _NARROW_TARGET = 5.0, 0.02
"""The mean or deviation of targets that a network takes long to reach, and the deviation that it takes for nothing."""


def check_loss(task: Task, *, at_loss: str, at_activation: str, findings: Findings) -> None:
    """Notes a loss that cannot learn, or learns something else, from outputs of this activation."""
    name, loss, activation = task.loss_name, task.loss, task.outputs.activation
    if task.units == 1 and activation is not None and activation.outputs.sum_to_one:
        hint = "For two classes use sigmoid with binary_crossentropy; for more, a unit for each class."
        findings.error(at_activation, "softmax_of_one", f"{activation.name} of one unit is always 1. {hint}")
    elif task.units == 1 and task.targets.is_one_class:
        hint = "Use binary_crossentropy, or give the last layer a unit for each class."
        findings.error(at_loss, "loss_mismatch", f"{name} chooses among classes; the last layer has one unit. {hint}")
    elif activation is None:
        return
    elif loss.takes_margins:
        if activation.outputs.are_probabilities:
            said = f"{name} wants outputs from -1 to 1, {activation.name} gives 0 to 1."
            findings.warn(at_loss, "loss_mismatch", f"{said} Give the last layer tanh or linear.")
    elif task.targets is not Targets.NUMBERS:
        _check_probabilities(task, activation, at_loss=at_loss, at_activation=at_activation, findings=findings)


def _check_probabilities(
    task: Task, activation: Activation, *, at_loss: str, at_activation: str, findings: Findings
) -> None:
    name, given = task.loss_name, activation.outputs
    is_binary = task.targets is Targets.BINARY
    right, fitting = (Outputs.PROBABILITIES, "sigmoid") if is_binary else (Outputs.DISTRIBUTION, "softmax")
    if task.loss.takes_logits:
        if given is not Outputs.NUMBERS:
            said = (
                f"With from_logits {name} applies {fitting} itself, and the last layer has {activation.name} already."
            )
            findings.error(at_loss, "loss_mismatch", f"{said} Leave out one of the two.")
    elif given is not right and given.are_probabilities:
        said = f"{name} is meant for {fitting}; the last layer has {activation.name}."
        findings.warn(at_activation, "loss_mismatch", said)
    elif given is not right:
        hint = f"Give the last layer {fitting}" + (", or the loss from_logits." if task.loss.can_take_logits else ".")
        said = f"{name} wants probabilities, and {activation.name} gives other numbers, too. {hint}"
        findings.error(at_activation, "loss_mismatch", said)


def warn_of_unreachable(y: NDArray[Any], task: Task, at_activation: str, findings: Findings) -> None:
    """Warns where targets lie beyond what the last activation can give, or where it learns badly."""
    activation = task.outputs.activation
    if task.targets is not Targets.NUMBERS or activation is None:
        return
    low, high = activation.output_range
    if y.min() < low or y.max() > high:
        said = f"{activation.name} gives numbers from {low:.5g} to {high:.5g}; some targets lie beyond."
        findings.warn(at_activation, "unreachable_targets", f"{said} Use linear, or scale them.")
    elif activation.can_die:
        said = "A unit that returns 0 for every row stops learning. For targets of at least 0 softplus is safer."
        findings.warn(at_activation, "relu_output", said)
    if low < task.loss.output_range[0]:
        said = (
            f"{task.loss_name} takes the logarithm of outputs, and they can be negative. Use exponential or softplus."
        )
        findings.warn(at_activation, "loss_mismatch", said)


def warn_of_unscaled(y: NDArray[Any], task: Task, last: layers.Layer, at: str, findings: Findings) -> None:
    """Warns of targets far from what a network gives at first, where nothing after it brings it there."""
    if not task.loss.grows_with_targets or last.rescales_outputs:
        return
    columns = y.reshape(len(y), -1).astype(np.float64)
    far, spread = np.abs(columns.mean(axis=0)).max(), columns.std(axis=0)
    narrow = spread[spread > 0].min(initial=1.0)
    if max(far, spread.max()) <= _LARGE_TARGET and narrow >= _NARROW_TARGET:
        return
    where = "far from zero or far apart" if max(far, spread.max()) > _LARGE_TARGET else "close together"
    said = f"The targets are {where}; networks learn best to predict numbers from about -1 to 1. Scale them,"
    hint = "or end the network with Rescaling (`scale` their deviation, `offset` their mean) and use Adam."
    findings.warn(at, "unscaled_targets", f"{said} {hint}")
