"""Calibration and thresholds that are asked for: whether there are probabilities, and rows to learn from."""

from service.checks.architecture import Locate
from service.data.datasets import Dataset
from service.errors import Findings
from service.nn.losses import Targets
from service.spec import TrainingRequest
from service.task import Task
from service.task.calibration import form_of

_NO_ROWS = (
    "Expected rows that are held out for validation, to learn {} from: data.split.validation or fit.validation_split."
)

_NO_BAG = "Expected a single network; the rows of a fold tell how sure one member is, and not their mean"


def check_calibration(
    request: TrainingRequest, dataset: Dataset, task: Task, locate: Locate, findings: Findings
) -> None:
    """Notes why probabilities cannot be calibrated, or no threshold tuned, where that is asked for."""
    validates = dataset.validation is not None or bool(request.fit.validation_split)
    if request.threshold is not None and request.folds is not None:
        findings.error(locate("threshold"), "conflict", f"{_NO_BAG}. Leave threshold out, or folds.")
    elif request.threshold is not None:
        _check_threshold(task, locate("threshold"), findings, validates=validates)
    if not request.calibrate:
        return
    if form_of(task.outputs, task.targets) is None:
        expected = "Expected a network whose outputs are the probabilities of classes, or their logits"
        hint = "softmax for classes, sigmoid for two classes or labels"
        findings.error(locate("calibrate"), "conflict", f"{expected} ({hint}); these are not.")
    elif request.folds is not None:
        findings.error(locate("calibrate"), "conflict", f"{_NO_BAG}. Leave calibrate out, or folds.")
    elif not validates:
        findings.error(locate("calibrate"), "conflict", _NO_ROWS.format("the temperature"))


def _check_threshold(task: Task, at: str, findings: Findings, *, validates: bool) -> None:
    outputs = task.outputs
    sides = 2 if outputs.units == 1 else len(outputs.classes or ()) or outputs.units
    if not outputs.are_probabilities or sides != 2 or outputs.is_multi_label or task.targets is Targets.NUMBERS:
        expected = "Expected a network whose outputs are the probabilities of two classes; these are not."
        findings.error(at, "conflict", expected)
    elif not validates:
        findings.error(at, "conflict", _NO_ROWS.format("the threshold"))
