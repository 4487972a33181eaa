"""Trainings that are broken off at points of one's choice, and what they publish in the end."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from service.data.datasets import Dataset
from service.jobs import Job
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database, NewDataset
from service.versions import Version
from service.worker.loop import Worker
from service.worker.making import train_with

RNG = np.random.default_rng(0)
DATASET = Dataset(RNG.normal(size=(90, 4)).astype(np.float32), RNG.normal(size=(90, 1)).astype(np.float32))
REQUEST: dict[str, Any] = {
    "spec": {
        "layers": [{"class_name": "Dense", "units": 8, "activation": "relu"}, {"class_name": "Dense", "units": 1}]
    },
    "compile": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]},
    "fit": {"epochs": 6, "batch_size": 16, "seed": 5, "validation_split": 0.2},
}


class Killed(BaseException):
    """What no code of ours catches: it stands for a process that is gone."""


def die() -> None:
    """Ends whoever asks as kill -9 would."""
    raise Killed


class At(Callback):
    """Does something at the resume points, the first of which is number 1."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.number, self.act, self.seen = number, act, 0

    def on_resume_point(self, epoch: int, step: int, capture: object) -> None:
        self.seen += 1
        if self.seen == self.number:
            self.act()


def submit(database: Database, asked: dict[str, Any] | None = None, *, dataset: Dataset = DATASET, **fit: Any) -> Job:
    """A queued job of `REQUEST` with these changes."""
    request = REQUEST | {"fit": REQUEST["fit"] | fit} | (asked or {})
    with database.transaction() as tx:
        dataset_id = tx.datasets.add(NewDataset(dataset.rows, 4, dataset.to_bytes())).id
        return tx.jobs.add("digits", request, dataset_id, request["fit"]["epochs"])


def worker(database: Database, *extra: Callback, leaving: threading.Event | None = None) -> Worker:
    """A worker whose trainings have these callbacks, too."""

    def train(
        request: Any, form: str, content: bytes, callbacks: Sequence[Callback], states: Iterable[TrainingState]
    ) -> Any:
        return train_with(database)(request, form, content, [*extra, *callbacks], states)

    return Worker(database, train, owner="worker", lease_seconds=15, checkpoint_seconds=0, leaving=leaving)


def published(database: Database, job: Job) -> tuple[Version, list[dict[str, Any]]]:
    """The version that a job has made, and its history."""
    with database.reading() as tx:
        history = [{"epoch": told["epoch"], "metrics": told["metrics"]} for told in tx.events.history(job.id)]
        number = tx.jobs.get(job.id).version
        assert number is not None
        return tx.models.version("digits", number), history
