"""Whether the weights of a request go with its classes."""

from service.data.datasets import Dataset
from service.errors import Findings
from service.nn.losses import Targets
from service.spec import TrainingRequest
from service.spec.mistakes import pointer_in
from service.task import Task


def check_class_weight(request: TrainingRequest, dataset: Dataset, task: Task, findings: Findings) -> None:
    """Notes weights that go with no class of these, or twice with one."""
    if request.fit.class_weight is None:
        return
    if dataset.sample_weight is not None:
        findings.error("#/fit/class_weight", "conflict", "Expected class_weight or sample_weight; received both.")
    if task.targets is Targets.NUMBERS:
        findings.error("#/fit/class_weight", "conflict", "Class weights go with a loss for classes.")
        return
    is_binary = task.targets is Targets.BINARY
    if request.fit.class_weight == "balanced":
        if is_binary and task.units > 1:
            said = "Several outputs of 0 or 1 are no classes of which each row has one."
            findings.error("#/fit/class_weight", "conflict", said)
        return
    classes = max(2, task.units)
    lowest = min(0, int(dataset.y.min())) if is_binary else 0  # a hinge loss has the two classes -1 and 1
    names = {name: index for index, name in enumerate(task.classes or ())}
    known = {str(index): index for index in range(lowest, classes)} | names
    taken: set[int] = set()
    for key in request.fit.class_weight:
        at = pointer_in({}, "fit", "class_weight", key)
        if key not in known:
            expected = f"Expected a class name or an index from {lowest} to {classes - 1}."
            findings.error(at, "unknown_class", expected)
        elif known[key] in taken:
            expected = "Expected each class once, by its name or its index; a key before says the same one."
            findings.error(at, "duplicate", expected)
        taken |= {known[key]} if key in known else set()
