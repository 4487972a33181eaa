"""Checkpoints, events (with the history of epochs among them), idempotency keys, priorities, partial versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SUCCEEDED = "(status = 'succeeded') = (version IS NOT NULL)"
PUBLISHED = "version IS NOT NULL OR status <> 'succeeded'"
ENDED_WITH_VERSION = "version IS NULL OR status IN ('cancelled', 'succeeded')"


def upgrade() -> None:
    op.drop_index("ix_jobs_status", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
        jobs.add_column(sa.Column("keep", sa.Text))
        jobs.drop_constraint(op.f("ck_jobs_version"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_version"), PUBLISHED)
        jobs.create_check_constraint(op.f("ck_jobs_version_final"), ENDED_WITH_VERSION)
    queued, held = sa.text("status = 'queued'"), sa.text("status IN ('running', 'cancelling')")
    ended = sa.text("finished_at IS NOT NULL")
    op.create_index("ix_jobs_ended", "jobs", ["status", "id"], sqlite_where=ended, postgresql_where=ended)
    op.create_index(
        "ix_jobs_queued", "jobs", [sa.text("priority DESC"), "id"], sqlite_where=queued, postgresql_where=queued
    )
    op.create_index("ix_jobs_held", "jobs", ["lease_until", "id"], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "events",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_events_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "seq", name="pk_events"),
        sa.UniqueConstraint("job_id", "epoch", name="uq_events_job_id_epoch"),
    )
    wrapped = (
        "json_build_object('epoch', h.epoch, 'metrics', h.metrics)"
        if _on_postgresql()
        else "json_object('epoch', h.epoch, 'metrics', json(h.metrics))"
    )
    op.execute(
        "INSERT INTO events (job_id, seq, event, epoch, data, created_at) "
        f"SELECT h.job_id, h.epoch, 'epoch', h.epoch, {wrapped}, coalesce(j.started_at, j.created_at) "
        "FROM history h JOIN jobs j ON j.id = h.job_id"
    )
    op.drop_table("history")
    op.create_table(
        "checkpoints",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("step", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("artifact", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_checkpoints_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "epoch", "step", name="pk_checkpoints"),
    )
    op.create_table(
        "artifacts",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_artifacts"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("response", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.add_column("versions", sa.Column("partial", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    # SQLite migrates without foreign keys, so the weights do not go with their version.
    op.execute("DELETE FROM version_weights WHERE version_id IN (SELECT id FROM versions WHERE partial)")
    op.execute("DELETE FROM versions WHERE partial")
    op.execute("UPDATE jobs SET version = NULL WHERE status <> 'succeeded'")
    with op.batch_alter_table("versions") as versions:
        versions.drop_column("partial")
    for table in ("idempotency_keys", "artifacts", "checkpoints"):
        op.drop_table(table)
    op.create_table(
        "history",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_history_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "epoch", name="pk_history"),
    )
    metrics = "data->'metrics'" if _on_postgresql() else "json_extract(data, '$.metrics')"
    op.execute(
        f"INSERT INTO history (job_id, epoch, metrics) SELECT job_id, epoch, {metrics} "
        "FROM events WHERE epoch IS NOT NULL"
    )
    op.drop_table("events")
    for index in ("queued", "held", "ended"):
        op.drop_index(f"ix_jobs_{index}", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_version_final"), type_="check")
        jobs.drop_constraint(op.f("ck_jobs_version"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_version"), SUCCEEDED)
        jobs.drop_column("priority")
        jobs.drop_column("keep")
    op.create_index("ix_jobs_status", "jobs", ["status", "id"])


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
