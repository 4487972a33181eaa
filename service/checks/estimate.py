"""What a training would take: steps, rows on each side, parameters, memory."""

import math
from dataclasses import dataclass
from typing import Any

from service.checks.memory import memory, training_rows
from service.checks.training_request import CheckedTraining


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a training, exact but for the memory."""

    summary: list[dict[str, Any]]
    parameters: int
    training_rows: int
    validation_rows: int
    steps_per_epoch: int
    steps: int
    memory_bytes: int


def estimate(checked: CheckedTraining) -> Estimate:
    """Looks at the network itself, which it makes and throws away."""
    request, dataset = checked.request, checked.dataset
    model = request.spec.build(dataset.columns, seed=0)
    rows = model.summary_rows()
    parameters = model.count_params()
    kept = training_rows(request, dataset)
    held = dataset.rows - kept if dataset.validation is None else dataset.validation.rows
    batch_rows = min(request.fit.batch_size or 32, kept)
    steps = math.ceil(kept / batch_rows)
    return Estimate(
        summary=[dict(row) for row in rows],
        parameters=parameters,
        training_rows=kept,
        validation_rows=held,
        steps_per_epoch=steps,
        steps=steps * request.fit.epochs,
        memory_bytes=memory(request, dataset, checked.outline).total,
    )
