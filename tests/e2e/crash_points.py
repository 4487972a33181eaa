"""Kills a worker at every single write in the life of a job, and holds the outcome against an undisturbed run.

`python -m tests.e2e.crash_points sqlite:////tmp/new/fitd.db 1` prints at which writes it did; the last number says how
many workers die one after the other over each job. Each worker is a fork of this process, which itself opens no
database and starts no thread.
"""

import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, NoReturn

import numpy as np
from sqlalchemy import event

from service import training
from service.data.datasets import Dataset
from service.jobs import Keep, Status
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.storage import Database, NewDataset
from service.storage.artifacts import folder
from service.worker import checkpointer
from service.worker.loop import Worker

RNG = np.random.default_rng(0)
DATASET = Dataset(RNG.normal(size=(60, 3)).astype(np.float32), RNG.normal(size=(60, 1)).astype(np.float32))
EPOCHS = 3
REQUEST: dict[str, Any] = {
    "spec": {"layers": [{"class_name": "Dense", "units": 4}, {"class_name": "Dense", "units": 1}]},
    "compile": {"optimizer": "adam", "loss": "mse"},
    "fit": {"epochs": EPOCHS, "batch_size": 16, "seed": 5, "validation_split": 0.2},
}
KILLED = -signal.SIGKILL


class Points:
    """Counts the writes of this process, and kills it at one of them after telling which it was."""

    def __init__(self, fatal: int, tell: int) -> None:
        self.fatal, self.tell, self.seen = fatal, tell, 0

    def reach(self, name: str) -> None:
        self.seen += 1
        if self.seen == self.fatal:
            os.write(self.tell, name.encode() + b"\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self.reach(f"before {name}")
            done = act(*arguments, **named)
            self.reach(f"after {name}")
            return done

        return watched

    def watch(self, database: Database) -> None:
        """Before each statement that writes, and before and after each commit and each step of an artifact."""

        @event.listens_for(database.engine, "before_cursor_execute")
        def execute(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            words = statement.split()
            if words[0] in ("INSERT", "UPDATE", "DELETE"):
                self.reach(f"{words[0]} {words[1] if words[0] == 'UPDATE' else words[2]}")

        dialect: Any = database.engine.dialect
        dialect.do_commit = self.around("commit", dialect.do_commit)
        store: Any = database.artifacts._store
        for name in ("write", "remove"):
            setattr(store, name, self.around(f"artifact {name}", getattr(store, name)))
        folder.sync = self.around("sync", folder.sync)


class Beats(Callback):
    """Lets somebody do something at every resume point, and the training hear of it there."""

    def __init__(self, monitor: Any, meddle: Callable[[], object]) -> None:
        self.monitor, self.meddle = monitor, meddle

    def on_resume_point(self, epoch: int, step: int, capture: object) -> None:
        self.meddle()
        self.monitor.beat()
        self.monitor.on_resume_point(epoch, step, capture)


def forked(act: Callable[[], object]) -> int:
    """The exit code of a process that does this and ends."""
    pid = os.fork()
    if pid == 0:
        _act_and_end(act)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _act_and_end(act: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        act()
        code = 0
    except BaseException:  # noqa: BLE001 - it is the end of the process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Life:
    """Jobs on a database of their own, each worked on by processes that die."""

    def __init__(self, url: str, cancels: bool) -> None:
        self.url, self.cancels = url, cancels
        self.model = "cancelled" if cancels else "whole"
        self.died: Counter[str] = Counter()

    def begin(self) -> None:
        database = Database(self.url)
        database.migrate()
        database.owner()
        with database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE identity SET created_at = 0")  # nothing is swept on a first day
        self.submit(database)

    def submit(self, database: Database) -> None:
        with database.transaction() as tx:
            dataset = tx.datasets.add(NewDataset(DATASET.rows, 3, DATASET.to_bytes())).id
            tx.jobs.add(self.model, REQUEST, dataset, EPOCHS)

    def work(self, fatal: int = 0, tell: int = 0) -> None:
        """What a worker does with the job; what the supervisor does after its death comes first."""
        database, other = Database(self.url), Database(self.url)
        with other.transaction() as tx:
            tx.jobs.end_leases("worker")
        self.cancel(other)

        def train(
            request: Any, form: str, content: bytes, callbacks: Sequence[Callback], states: Iterable[TrainingState]
        ) -> Any:
            beats = Beats(callbacks[0], lambda: self.cancel(other))
            return training.train(request, Dataset.from_bytes(content), [*callbacks, beats], states)

        checkpointer.PAUSE_BY_COST = 0
        worker = Worker(database, train, owner="worker", lease_seconds=60, checkpoint_seconds=0)
        Points(fatal, tell).watch(database)
        while worker.run_one():
            pass

    def cancel(self, database: Database) -> None:
        """As soon as there is something to keep of the first two epochs."""
        if self.cancels:
            with database.transaction() as tx:
                job = tx.jobs.page(limit=1)[0][0]
                if [checkpoint.epoch for checkpoint in tx.checkpoints.newest(job.id)] == [2, 1]:
                    tx.jobs.cancel(job.id, Keep.LAST)

    def finish(self) -> None:
        """A worker that lives; and the next job."""
        self.work()
        self.check()
        self.submit(Database(self.url))

    def check(self) -> None:
        """The job has ended once, as its first run without a death did."""
        database = Database(self.url)
        with database.reading() as tx:
            jobs = tx.jobs.page(model=self.model, limit=1000)[0]
            job, first = jobs[0], jobs[-1]
            assert job.status is (Status.CANCELLED if self.cancels else Status.SUCCEEDED), job
            version, expected = (tx.models.version(self.model, one.version) for one in (job, first))
            assert version.job_id == job.id
            assert version.partial is self.cancels
            assert len(tx.models.numbers(self.model)) == len(jobs)
            assert (version.sha256, version.metrics) == (expected.sha256, expected.metrics)
            told = tx.events.after(job.id, 0)
            assert [one.seq for one in told] == list(range(1, len(told) + 1))
            assert [one.event for one in told].count("done") == 1
            assert told[-1].event == "done"
            history, past = ([one["metrics"] for one in tx.events.history(of.id)] for of in (job, first))
            assert history == past
            assert tx.checkpoints.newest(job.id) == []
        database.artifacts.sweep((), older_than_seconds=-1)
        assert list(database.artifacts._store.names()) == []

    def run(self, deaths: int) -> Counter[str]:
        """A job for every point, at which its first workers die one after the other; answers where."""
        assert forked(self.begin) == 0
        assert forked(self.finish) == 0
        for fatal in count(1):
            codes = [self.attempt(fatal) for _ in range(deaths)]
            assert forked(self.finish) == 0, (fatal, codes)
            if KILLED not in codes:
                break
        return self.died

    def attempt(self, fatal: int) -> int:
        heard, tell = os.pipe()
        code = forked(lambda: self.work(fatal, tell))
        os.close(tell)
        with os.fdopen(heard) as told:
            self.died.update(told.read().split("\n")[:-1])
        assert code in (0, KILLED), code
        return code


if __name__ == "__main__":
    for cancels in (False, True):
        life = Life(sys.argv[1], cancels)
        print(json.dumps({life.model: life.run(deaths=int(sys.argv[2]))}))
