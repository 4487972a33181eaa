"""Checks what callbacks watch: that the metric exists, and that its better direction is known."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.checks.architecture import Locate
from service.errors import Findings
from service.nn import metrics, optimizers
from service.nn.callbacks.callback import is_better_when_larger
from service.nn.suggestions import hint
from service.spec import TrainingRequest
from service.spec.vocabulary import made


def check_callbacks(
    request: TrainingRequest,
    measured: Mapping[str, metrics.Metric],
    *,
    validates: bool,
    locate: Locate,
    findings: Findings,
) -> None:
    """Notes callbacks that would watch something that is never there, or set what cannot be set.

    The metrics have seen some rows, so that it shows which are vectors.
    """
    given = [made("callback", callback) for callback in request.fit.callbacks]
    names = ["loss", *measured]
    names += [f"val_{name}" for name in names] if validates else []
    rate = made("optimizer", request.compile.optimizer).learning_rate
    for place, callback in enumerate(given):
        if callback.sets_learning_rate and isinstance(rate, optimizers.schedules.LearningRateSchedule):
            said = f"{type(callback).__name__} sets the learning rate, and the optimizer has a schedule already."
            findings.error(locate("fit", "callbacks", place), "conflict", said)
        if hasattr(callback, "monitor"):
            known = [*names, "learning_rate"] if any(one.sets_learning_rate for one in given) else names
            at = locate("fit", "callbacks", place, "monitor")
            _check_monitor(callback, known, measured, at=at, findings=findings)


def _is_vector(metric: metrics.Metric | None) -> bool:
    return metric is not None and isinstance(metric.value(), list)


def _check_monitor(
    callback: Any, known: Sequence[str], measured: Mapping[str, metrics.Metric], *, at: str, findings: Findings
) -> None:
    monitor, name = callback.monitor[:60], type(callback).__name__
    if monitor not in known:
        if monitor.startswith("val_") and not any(one.startswith("val_") for one in known):
            reason = "there is no validation. Give fit a validation_split or validation_data, or watch loss."
        else:
            reason = f"it is not measured.{hint(monitor, known)} Known: {', '.join(known)}."
        findings.error(at, "unknown_metric", f"{name} watches {monitor[:40]!r}, and {reason}")
    elif _is_vector(measured.get(monitor.removeprefix("val_"))):
        said = f"{name} watches {monitor[:40]!r}, which has a number for each class or threshold."
        findings.error(at, "vector_metric", f"{said} Watch loss, or give the metric an average or one threshold.")
    else:
        try:
            is_better_when_larger(monitor, callback.mode, measured)
        except ValueError as error:
            findings.error(at.removesuffix("monitor") + "mode", "missing", str(error))
