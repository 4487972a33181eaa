"""Checks that metrics suit the outputs and the targets, and finds the names of their results."""

from collections.abc import Callable
from typing import Any

import numpy as np

from service.checks.architecture import FAILURES, Locate
from service.errors import Findings
from service.nn import ArgumentError, metrics
from service.nn.engine.objective import check_by_row, named
from service.nn.losses import Targets
from service.spec import TrainingRequest
from service.task import Task


def check_metrics(
    request: TrainingRequest, y: Any, task: Task, locate: Locate, findings: Findings
) -> dict[str, metrics.Metric]:
    """The metrics by the names of their results, each of which has seen some rows; notes those that do not suit."""
    loss, units = task.loss, task.units
    given = {key: getattr(request.compile, key) or [] for key in ("metrics", "weighted_metrics")}
    resolved = {key: task.metrics(names, y) for key, names in given.items()}
    for key, names in given.items():
        for place, (name, metric) in enumerate(zip(names, resolved[key], strict=True)):
            at = locate("compile", key, place)
            reason = reason_against(metric.update_state, y, np.zeros((len(y), units), np.float32))
            reason = reason or reason_against(check_by_row, metric, 2)
            most_likely = int(getattr(metric, "k", 0))
            if metric.takes_classes and y.ndim == 2 and y.shape[1] > 1:
                said = f"{metric.name} counts class indices, and {loss.name} works on rows. Use accuracy."
                findings.error(at, "metric_mismatch", said)
            elif reason is not None:
                findings.error(at, "metric_mismatch", f"This metric cannot be measured here: {reason}")
            elif name in ("accuracy", "acc") and task.targets is Targets.NUMBERS:
                said = f"Accuracy counts right classes and says little about {loss.name}; mae says how far off."
                findings.warn(at, "metric_mismatch", said)
            elif isinstance(metric, metrics.BinaryAccuracy) and loss.takes_logits:
                findings.warn(at, "metric_mismatch", "Accuracy takes 0.5 as the limit, and logits have theirs at 0.")
            elif _is_constant(metric, units):
                said = "Of one output the largest is always this one: give a threshold, such as 0.5."
                findings.warn(at, "metric_mismatch", said)
            elif most_likely >= units > 1:
                said = f"With {units} outputs the true class is always among the {most_likely} most likely."
                findings.warn(at, "metric_mismatch", said)
    measured = named(resolved["metrics"], resolved["weighted_metrics"])
    written = [[_written_name(one) for one in names] for names in given.values()]
    _check_names(list(measured), written, locate("compile", "metrics"), findings)
    return measured


def _is_constant(metric: metrics.Metric, units: int) -> bool:
    """Whether the metric takes the largest output of a row for the prediction, where a row has only one."""
    return isinstance(metric, metrics.F1Score | metrics.FBetaScore) and metric.threshold is None and units == 1


def _written_name(metric: Any) -> str | None:
    """The name that a request gives to a metric; None where it is that of its class, which is counted on."""
    return metric if isinstance(metric, str) else metric.arguments().get("name")


def _check_names(names: list[str], written: list[list[str | None]], at: str, findings: Findings) -> None:
    for given in written:
        for one in {one for one in given if one is not None and given.count(one) > 1}:
            findings.error(at, "duplicate", f"Expected each metric once; {one[:60]} is repeated.")
    held_out = {part + name for part in ("val_", "test_") for name in ("loss", *names)}
    for name in names:
        if name in held_out | {"loss", "learning_rate"}:
            said = f"Expected names of their own for metrics; {name[:60]} means something else."
            findings.error(at, "duplicate", said)


def reason_against(action: Callable[..., object], *arguments: Any) -> str | None:
    """Why these arguments do not suit, in a sentence; None if they do."""
    try:
        with np.errstate(all="ignore"):
            action(*arguments)
    except FAILURES as error:
        return said_of(error)
    return None


def said_of(error: Exception) -> str:
    """Returns the message of an error as a sentence."""
    return str(error) if isinstance(error, ArgumentError) else f"{type(error).__name__}: {str(error)[:200]}"
