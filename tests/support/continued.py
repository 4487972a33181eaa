"""What tests of continued trainings share: the start that a finished training is, and what goes on from it."""

from typing import Any

from service.checks import CheckedTraining, read_training
from service.config import Limits
from service.data.datasets import Dataset
from service.data.tables import Table
from service.errors import NotFound
from service.task.start import Start
from service.training import train
from service.versions import NewVersion
from tests.support.versions import published


def start_of(result: NewVersion, *, sha256: str | None = None) -> Start:
    """Version 1 of the model `base`, as this training made it."""
    version = published(result, model="base", number=1, sha256=sha256 or result.sha256)
    return Start.of(version, result.weights, result.optimizer)


def checked(
    document: dict[str, Any], result: NewVersion, data: Dataset | Table | None = None
) -> tuple[CheckedTraining, Start]:
    """The training that goes on from a result, on a stored dataset where `data` is one."""
    start = start_of(result)

    def open_start(model: str, which: int | str | None) -> Start:
        if model != "base":
            raise NotFound("model", model)
        if which not in (None, 1, "stable"):
            raise NotFound("label" if isinstance(which, str) else "version", f"base/{which}")
        return start

    def open_dataset(_id: str) -> Dataset | Table:
        assert data is not None
        return data

    return read_training({"from": {"model": "base"}, **document}, Limits(), open_dataset, open_start), start


def continued(document: dict[str, Any], result: NewVersion, data: Dataset | Table | None = None) -> NewVersion:
    """What comes of going on from a result."""
    found, start = checked(document, result, data)
    given = found.inline if data is None else data
    assert given is not None
    return train(found.request.to_json_dict(), given, start=start)
