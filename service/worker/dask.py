"""Trains on a Dask cluster: it carries permits, and the database carries the jobs.

A permit is the leave to take one job from the queue. The cluster may lose, repeat or duplicate permits, and its
scheduler may die: each only tries to claim something, and what was claimed is as safe as with any other worker.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from service.config import Settings
from service.errors import Conflict, StorageFailure
from service.storage import Database
from service.worker.housekeeping import Housekeeping

PAUSE_SECONDS = 0.1
_CONNECT_SECONDS = 10
_SCHEME = "dask://"

_log = logging.getLogger("fitd.cluster")


def check_address(address: str) -> None:
    """`Conflict` unless it is `dask://host:port` or `dask://local` and Dask is installed."""
    if not address.startswith(_SCHEME) or len(address) == len(_SCHEME):
        raise Conflict("Expected a cluster such as dask://host:8786 or dask://local; received another.")
    try:
        import distributed  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise Conflict("A cluster needs Dask: install the package distributed.") from None


class Cluster:
    """Keeps as many permits on the cluster as there are jobs to take and threads to take them."""

    def __init__(self, settings: Settings, database: Database, address: str, leaving: threading.Event) -> None:
        self._settings = settings
        self._database = database
        self._address = address.removeprefix(_SCHEME)
        self._leaving = leaving
        self._cluster: Any = None
        self._client: Any = None
        self._permits: list[Any] = []
        # Its threads come and go with the jobs; this process stays.
        self._chores = Housekeeping(database, settings)

    def run(self) -> None:
        """Works until `leaving` is set; outlasts a scheduler or a database that is away for a while."""
        while not self._leaving.is_set():
            try:
                self._chores()
                mark = self._database.mark()
                self._hand_out()
                self._database.wait_for_work(PAUSE_SECONDS, mark)
            except StorageFailure:
                self._leaving.wait(1.0)
            except (OSError, TimeoutError, RuntimeError) as error:
                _log.warning("The cluster does not respond: %s", error)
                self._forget()
                self._leaving.wait(1.0)
        self._forget()
        if self._cluster is not None:
            self._cluster.close()

    def _hand_out(self) -> None:
        with self._database.reading() as tx:
            ready = tx.jobs.ready()
        self._permits = [permit for permit in self._permits if not permit.done()]
        if not ready:
            return
        client = self._connected()
        free = sum(client.nthreads().values()) - len(self._permits)
        # A permit that runs has its job; one that waits for a thread has not.
        for _ in range(min(free, ready)):
            self._permits.append(client.submit(take_one, self._settings.model_dump(mode="json"), pure=False))

    def _connected(self) -> Any:
        from distributed import Client, LocalCluster  # noqa: PLC0415 - an optional dependency

        if self._client is not None and self._client.status != "running":
            self._forget()
        if self._client is None:
            if self._address == "local" and self._cluster is None:
                workers = max(self._settings.workers, 1)
                local: Callable[..., Any] = LocalCluster
                self._cluster = local(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            place = f"tcp://{self._address}" if self._cluster is None else self._cluster
            connect: Callable[..., Any] = Client
            self._client = connect(place, timeout=_CONNECT_SECONDS, set_as_default=False)
            _log.info("Connected to the cluster, which has %d threads", sum(self._client.nthreads().values()))
        return self._client

    def _forget(self) -> None:
        client, self._client, self._permits = self._client, None, []
        if client is not None:
            client.close(timeout=1)


def take_one(settings: Mapping[str, Any]) -> bool:
    """Runs one job on a worker of the cluster; returns False if the queue was empty."""
    return bool(_worker(tuple(sorted(settings.items()))).run_one())


@cache
def _worker(settings: tuple[tuple[str, Any], ...]) -> Any:
    from service.nn.engine import blas  # noqa: PLC0415 - the process that hands out permits has no use for NumPy
    from service.worker.making import make_worker  # noqa: PLC0415

    read = Settings(_env_file=None, **dict(settings))
    blas.set_threads(read.worker_threads)
    return make_worker(read, Database.of(read), f"permit-{secrets.token_hex(8)}", threading.Event())
