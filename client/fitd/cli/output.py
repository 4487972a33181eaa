"""What the command line prints: tables, bars and a small curve for people, JSON for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from fitd import errors
from fitd.synchronous.client import Client
from fitd.synchronous.jobs import Job

EXIT_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int], ...] = (
    (errors.JobError, 6),
    ((errors.Unauthorized, errors.Forbidden), 7),
    (errors.NotFound, 5),
    ((errors.ServiceError, errors.TooMany), 8),
    (errors.Unreachable, 3),
    ((errors.ApiError, errors.DataError), 4),
    (errors.FitdError, 1),
)
"""The first kind that fits says how the command ends."""

_BLOCKS = "▁▂▃▄▅▆▇█"
_CURVE_WIDTH = 40


@dataclass(slots=True)
class Screen:
    """Where the output goes, and in which form; notes go to the standard error."""

    as_json: bool
    url: str | None = None
    profile: str | None = None

    @property
    def notes(self) -> Console:
        """For progress and remarks; silent where nobody looks."""
        return Console(stderr=True, quiet=self.as_json or not sys.stderr.isatty(), highlight=False)

    def client(self) -> Client:
        """A client of the settings."""
        return Client(self.url, profile=self.profile)

    def show(self, value: Any, *, table: Callable[[], "Rows | str"]) -> None:
        """Prints a value as JSON, or as people like it; tables that go into a pipe have tabs and are not cut."""
        shown = json.dumps(value, default=str) if self.as_json else table()
        if isinstance(shown, str):
            click.echo(shown)
        elif sys.stdout.isatty():
            Console(highlight=False).print(shown.drawn())
        else:
            for row in (shown.names, *shown.rows):
                click.echo("\t".join(map(text_of, row)))


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: names, and cells of any kind."""

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def drawn(self) -> Table:
        """The table for a terminal."""
        made = Table(box=None, header_style="bold", pad_edge=False)
        for name in self.names:
            made.add_column(name, overflow="fold")
        for row in self.rows:
            made.add_row(*map(text_of, row))
        return made


def table_of(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Rows:
    """The table of these rows."""
    return Rows(names, list(rows))


def text_of(value: Any) -> str:
    """A cell: nothing for None, four digits of a number."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def curve_of(values: Sequence[float | None]) -> str:
    """A curve of blocks, at most 40 wide."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    step = max(1, -(-len(known) // _CURVE_WIDTH))
    picked = known[::step]
    low, high = min(known), max(known)
    return "".join(_BLOCKS[round((value - low) / ((high - low) or 1) * (len(_BLOCKS) - 1))] for value in picked)


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """Metrics in a line."""
    return "  ".join(f"{name} {text_of(value)}" for name, value in metrics.items())


def follow(screen: Screen, job: Job, timeout: float | None) -> Job:
    """The job once it has ended, with a bar and its metrics on the way; JSON lines of events with `--json`."""
    losses: list[float | None] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    with Progress(*columns, console=screen.notes, transient=True) as bar:
        task = bar.add_task(job.id, total=job.view["progress"]["epochs"], said="")
        for event in job.watch(timeout=timeout):
            if screen.as_json:
                click.echo(json.dumps({"event": event.kind, "id": event.number, **event.data}))
            if event.kind == "epoch":
                losses.append(event.data["metrics"].get("loss"))
                bar.update(task, completed=event.data["epoch"], said=metrics_text(event.data["metrics"]))
    job.refresh()
    if not screen.as_json:
        screen.notes.print(curve_of(losses))
    return job


def job_text(job: Job) -> str:
    """A job in a few lines, with the command that comes next."""
    lines = [f"{job.id}  {job.status}  {job.view['model']}" + (f" version {job.version}" if job.version else "")]
    if job.metrics:
        lines.append(metrics_text(job.metrics))
    score = job.score
    if score:
        lines.append(f"{score['metric']} {text_of(score['value'])} on {score['rows']:,} {score['part']} rows"
                     f" (baseline {text_of(score['baseline'])})")  # fmt: skip
    lines += [f"warning: {one['detail']}" for one in job.view["warnings"]]
    if job.status == "succeeded":
        lines.append(f"Next: fitd predict {job.view['model']} ROWS.csv")
    elif not job.is_final:
        lines.append(f"Next: fitd watch {job.id}")
    return "\n".join(lines)
