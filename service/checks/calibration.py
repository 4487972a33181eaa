"""Calibration that is asked for: whether there are probabilities to calibrate, and rows to learn from."""

from service.checks.architecture import Locate
from service.data.datasets import Dataset
from service.errors import Findings
from service.spec import TrainingRequest
from service.task import Task
from service.task.calibration import form_of


def check_calibration(
    request: TrainingRequest, dataset: Dataset, task: Task, locate: Locate, findings: Findings
) -> None:
    """Notes why probabilities cannot be calibrated, where that is asked for."""
    if not request.calibrate:
        return
    if form_of(task.outputs, task.targets) is None:
        expected = "Expected a network whose outputs are the probabilities of classes, or their logits"
        hint = "softmax for classes, sigmoid for two classes or labels"
        findings.error(locate("calibrate"), "conflict", f"{expected} ({hint}); these are not.")
    elif request.folds is not None:
        expected = "Expected a single network; the rows of a fold tell how sure one member is, and not their mean"
        findings.error(locate("calibrate"), "conflict", f"{expected}. Leave calibrate out, or folds.")
    elif dataset.validation is None and not request.fit.validation_split:
        expected = "Expected rows that are held out for validation, to learn the temperature from"
        findings.error(locate("calibrate"), "conflict", f"{expected}: data.split.validation or fit.validation_split.")
