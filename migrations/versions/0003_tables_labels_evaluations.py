"""Uploaded datasets, labels, evaluations, prediction jobs, and the state of the optimizer of a version."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KINDS = "kind IN ('training', 'prediction')"
FORMS = "form IN ('arrays', 'table')"


def upgrade() -> None:
    with op.batch_alter_table("datasets") as datasets:
        datasets.alter_column("size_bytes", type_=sa.BigInteger, existing_type=sa.Integer, existing_nullable=False)
        datasets.add_column(sa.Column("name", NAME))
        datasets.add_column(sa.Column("form", sa.Text, nullable=False, server_default="arrays"))
        datasets.add_column(sa.Column("sha256", sa.Text))
        datasets.add_column(sa.Column("artifact", sa.Text))
        datasets.add_column(sa.Column("uploaded", sa.Boolean, nullable=False, server_default=sa.false()))
        datasets.create_check_constraint(op.f("ck_datasets_form"), FORMS)
    op.create_index("ix_datasets_sha256", "datasets", ["sha256"])
    _drop_partial_indexes()
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column("dataset", nullable=True, existing_type=sa.Text)
        jobs.drop_constraint(op.f("fk_jobs_dataset"), type_="foreignkey")
        jobs.create_foreign_key("fk_jobs_dataset", "datasets", ["dataset"], ["id"], ondelete="SET NULL")
        jobs.add_column(sa.Column("kind", sa.Text, nullable=False, server_default="training"))
        jobs.add_column(sa.Column("result", sa.Text))
        jobs.create_foreign_key("fk_jobs_result", "datasets", ["result"], ["id"], ondelete="SET NULL")
        jobs.create_check_constraint(op.f("ck_jobs_kind"), KINDS)
    op.create_index("ix_jobs_result", "jobs", ["result"])
    _create_partial_indexes()
    with op.batch_alter_table("versions") as versions:
        versions.add_column(sa.Column("data", sa.JSON, nullable=False, server_default="{}"))
    with op.batch_alter_table("version_weights") as weights:
        weights.add_column(sa.Column("optimizer", sa.LargeBinary))
    op.create_table(
        "labels",
        sa.Column("model", NAME, nullable=False),
        sa.Column("label", NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("moves", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_labels_model", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("model", "label", name="pk_labels"),
    )
    op.create_table(
        "label_moves",
        sa.Column("model", NAME, nullable=False),
        sa.Column("label", NAME, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("from_number", sa.Integer),
        sa.Column("to_number", sa.Integer),
        sa.Column("moved_by", sa.Text),
        sa.Column("moved_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_label_moves_model", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("model", "label", "seq", name="pk_label_moves"),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version_id", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text),
        sa.Column("part", sa.Text),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_evaluations_version_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluations"),
    )
    op.create_index("ix_evaluations_version_id", "evaluations", ["version_id"])


def downgrade() -> None:
    for table in ("evaluations", "label_moves", "labels"):
        op.drop_table(table)
    with op.batch_alter_table("version_weights") as weights:
        weights.drop_column("optimizer")
    with op.batch_alter_table("versions") as versions:
        versions.drop_column("data")
    _delete_what_earlier_releases_cannot_hold()
    op.drop_index("ix_jobs_result", "jobs")
    _drop_partial_indexes()
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_kind"), type_="check")
        jobs.drop_constraint(op.f("fk_jobs_result"), type_="foreignkey")
        jobs.drop_column("result")
        jobs.drop_column("kind")
        jobs.drop_constraint(op.f("fk_jobs_dataset"), type_="foreignkey")
        jobs.create_foreign_key("fk_jobs_dataset", "datasets", ["dataset"], ["id"], ondelete="RESTRICT")
        jobs.alter_column("dataset", nullable=False, existing_type=sa.Text)
    _create_partial_indexes()
    op.drop_index("ix_datasets_sha256", "datasets")
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_constraint(op.f("ck_datasets_form"), type_="check")
        for column in ("uploaded", "artifact", "sha256", "form", "name"):
            datasets.drop_column(column)
        datasets.alter_column("size_bytes", type_=sa.Integer, existing_type=sa.BigInteger, existing_nullable=False)


def _delete_what_earlier_releases_cannot_hold() -> None:
    # SQLite migrates without foreign keys: nothing goes with the row that it belongs to, and no reference is cleared.
    gone = (
        "SELECT id FROM jobs WHERE kind <> 'training' OR dataset IS NULL "
        "OR dataset IN (SELECT id FROM datasets WHERE artifact IS NOT NULL)"
    )
    for table in ("events", "checkpoints"):
        op.execute(f"DELETE FROM {table} WHERE job_id IN ({gone})")
    op.execute(f"UPDATE versions SET job_id = NULL WHERE job_id IN ({gone})")
    op.execute(f"DELETE FROM jobs WHERE id IN ({gone})")
    op.execute("DELETE FROM datasets WHERE artifact IS NOT NULL")


def _drop_partial_indexes() -> None:
    # SQLite changes a table by copying it, and an index on an expression would not come along.
    for index in ("queued", "held", "ended"):
        op.drop_index(f"ix_jobs_{index}", "jobs")


def _create_partial_indexes() -> None:
    queued, held = sa.text("status = 'queued'"), sa.text("status IN ('running', 'cancelling')")
    ended = sa.text("finished_at IS NOT NULL")
    op.create_index("ix_jobs_ended", "jobs", ["status", "id"], sqlite_where=ended, postgresql_where=ended)
    op.create_index(
        "ix_jobs_queued", "jobs", [sa.text("priority DESC"), "id"], sqlite_where=queued, postgresql_where=queued
    )
    op.create_index("ix_jobs_held", "jobs", ["lease_until", "id"], sqlite_where=held, postgresql_where=held)
