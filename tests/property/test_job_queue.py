"""The queue as a state machine: whatever workers and users do, in whatever order, its promises hold."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.config import LONGEST_LEASE_SECONDS
from service.jobs import (
    FINAL,
    HELD,
    MAX_STALLS,
    TRANSITIONS,
    CancelRequested,
    Claim,
    ClaimLost,
    EpochResult,
    Job,
    Keep,
    Progress,
    Status,
    Verdict,
)
from service.storage import Database, Transaction
from service.storage.checkpoints import Checkpoint
from service.storage.schema import metadata
from tests.support.postgres import new_database
from tests.support.storing import StandingClock, add_job, sqlite_url
from tests.support.versions import new_version

LEASE_SECONDS = 10.0


@dataclass
class Expected:
    """What a job has to look like."""

    status: Status = Status.QUEUED
    attempt: int = 0
    stalls: int = 0
    claim: Claim | None = None
    lease_until: float = 0.0
    priority: int = 0
    epochs: int = 0
    told: int = 0
    kept: int | None = None
    keep: Keep | None = None
    pause_until: float = 0.0
    version: bool = False

    @property
    def leaves_weights(self) -> bool:
        return self.keep is not None and self.kept is not None

    def move(self, status: Status) -> None:
        assert status in TRANSITIONS[self.status] or status is self.status, (self.status, status)
        self.status = status
        if status not in HELD:
            self.claim = None


class JobQueue(RuleBasedStateMachine):
    """A model of the queue beside the real one."""

    database: Database
    claims = st.runner().flatmap(lambda queue: st.sampled_from(queue.interesting_claims()))
    job_ids = st.runner().flatmap(lambda queue: st.sampled_from(queue.interesting_jobs()))
    workers = st.sampled_from(["worker-a", "worker-b", "worker-c"])

    def __init__(self) -> None:
        super().__init__()
        self.clock = StandingClock()
        self.jobs: dict[str, Expected] = {}
        self.claims_made: list[tuple[Claim, str]] = []
        self.database = self.empty_database()

    def empty_database(self) -> Database:
        raise NotImplementedError

    def holds(self, claim: Claim) -> bool:
        return self.jobs[claim.job.id].claim is claim

    def interesting_claims(self) -> list[Claim]:
        """All claims ever made; those that hold are tried more often."""
        made = [claim for claim, _ in self.claims_made]
        return [claim for claim in made if self.holds(claim)] * 4 + made

    def interesting_jobs(self) -> list[str]:
        running = [id_ for id_, job in self.jobs.items() if job.status is Status.RUNNING]
        return running * 4 + list(self.jobs)

    @rule(priorities=st.lists(st.integers(-1, 1), min_size=1, max_size=3))
    def submit(self, priorities: list[int]) -> None:
        for priority in priorities:
            self.jobs[add_job(self.database, epochs=5, priority=priority).id] = Expected(priority=priority)

    @precondition(lambda self: any(job.status not in FINAL for job in self.jobs.values()))
    @rule(owner=workers)
    def claim(self, owner: str) -> None:
        expected = self.next_job()
        with self.database.transaction() as tx:
            claim = tx.jobs.claim(owner, LEASE_SECONDS)
        assert (claim.job.id if claim else None) == expected
        if claim is None:
            return
        job = self.jobs[claim.job.id]
        job.stalls += job.status in HELD
        job.move(Status.CANCELLING if job.status is Status.CANCELLING else Status.RUNNING)
        assert claim.job.status is job.status
        job.attempt += 1
        job.epochs = job.kept or 0
        assert claim.job.epoch == (job.kept or 0)
        job.claim, job.lease_until = claim, self.clock() + LEASE_SECONDS
        self.claims_made.append((claim, owner))

    def next_job(self) -> str | None:
        """Ends in the model what a claim ends; then the job whose lease ended first, else the oldest queued."""
        for job in self.jobs.values():
            job.lease_until = min(job.lease_until, self.clock() + LONGEST_LEASE_SECONDS)
        expired = {id_: job for id_, job in self.jobs.items() if job.status in HELD and job.lease_until < self.clock()}
        self.bury(expired.values())
        left = [(job.lease_until, id_) for id_, job in expired.items() if job.status in HELD]
        waiting = {id_: job for id_, job in self.jobs.items() if job.status is Status.QUEUED}
        queued = [(-job.priority, id_) for id_, job in waiting.items() if job.pause_until < self.clock()]
        return min(left or queued, default=(0, None))[1]

    def bury(self, expired: Iterable[Expected]) -> None:
        for job in expired:
            if job.status is Status.CANCELLING and not job.leaves_weights:
                job.move(Status.CANCELLED)
            elif job.stalls + 1 >= MAX_STALLS:
                job.move(Status.CANCELLED if job.status is Status.CANCELLING else Status.FAILED)

    @precondition(lambda self: self.claims_made)
    @rule(claim=claims)
    def beat(self, claim: Claim) -> None:
        job = self.jobs[claim.job.id]
        epoch = job.epochs + 1 if self.holds(claim) else 99
        with self.database.transaction() as tx:
            verdict = tx.jobs.beat(claim, Progress(epoch=epoch, history={epoch: EpochResult({"loss": 1.0})}))
        if not self.holds(claim):
            assert verdict is Verdict.LOST
            return
        assert verdict is (Verdict.CANCEL if job.status is Status.CANCELLING else Verdict.GO_ON)
        job.epochs = epoch
        job.told = max(job.told, epoch)
        job.lease_until = self.clock() + LEASE_SECONDS

    @precondition(lambda self: self.claims_made)
    @rule(claim=claims)
    def checkpoint(self, claim: Claim) -> None:
        job = self.jobs[claim.job.id]
        point = Checkpoint(job.epochs, 0, f"{claim.fence}-{job.epochs}")
        if self.allowed(claim, lambda tx: tx.jobs.checkpoint(claim, point, 10)):
            job.kept, job.stalls = job.epochs, 0
            job.lease_until = self.clock() + LEASE_SECONDS

    @precondition(lambda self: self.claims_made)
    @rule(claim=claims, how=st.sampled_from(["succeed", "fail", "release", "let_go", "finish_cancel"]))
    def end(self, claim: Claim, how: str) -> None:
        getattr(self, how)(claim, self.jobs[claim.job.id])

    def succeed(self, claim: Claim, job: Expected) -> None:
        try:
            with self.database.transaction() as tx:
                tx.jobs.succeed(claim, new_version())
        except CancelRequested:
            assert self.holds(claim)
            assert job.status is Status.CANCELLING
        except ClaimLost:
            assert not self.holds(claim)
        else:
            assert self.holds(claim) or job.status is Status.SUCCEEDED
            job.version = True
            job.move(Status.SUCCEEDED)

    def fail(self, claim: Claim, job: Expected) -> None:
        if self.allowed(claim, lambda tx: tx.jobs.fail(claim, "diverged", "The loss is not a number.")):
            job.move(Status.CANCELLED if job.status is Status.CANCELLING else Status.FAILED)

    def release(self, claim: Claim, job: Expected, pause_seconds: float = 0.0) -> None:
        if not self.allowed(claim, lambda tx: tx.jobs.release(claim, pause_seconds)):
            return
        if job.status is Status.RUNNING:
            job.attempt -= 1
            job.move(Status.QUEUED)
            job.pause_until = self.clock() + pause_seconds if pause_seconds else 0.0
        elif job.leaves_weights:
            job.attempt -= 1
            job.stalls -= 1
            job.claim, job.lease_until = None, self.clock() + pause_seconds
        else:
            job.move(Status.CANCELLED)

    def let_go(self, claim: Claim, job: Expected) -> None:
        self.release(claim, job, LEASE_SECONDS / 2)

    def finish_cancel(self, claim: Claim, job: Expected) -> None:
        partial = new_version(partial=True) if job.keep else None
        if job.status is Status.CANCELLING and self.allowed(
            claim, lambda tx: tx.jobs.finish_cancel(claim, None, partial)
        ):
            job.version = partial is not None
            job.move(Status.CANCELLED)

    def allowed(self, claim: Claim, write: Callable[[Transaction], object]) -> bool:
        """Whether a write went through; it has to if the claim holds, and may not otherwise."""
        held = self.holds(claim)
        try:
            with self.database.transaction() as tx:
                write(tx)
        except ClaimLost:
            assert not held
            return False
        assert held
        return True

    @precondition(lambda self: any(job.status not in FINAL for job in self.jobs.values()))
    @rule(job_id=job_ids, keep=st.sampled_from([None, Keep.LAST]))
    def cancel(self, job_id: str, keep: Keep | None) -> None:
        job = self.jobs[job_id]
        with self.database.transaction() as tx:
            seen = tx.jobs.cancel(job_id, keep)
        if job.status in (Status.QUEUED, Status.RUNNING):
            job.keep, job.stalls = keep, 0
        if job.status is Status.QUEUED:
            job.move(Status.CANCELLING if job.leaves_weights else Status.CANCELLED)
            job.lease_until = 0.0
        elif job.status is Status.RUNNING:
            job.move(Status.CANCELLING)
        assert seen.status is job.status

    @precondition(lambda self: any(job.claim for job in self.jobs.values()))
    @rule(owner=workers)
    def a_worker_dies(self, owner: str) -> None:
        with self.database.transaction() as tx:
            tx.jobs.end_leases(owner)
        held = [claim for claim, claimed_by in self.claims_made if claimed_by == owner and self.holds(claim)]
        for claim in held:
            self.jobs[claim.job.id].lease_until = 0.0
        self.bury([self.jobs[claim.job.id] for claim in held])

    @precondition(lambda self: any(job.claim for job in self.jobs.values()))
    @rule()
    def the_clock_is_set_back(self) -> None:
        self.clock.advance(-3600)
        for job in self.jobs.values():
            job.pause_until = 0.0

    @precondition(lambda self: any(job.claim for job in self.jobs.values()))
    @rule(seconds=st.sampled_from([1.0, 2.0, LEASE_SECONDS / 2, LEASE_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def every_job_is_as_expected(self) -> None:
        with self.database.reading() as tx:
            jobs, _ = tx.jobs.page(limit=1000)
            versions = (
                [version.job_id for version in tx.models.versions("digits", limit=1000)[0]]
                if any(job.version is not None for job in jobs)
                else []
            )
            for job in jobs:
                expected = self.jobs[job.id]
                assert (job.status, job.attempt) == (expected.status, expected.attempt)
                assert versions.count(job.id) == expected.version == (job.version is not None)
                assert (job.finished_at is not None) == (job.status in FINAL)
                epochs = [epoch["epoch"] for epoch in tx.events.history(job.id)]
                assert epochs == list(range(1, expected.told + 1))
                self.check_events(tx, job)
        assert len(jobs) == len(self.jobs)
        assert len(versions) == len(set(versions))

    def check_events(self, tx: Transaction, job: Job) -> None:
        """Numbered without a gap, the present status last, and `done` once, at the very end."""
        events = tx.events.after(job.id, 0)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.data["status"] for event in events if event.event == "status"][-1] == job.status
        done = [place for place, event in enumerate(events, 1) if event.event == "done"]
        assert done == ([len(events)] if job.is_final else [])

    def teardown(self) -> None:
        """Whatever happened, patient workers bring every job to its end."""
        for _ in range(len(self.jobs) * (MAX_STALLS + 1)):
            self.clock.advance(LONGEST_LEASE_SECONDS + 1)
            with self.database.transaction() as tx:
                claim = tx.jobs.claim("worker-d", LEASE_SECONDS)
                if claim is None:
                    continue
                if claim.job.status is Status.CANCELLING:
                    tx.jobs.finish_cancel(claim, None, new_version(partial=True))
                else:
                    tx.jobs.succeed(claim, new_version())
        with self.database.reading() as tx:
            assert all(job.is_final for job in tx.jobs.page(limit=1000)[0])
        self.database.close()


class QueueOnSQLite(JobQueue):
    """On a database file for each example."""

    def empty_database(self) -> Database:
        self.directory = tempfile.TemporaryDirectory()
        shutil.copy(_template(), self.directory.name)
        return Database(sqlite_url(Path(self.directory.name)), clock=self.clock)

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


class QueueOnPostgres(JobQueue):
    """On one database that each example empties first."""

    def empty_database(self) -> Database:
        database = Database(_postgres_url(), clock=self.clock)
        with database.engine.begin() as connection:
            names = ", ".join(table.name for table in metadata.sorted_tables)
            connection.exec_driver_sql(f"TRUNCATE {names}")
        return database


@cache
def _template() -> Path:
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    _migrate(sqlite_url(directory))
    return directory / "fitd.db"


@cache
def _postgres_url() -> str:
    url = new_database()
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


TestQueueOnSQLite = QueueOnSQLite.TestCase
TestQueueOnSQLite.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestQueueOnPostgres = QueueOnPostgres.TestCase
TestQueueOnPostgres.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
