"""The database: transactions, migrations, and a way to wait until something changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Self

from sqlalchemy import Connection, inspect, text

from service.config import Settings
from service.errors import Damaged, NotFound
from service.storage.access import Keys
from service.storage.artifacts.artifacts import Artifacts
from service.storage.artifacts.content import Content
from service.storage.artifacts.opening import open_artifacts
from service.storage.census import Census, take_census
from service.storage.changes import tell, watch
from service.storage.checkpoints import Checkpoints
from service.storage.clock import Clock
from service.storage.connections import open_engine
from service.storage.datasets import Datasets, StoredDataset
from service.storage.evaluations import Evaluations
from service.storage.events import Events
from service.storage.faults import answering
from service.storage.idempotency import IdempotencyKeys
from service.storage.identity import Owner, owner_of
from service.storage.jobs import Jobs
from service.storage.labels import Labels
from service.storage.models import Models
from service.storage.queue.bell import Bell, News
from service.storage.retention import Retention
from service.storage.schema import REVISION
from service.versions import Version


class Transaction:
    """One transaction, and what can be done in it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.news = News()
        self._connection = connection
        self._clock = clock

    @cached_property
    def datasets(self) -> Datasets:
        """What networks are trained on."""
        return Datasets(self._connection, self._clock)

    @cached_property
    def models(self) -> Models:
        """Models, their versions and weights."""
        return Models(self._connection, self._clock, self.news, self.evaluations)

    def version(self, model: str, which: int | str | None) -> Version:
        """The version of this number or label, or the latest; `NotFound` if there is none."""
        number = self.labels.get(model, which).number if isinstance(which, str) else which
        return self.models.version(model, number)

    @cached_property
    def labels(self) -> Labels:
        """Names that point at versions."""
        return Labels(self._connection, self._clock, self.news)

    @cached_property
    def evaluations(self) -> Evaluations:
        """What versions got right and wrong on data."""
        return Evaluations(self._connection, self._clock)

    @cached_property
    def events(self) -> Events:
        """What happened to each job, the metrics of each epoch among it."""
        return Events(self._connection, self._clock)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """Where interrupted trainings may go on."""
        return Checkpoints(self._connection, self._clock)

    @cached_property
    def keys(self) -> Keys:
        """The keys of those who may call the service."""
        return Keys(self._connection, self._clock, self.news)

    @cached_property
    def idempotency_keys(self) -> IdempotencyKeys:
        """The responses to requests that carried a key."""
        return IdempotencyKeys(self._connection, self._clock)

    @cached_property
    def retention(self) -> Retention:
        """What is forgotten in time."""
        return Retention(self._connection, self._clock)

    @cached_property
    def jobs(self) -> Jobs:
        """Training jobs and their queue."""
        return Jobs(
            self._connection,
            self._clock,
            news=self.news,
            events=self.events,
            checkpoints=self.checkpoints,
            datasets=self.datasets,
            models=self.models,
        )


class Database:
    """The database at one URL; all threads of a process may use it."""

    def __init__(
        self,
        url: str,
        *,
        artifacts_url: str | None = None,
        bell: Bell | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Connects when first used. `clock` stands in for the database's own clock in tests."""
        self.engine = open_engine(url)
        self.backend = self.engine.dialect.name
        self._bell = bell or Bell()
        self._changes = watch(self.engine)
        self._clock = Clock(self.backend, clock)
        self._artifacts_url = artifacts_url

    @classmethod
    def of(cls, settings: Settings, bell: Bell | None = None) -> Self:
        """The database that the settings name."""
        return cls(settings.database_url, artifacts_url=settings.artifacts_url, bell=bell)

    @property
    def rings(self) -> int | None:
        """The end of the bell that wakes idle workers, for a child to inherit; None if there is no bell."""
        return self._bell.write_fd

    @cached_property
    def artifacts(self) -> Artifacts:
        """What is too large for a row: to be put before the transaction that refers to it."""
        return open_artifacts(self._artifacts_url, self.engine, self._clock, self.owner)

    def owner(self) -> Owner:
        """The identity of this database, and how old it is."""
        with answering(), self.engine.begin() as connection:
            return owner_of(connection, self._clock)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits everything in the block or nothing of it; then wakes those who wait for a change."""
        with answering(), self.engine.begin() as connection:
            tx = Transaction(connection, self._clock)
            yield tx
            tell(connection, tx.news)
        if tx.news.is_served_otherwise:
            self._changes.move()
        if tx.news.queued:
            self._bell.ring(tx.news.queued)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Opens a consistent, read-only view of the database, which blocks no writer."""
        with answering(), self.engine.connect() as connection:
            if self.backend == "sqlite":
                connection.execution_options(read_only=True)
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield Transaction(connection, self._clock)

    def open_dataset(self, dataset: str, *, glimpse: bool = False) -> tuple[StoredDataset, Content]:
        """A dataset by its id or name: its description and its bytes, mapped where they are a file.

        `Damaged` if they are lost or rot. For a `glimpse` of what is large its bytes are not checked: that reads them
        all, and who uses them does so.
        """
        with self.reading() as tx:
            stored = tx.datasets.get(dataset)
            if stored.artifact is None:
                return stored, tx.datasets.content(stored.id)
        try:
            return stored, self.artifacts.open(stored.artifact, glimpse=glimpse)
        except NotFound:
            with self.reading() as tx:
                tx.datasets.get(stored.id)  # it may have been deleted meanwhile
            raise Damaged(f"The bytes of the dataset {stored.id!r} are not where they were stored.") from None

    def open_version(self, model: str, which: int | str | None = None) -> tuple[Version, bytes, bytes | None]:
        """A version by its number or label, or the latest, with its weights and the state of its optimizer."""
        with self.reading() as tx:
            version = tx.version(model, which)
            return version, tx.models.weights(version.id), tx.models.optimizer(version.id)

    def migrate(self) -> None:
        """Brings the tables to this release's, wholly or not at all; of two that try at once, one waits."""
        from service.storage import migration  # noqa: PLC0415 - only who migrates pays for Alembic

        with answering():
            migration.upgrade(self.engine)

    def schema_is_current(self) -> bool:
        """Whether the tables are those of this release; False as well when there are none."""
        with answering(), self.engine.connect() as connection:
            connection.execution_options(read_only=True)
            if not inspect(connection).has_table("alembic_version"):
                return False
            revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return bool(revision == REVISION)

    def census(self, lease_seconds: float) -> Census:
        """How many jobs wait and run, for how long, and how much is stored."""
        with answering(), self.engine.connect() as connection:
            connection.execution_options(read_only=True)
            return take_census(connection, self._clock, lease_seconds)

    def has_tables(self) -> bool:
        """Whether there are tables, of this release or another."""
        with answering(), self.engine.connect() as connection:
            connection.execution_options(read_only=True)
            return inspect(connection).has_table("alembic_version")

    def mark(self) -> int:
        """A number that is another one as soon as another connection has changed something."""
        with answering():
            return self._changes.mark()

    def served_mark(self) -> int:
        """A number that moves as soon as what every API process keeps at hand has changed, by anybody.

        That is which version answers a prediction (one was published or deleted, a label moved), and the keys.
        """
        with answering():
            return self._changes.served()

    def wait_for_change(self, timeout_seconds: float, since: int | None = None) -> bool:
        """Waits until something has changed after `since`, a `mark()` taken before reading (default: now).

        True once it has, False after the time-out; the caller reads again in either case. On PostgreSQL a job
        that was queued or has ended counts as a change, and so does what predictions depend on; progress does not.
        """
        with answering():
            return self._changes.wait(self.mark() if since is None else since, timeout_seconds)

    def wait_for_work(self, timeout_seconds: float, since: int) -> bool:
        """Waits until there may be a job that was not there at `since`, a `mark()`, or for the time-out."""
        if self.backend == "sqlite" and self._bell.read_fd is not None:
            return self._bell.wait(timeout_seconds)
        with answering():
            return self._changes.wait(since, timeout_seconds)

    def close(self) -> None:
        """Ends all connections."""
        self._changes.close()
        self.engine.dispose()
