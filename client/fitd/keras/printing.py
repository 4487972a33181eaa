"""Keras's lines: what `fit`, `evaluate`, `predict` and `summary` print."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

BAR = "━" * 20


def epoch_line(steps: int, seconds: float, metrics: Mapping[str, Any], verbose: int) -> str:
    """The line at the end of an epoch, with a bar (1) or without (2)."""
    told = "".join(f" - {name}: {number(value)}" for name, value in sorted(metrics.items()))
    pace = step_time(seconds / max(1, steps))
    if verbose == 2:
        return f"{steps}/{steps} - {seconds:.0f}s - {pace}{told}"
    bar, count = BAR, f"{steps}/{steps}"
    if sys.stdout.isatty():
        bar, count = f"\033[32m{bar}\033[0m", f"\033[1m{count}\033[0m"
    return f"{count} {bar} {seconds:.0f}s {pace}{told}"


def step_time(seconds: float) -> str:
    """The time of a step as Keras writes it."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def number(value: Any) -> str:
    """A metric as Keras writes it."""
    if value is None:
        return "nan"
    if isinstance(value, list):
        return f"[{' '.join(map(number, value))}]"
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def table(name: str, rows: Sequence[tuple[str, str, str]], totals: Sequence[str]) -> str:
    """The table of `summary`."""
    header = ("Layer (type)", "Output Shape", "Param #")
    widths = [max(len(line[place]) for line in (header, *rows)) + 2 for place in range(3)]
    rule = "-" * sum(widths)

    def line(cells: Sequence[str]) -> str:
        return f"{cells[0]:<{widths[0]}}{cells[1]:<{widths[1]}}{cells[2]:>{widths[2]}}"

    return "\n".join([f'Model: "{name}"', rule, line(header), rule, *map(line, rows), rule, *totals])
