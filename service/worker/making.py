"""Makes a worker according to the settings."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.config import Settings
from service.data.features import load_dataset
from service.measures import Measures
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database
from service.task.start import Start
from service.training import train
from service.versions import NewVersion
from service.worker.housekeeping import Housekeeping
from service.worker.loop import Train, Worker


def make_worker(
    settings: Settings, database: Database, owner: str, leaving: threading.Event, measures: Measures | None = None
) -> Worker:
    """Returns a worker that trains and predicts according to the settings."""
    return Worker(
        database,
        train_with(database),
        owner=owner,
        lease_seconds=settings.lease_seconds,
        checkpoint_seconds=settings.checkpoint_seconds,
        keep_results_seconds=settings.keep_results_seconds,
        leaving=leaving,
        chores=Housekeeping(database, settings),
        directory=settings.scratch,
        measures=measures,
    )


def train_with(database: Database) -> Train:
    """Returns the function that trains a job; versions to continue from come from this database."""

    def train_one(
        request: Mapping[str, Any],
        form: str,
        content: Any,
        callbacks: Sequence[Callback],
        states: Iterable[TrainingState],
    ) -> NewVersion:
        return train(request, load_dataset(form, content), callbacks, states, start=_start_of(request, database))

    return train_one


def _start_of(request: Mapping[str, Any], database: Database) -> Start | None:
    asked = request.get("from")
    return None if asked is None else Start.of(*database.open_version(asked["model"], asked["version"]))
