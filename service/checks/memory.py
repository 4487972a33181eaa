"""How much memory a training takes, told from its shapes."""

import math
from dataclasses import dataclass

from service.checks.architecture import Locate, Outline
from service.data.datasets import Dataset
from service.errors import Findings
from service.spec import TrainingRequest
from service.spec.vocabulary import made

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


def training_rows(request: TrainingRequest, dataset: Dataset) -> int:
    """The rows that are trained on when `validation_split` has cut off its share."""
    return math.floor(dataset.rows * (1 - request.fit.validation_split))


def memory(request: TrainingRequest, dataset: Dataset, found: Outline) -> Memory:
    """The memory of a training; the dataset may be a glimpse that knows its rows."""
    optimizer = made("optimizer", request.compile.optimizer)
    copies = 2 + len(optimizer.slots()) + int(optimizer.use_ema) + (optimizer.gradient_accumulation_steps is not None)
    batch_rows = min(request.fit.batch_size or 32, training_rows(request, dataset))
    widths = sum(math.prod(size or 1 for size in shape) for shape in found.shapes)
    rows = dataset.rows + sum(part.rows for part in (dataset.validation, dataset.test) if part is not None)
    return Memory(
        network=copies * found.parameters * _FLOAT_BYTES,
        batch=4 * batch_rows * widths * _FLOAT_BYTES,
        data=rows * (dataset.columns + found.units) * _FLOAT_BYTES,
    )


def check_memory(needed: Memory, most: int | None, locate: Locate, findings: Findings) -> None:
    """Notes a training that needs more than so many bytes, where most of it comes from."""
    if most is None or needed.total <= most:
        return
    places = {
        needed.network: locate("spec", "layers"),
        needed.batch: locate("fit", "batch_size"),
        needed.data: "#/data",
    }
    parts = f"{needed.network:,} for the network, {needed.batch:,} for a batch and {needed.data:,} for the data"
    expected = f"Expected a training that needs at most {most:,} bytes of memory; this one needs about {needed.total:,}"
    findings.error(places[max(places)], "too_much_memory", f"{expected}: {parts}.")
