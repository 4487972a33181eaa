"""What a training takes: steps, rows on each side, parameters, memory."""

import math
from dataclasses import dataclass
from typing import Any

from service.data.datasets import Dataset
from service.spec import TrainingRequest
from service.spec.vocabulary import made
from service.task.outline import Outline

_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Memory:
    """About so many bytes: what grows with the network, with the rows of a batch, and with all rows."""

    network: int
    batch: int
    data: int

    @property
    def total(self) -> int:
        """All three."""
        return self.network + self.batch + self.data


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a training, exact but for the memory; of a bag the rows are those of one member, about."""

    summary: list[dict[str, Any]]
    parameters: int
    training_rows: int
    validation_rows: int
    steps_per_epoch: int
    steps: int
    memory_bytes: int


def memory_of(request: TrainingRequest, dataset: Dataset, found: Outline) -> Memory:
    """The memory of a training; the dataset may be a glimpse that knows its rows."""
    optimizer = made("optimizer", request.compile.optimizer)
    copies = 2 + len(optimizer.slots()) + int(optimizer.use_ema) + (optimizer.gradient_accumulation_steps is not None)
    batch_rows = min(request.fit.batch_size or 32, request.fit.kept_rows(dataset.rows))
    widths = sum(math.prod(size or 1 for size in shape) for shape in found.shapes)
    members = request.folds or 0  # those that are done wait for the others, and the rows of each are copied
    parts = (dataset, dataset if members else None, dataset.validation, dataset.test)
    rows = sum(part.rows for part in parts if part is not None)
    return Memory(
        network=(copies + members) * found.parameters * _FLOAT_BYTES,
        batch=4 * batch_rows * widths * _FLOAT_BYTES,
        data=rows * (dataset.columns + found.units) * _FLOAT_BYTES,
    )


def cost_of(request: TrainingRequest, dataset: Dataset, found: Outline) -> Cost:
    """Looks at the network itself, which it makes and throws away; the dataset may be a glimpse."""
    model = request.spec.build(dataset.columns, seed=0)
    rows = model.summary_rows()
    held = dataset.rows // request.folds if request.folds else 0
    kept = dataset.rows - held if held else request.fit.kept_rows(dataset.rows)
    held = dataset.rows - kept if dataset.validation is None else dataset.validation.rows
    batch_rows = min(request.fit.batch_size or 32, kept)
    steps = math.ceil(kept / batch_rows)
    return Cost(
        summary=[dict(row) for row in rows],
        parameters=model.count_params(),
        training_rows=kept,
        validation_rows=held,
        steps_per_epoch=steps,
        steps=steps * request.fit.epochs * (request.folds or 1),
        memory_bytes=memory_of(request, dataset, found).total,
    )
