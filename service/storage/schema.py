"""The tables, the same on SQLite and PostgreSQL; `migrations/` brings a database to them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator

from service.jobs import FINAL, HELD, Kind, Status

REVISION = "0006"
"""The migration that these tables stand at."""

NAME = Text().with_variant(Text(collation="C"), "postgresql")
"""A name that people choose: sorted by its bytes, as SQLite does."""


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC: seconds since 1970 in the database, so that SQL reckons alike everywhere."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ARG002
        """To seconds; a number already is."""
        return value.timestamp() if isinstance(value, datetime) else value

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To an aware datetime."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


def _status_in(statuses: Collection[Status]) -> str:
    words = [f"'{status}'" for status in Status if status in statuses]
    return f"status = {words[0]}" if len(words) == 1 else f"status IN ({', '.join(words)})"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("meta", JSON, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("name", NAME),
    Column("form", Text, nullable=False, server_default="arrays"),
    Column("sha256", Text, index=True),
    Column("artifact", Text),
    Column("uploaded", Boolean, nullable=False, server_default=false()),
    Column("meta_sha256", Text),
    CheckConstraint("form IN ('arrays', 'table')", name="form"),
)

Index("ix_datasets_artifact", datasets.c.artifact)
Index("ix_datasets_uploaded", datasets.c.uploaded, datasets.c.id)
Index("ix_datasets_name", datasets.c.uploaded, datasets.c.name, datasets.c.id)

# Large values are in a table of their own, so that listing never reads them.
dataset_contents = Table(
    "dataset_contents",
    metadata,
    Column("dataset_id", ForeignKey(datasets.c.id, ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("model", NAME, nullable=False),
    Column("version", Integer),
    Column("request", JSON, nullable=False),
    Column("dataset", ForeignKey(datasets.c.id, ondelete="SET NULL"), index=True),
    Column("epoch", Integer, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("fraction", Double, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("attempt", Integer, nullable=False),
    Column("stalls", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("lease_id", Text),
    Column("lease_until", Moment),
    Column("owner", Text),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("expected_at", Moment),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("keep", Text),
    Column("kind", Text, nullable=False, server_default=Kind.TRAINING),
    Column("result", ForeignKey(datasets.c.id, ondelete="SET NULL"), index=True),
    Column("request_sha256", Text),
    Column("waits_for", Text),
    Column("needs_model", NAME),
    Column("needs_version", Integer),
    Column("score", JSON(none_as_null=True)),
    CheckConstraint("kind IN ('training', 'prediction')", name="kind"),
    CheckConstraint(_status_in(list(Status)), name="status"),
    CheckConstraint("version IS NOT NULL OR status <> 'succeeded'", name="version"),
    CheckConstraint("version IS NULL OR status IN ('cancelled', 'succeeded')", name="version_final"),
    CheckConstraint("(status = 'failed') = (error IS NOT NULL)", name="error"),
    CheckConstraint(f"({_status_in(FINAL)}) = (finished_at IS NOT NULL)", name="finished_at"),
)
Index("ix_jobs_kind", jobs.c.kind, jobs.c.id)
Index("ix_jobs_status", jobs.c.kind, jobs.c.status, jobs.c.id)
Index("ix_jobs_model", jobs.c.kind, jobs.c.model, jobs.c.id)
Index("ix_jobs_model_status", jobs.c.kind, jobs.c.model, jobs.c.status, jobs.c.id)

# A partial index serves only a query that says its condition in the same words, not by parameters.
IS_QUEUED = text(_status_in([Status.QUEUED]))
IS_HELD = text(_status_in(HELD))
IS_FINAL = text("finished_at IS NOT NULL")
IS_UNFINISHED = text("finished_at IS NULL")
NEEDS = text("needs_model IS NOT NULL AND finished_at IS NULL")
Index("ix_jobs_queued", jobs.c.priority.desc(), jobs.c.id, sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED)
Index("ix_jobs_held", jobs.c.lease_until, jobs.c.id, sqlite_where=IS_HELD, postgresql_where=IS_HELD)
Index("ix_jobs_ended", jobs.c.finished_at, jobs.c.id, sqlite_where=IS_FINAL, postgresql_where=IS_FINAL)
Index("ix_jobs_needs_dataset", jobs.c.dataset, sqlite_where=IS_UNFINISHED, postgresql_where=IS_UNFINISHED)
Index("ix_jobs_needs", jobs.c.needs_model, sqlite_where=NEEDS, postgresql_where=NEEDS)

events = Table(
    "events",
    metadata,
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("epoch", Integer),
    Column("data", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("job_id", "epoch"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("artifact", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
)

# The artifacts of an installation that keeps them in its database.
artifacts = Table(
    "artifacts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("response", JSON, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
)

models = Table(
    "models",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("last_number", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("versions", Integer, nullable=False, server_default="0"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model", ForeignKey(models.c.name, ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("job_id", ForeignKey(jobs.c.id, ondelete="SET NULL")),
    Column("spec", JSON, nullable=False),
    Column("compile", JSON, nullable=False),
    Column("fit", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("input", JSON, nullable=False),
    Column("output", JSON, nullable=False),
    Column("environment", JSON, nullable=False),
    Column("timing", JSON, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("partial", Boolean, nullable=False, server_default=false()),
    Column("data", JSON, nullable=False, server_default="{}"),
    Column("description_sha256", Text),
    Column("score", JSON(none_as_null=True)),
    UniqueConstraint("model", "number"),
    UniqueConstraint("job_id"),
)

version_weights = Table(
    "version_weights",
    metadata,
    Column("version_id", ForeignKey(versions.c.id, ondelete="CASCADE"), primary_key=True),
    Column("weights", LargeBinary, nullable=False),
    Column("optimizer", LargeBinary),
    Column("optimizer_sha256", Text),
)

labels = Table(
    "labels",
    metadata,
    Column("model", ForeignKey(models.c.name, ondelete="CASCADE"), primary_key=True),
    Column("label", NAME, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("moves", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
Index("ix_labels_number", labels.c.model, labels.c.number)

label_moves = Table(
    "label_moves",
    metadata,
    Column("model", ForeignKey(models.c.name, ondelete="CASCADE"), primary_key=True),
    Column("label", NAME, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("from_number", Integer),
    Column("to_number", Integer),
    Column("moved_by", Text),
    Column("moved_at", Moment, nullable=False),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version_id", ForeignKey(versions.c.id, ondelete="CASCADE"), nullable=False),
    Column("dataset", Text),
    Column("part", Text),
    Column("rows", Integer, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("report", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("model", NAME, nullable=False, server_default=""),
)
Index("ix_evaluations_version_id", evaluations.c.version_id, evaluations.c.id)
Index("ix_evaluations_model", evaluations.c.model, evaluations.c.id)

# One row: the name by which a store of artifacts knows this database, and since when there is such a name.
identity = Table(
    "identity",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("models", Text),
    Column("sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    *(Column(name, Moment) for name in ("expires_at", "revoked_at", "used_at")),
)
