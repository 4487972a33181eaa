"""Checks that a training fits into the memory that it may use."""

from service.checks.architecture import Locate
from service.errors import Findings
from service.task.cost import Memory


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
