"""What the routes of one application share: its settings, its database, the versions at hand."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.api.access.key_table import KeyTable
from service.api.apart.pool import Pool
from service.api.http.budget import Budget
from service.api.jobs.watch import Watch
from service.api.protocols.open_inference.statistics import Statistics
from service.api.serving.version_cache import Serving
from service.config import Settings
from service.data.datasets import Dataset
from service.data.features import load_dataset
from service.data.tables import Table
from service.measures import Measures
from service.storage.database import Database
from service.task.start import Start


@dataclass(frozen=True, slots=True)
class State:
    """Everything that routes share, in one typed place."""

    settings: Settings
    database: Database
    serving: Serving
    watch: Watch
    statistics: Statistics
    budget: Budget
    apart: Pool
    """Handles what is too heavy for this process."""
    keys: KeyTable
    measures: Measures

    def open_dataset(self, dataset_id: str) -> Dataset | Table:
        """A stored dataset, ready to be looked into; `NotFound` if there is none."""
        stored, content = self.database.open_dataset(dataset_id)
        return load_dataset(stored.form, content)

    def glimpse_dataset(self, dataset_id: str) -> Dataset | Table:
        """As `open_dataset`, for a request whose worker reads and checks all of it later."""
        stored, content = self.database.open_dataset(dataset_id, glimpse=True)
        return load_dataset(stored.form, content, stored.meta.get("columns", ()))

    def open_start(self, model: str, which: int | str | None) -> Start:
        """A version by its number or label, or the latest, to continue from; `NotFound` if there is none."""
        return Start.of(*self.database.open_version(model, which))


def state_of(request: Request) -> State:
    """The state of the application that answers this request."""
    state: State = request.app.state.fitd
    return state


async def _state_of(request: Request) -> State:
    # As a plain function FastAPI would call it in a thread of its own.
    return state_of(request)


Shared = Annotated[State, Depends(_state_of)]
"""The application's state as an argument of a route."""
