"""The metrics of every epoch of every job."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, select

from service.storage.tables import history
from service.storage.upsert import insert_into


class History:
    """Metrics per epoch, each epoch once, however often it was trained."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, job_id: str) -> list[dict[str, Any]]:
        """The epochs done so far, in order: `{"epoch": 1, "metrics": {"loss": ...}}`."""
        query = select(history.c.epoch, history.c.metrics).where(history.c.job_id == job_id)
        rows = self._connection.execute(query.order_by(history.c.epoch))
        return [{"epoch": row.epoch, "metrics": row.metrics} for row in rows]

    def add(self, job_id: str, epochs: Mapping[int, Mapping[str, float | None]]) -> None:
        """Stores epochs, over what an earlier attempt left there.

        Only for a transaction that has already written to the job under its claim: that write is the fence.
        """
        if not epochs:
            return
        rows = [{"job_id": job_id, "epoch": epoch, "metrics": metrics} for epoch, metrics in epochs.items()]
        self._connection.execute(_set(self._connection.dialect.name), rows)

    def clear(self, job_id: str) -> None:
        """Forgets the epochs of an attempt that starts over."""
        self._connection.execute(delete(history).where(history.c.job_id == job_id))


@cache
def _set(backend: str) -> Any:
    first = insert_into(backend, history)
    key = [history.c.job_id, history.c.epoch]
    return first.on_conflict_do_update(index_elements=key, set_={"metrics": first.excluded.metrics})
