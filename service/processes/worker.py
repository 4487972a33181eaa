"""The process of a worker, and that of what keeps a Dask cluster at work."""

import logging
import os
import secrets
from contextlib import closing

from service.config import Settings
from service.processes.ending import end_on_signals, leaving_on_signals
from service.processes.measuring import measures_of
from service.processes.schema import await_schema
from service.storage import Bell, Database
from service.worker.dask import Cluster, check_address

_NICENESS = 19


def run(settings: Settings, *, hears: int | None, owner: str | None, place: str | None = None) -> None:
    """Works through the queue until a signal ends the process; `hears` is the end of the bell that wakes it."""
    from service.spec import TrainingRequest  # noqa: PLC0415 - it loads NumPy, which reads the limit of threads once
    from service.worker.making import make_worker  # noqa: PLC0415 - as above

    end_on_signals()
    with closing(Database.of(settings, bell=Bell(read_fd=hears))) as database:
        await_schema(database)
        # Training may take every core; requests come first.
        os.nice(_NICENESS)
        worker = make_worker(
            settings,
            database,
            owner or f"worker-{secrets.token_hex(8)}",
            leaving_on_signals(),
            measures_of(settings, place),
        )
        # Otherwise it is built when first used, and a job would wait for it.
        TrainingRequest.model_rebuild()
        logging.getLogger("fitd.worker").info("Ready")
        worker.run()


def run_cluster(settings: Settings, *, hears: int | None) -> None:
    """Submits work to the Dask cluster of the settings until a signal ends the process."""
    address = settings.cluster or ""
    check_address(address)
    with closing(Database.of(settings, bell=Bell(read_fd=hears))) as database:
        await_schema(database)
        Cluster(settings, database, address, leaving_on_signals()).run()
