"""The supervisor: a small process that starts the API and the workers, and starts again what dies.

It does no work of its own, so that it has no reason to die; if it does, its children go with it at once, and the
next supervisor frees what they held.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from service.config import Settings
from service.errors import StorageFailure
from service.measures import clear
from service.processes.access import make_first_key, require_key
from service.processes.child import Child
from service.processes.data_directory import Ownership, lock_directory
from service.processes.schema import migrate
from service.processes.sockets import listening
from service.storage import Bell, Database
from service.storage.artifacts.scratch import make_usable

GRACE_SECONDS = 10.0
"""The time that children have to end in good order."""

_STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

_log = logging.getLogger("fitd.supervisor")


def serve(settings: Settings) -> None:
    """Runs the service until a signal stops it; raises `Conflict` if the port or the directory is in use."""
    bell = Bell.new()
    with (
        lock_directory(settings.data_dir) as ownership,
        listening(settings.host, settings.port, settings.api_processes) as doors,
        closing(Database.of(settings, bell=bell)) as database,
        closing(bell),
    ):
        make_usable(settings.scratch)
        clear(settings.data_dir)
        migrate(database)
        make_first_key(settings, database)
        require_key(settings, database)
        Supervisor(settings, database, bell, doors, ownership).run()


class Supervisor:
    """Keeps the wanted numbers of API processes and of workers alive."""

    def __init__(
        self, settings: Settings, database: Database, bell: Bell, doors: Sequence[socket.socket], ownership: Ownership
    ) -> None:
        self._database = database
        self._ownership = ownership
        self._address = doors[0].getsockname()
        # Nobody writes to this pipe; its end is the end of this process.
        lifeline, self._own_end = os.pipe()
        bond = [f"--parent={os.getpid()}", f"--lifeline={lifeline}"]
        hearing, ringing = bell.ends()
        worker = ["worker", *bond, f"--hears={hearing}"]
        self._children: list[Child] = []
        all_doors = [door.fileno() for door in doors]
        for number, door in enumerate(all_doors, 1):
            api = ["api", *bond, f"--socket={door}", f"--rings={ringing}"]
            api += [f"--place=api-{number}"]
            api += ["--neighbours", *(str(other) for other in all_doors if other != door)]
            self._children.append(Child(f"API {number}", api, fds=[lifeline, *all_doors, ringing]))
        if settings.cluster is not None:
            cluster = ["cluster", *bond, f"--hears={hearing}", f"--cluster={settings.cluster}"]
            self._children.append(Child("cluster", cluster, fds=[lifeline, hearing]))
            return
        self._children += [
            Child(f"worker {number}", [*worker, f"--place=worker-{number}"], fds=[lifeline, hearing])
            for number in range(1, settings.workers + 1)
        ]

    def run(self) -> None:
        """Keeps the household until a signal ends it."""
        self._free(self._ownership.previous)
        with _signals() as mailbox:
            self._tend()
            host, port = self._address[:2]
            _log.info("Serving on http://%s:%d", f"[{host}]" if ":" in host else host, port)
            while True:
                ready, _, _ = select.select([mailbox], [], [], self._pause())
                if ready and not _STOP.isdisjoint(mailbox.recv(64)):
                    break
                self._tend()
            self._stop()

    def _tend(self) -> None:
        """Frees the leases of processes that have ended, and restarts those that are due."""
        for child in self._children:
            code = child.ended()
            if code is not None:
                _log.warning("The %s ended (%d) and is started again", child.title, code)
                self._free(child.owner, code)
            if child.process is None and time.monotonic() >= child.due_at:
                child.start(self._ownership.name)

    def _pause(self) -> float | None:
        due = [child.due_at for child in self._children if child.process is None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _free(self, owner: str, exit_code: int | None = None) -> None:
        if owner:
            # If the database is away, the leases end by themselves.
            with contextlib.suppress(StorageFailure), self._database.transaction() as tx:
                tx.jobs.end_leases(owner, exit_code)

    def _stop(self) -> None:
        _log.info("Stopping")
        processes = [child.process for child in self._children if child.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._free(self._ownership.name)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket on which each signal that matters arrives as a byte, its number."""
    inbox, outbox = socket.socketpair()
    with inbox, outbox:
        outbox.setblocking(False)
        wanted = [number for number in _STOP if signal.getsignal(number) is not signal.SIG_IGN]  # nohup sets this
        before = {number: signal.signal(number, _noted) for number in (*wanted, signal.SIGCHLD)}
        signal.set_wakeup_fd(outbox.fileno())
        try:
            yield inbox
        finally:
            signal.set_wakeup_fd(-1)
            for number, action in before.items():
                signal.signal(number, action)


def _noted(_number: int, _frame: object) -> None:
    """The byte on the socket is all that is wanted."""
