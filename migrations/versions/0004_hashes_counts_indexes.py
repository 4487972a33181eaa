"""Hashes of what is read back, counts that lists show, an index for every query, and the name of the database."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ENDED, UNFINISHED = sa.text("finished_at IS NOT NULL"), sa.text("finished_at IS NULL")
NEEDS = sa.text("needs_model IS NOT NULL AND finished_at IS NULL")

INDEXES: dict[str, tuple[str, list[str], Any]] = {
    "ix_datasets_artifact": ("datasets", ["artifact"], None),
    "ix_datasets_uploaded": ("datasets", ["uploaded", "id"], None),
    "ix_datasets_name": ("datasets", ["uploaded", "name", "id"], None),
    "ix_jobs_kind": ("jobs", ["kind", "id"], None),
    "ix_jobs_status": ("jobs", ["kind", "status", "id"], None),
    "ix_jobs_model": ("jobs", ["kind", "model", "id"], None),
    "ix_jobs_model_status": ("jobs", ["kind", "model", "status", "id"], None),
    "ix_jobs_ended": ("jobs", ["finished_at", "id"], ENDED),
    "ix_jobs_needs_dataset": ("jobs", ["dataset"], UNFINISHED),
    "ix_jobs_needs": ("jobs", ["needs_model"], NEEDS),
    "ix_labels_number": ("labels", ["model", "number"], None),
    "ix_evaluations_version_id": ("evaluations", ["version_id", "id"], None),
    "ix_evaluations_model": ("evaluations", ["model", "id"], None),
}
BEFORE: dict[str, tuple[str, list[str], Any]] = {
    "ix_jobs_model": ("jobs", ["model", "id"], None),
    "ix_jobs_ended": ("jobs", ["status", "id"], ENDED),
    "ix_evaluations_version_id": ("evaluations", ["version_id"], None),
}
COLUMNS = {
    "datasets": ("meta_sha256",),
    "jobs": ("request_sha256", "waits_for", "needs_model", "needs_version"),
    "models": ("versions",),
    "versions": ("description_sha256",),
    "version_weights": ("optimizer_sha256",),
    "evaluations": ("model",),
}


def upgrade() -> None:
    for index, (table, _, _) in BEFORE.items():
        op.drop_index(index, table)
    # What was stored before has no hash, and is taken as it is.
    for table, column in (
        ("datasets", "meta_sha256"),
        ("jobs", "request_sha256"),
        ("jobs", "waits_for"),
        ("versions", "description_sha256"),
        ("version_weights", "optimizer_sha256"),
    ):
        op.add_column(table, sa.Column(column, sa.Text))
    op.add_column("jobs", sa.Column("needs_model", NAME))
    op.add_column("jobs", sa.Column("needs_version", sa.Integer))
    op.add_column("models", sa.Column("versions", sa.Integer, nullable=False, server_default="0"))
    op.add_column("evaluations", sa.Column("model", NAME, nullable=False, server_default=""))
    op.execute("UPDATE models SET versions = (SELECT count(*) FROM versions WHERE versions.model = models.name)")
    op.execute("UPDATE evaluations SET model = (SELECT v.model FROM versions v WHERE v.id = evaluations.version_id)")
    _fill_needs()
    _create(INDEXES)
    op.create_table(
        "identity",
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_identity"),
    )


def downgrade() -> None:
    op.drop_table("identity")
    for index, (table, _, _) in INDEXES.items():
        op.drop_index(index, table)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)
    _create(BEFORE)


def _create(indexes: dict[str, tuple[str, list[str], Any]]) -> None:
    for index, (table, columns, where) in indexes.items():
        op.create_index(index, table, columns, sqlite_where=where, postgresql_where=where)


def _fill_needs() -> None:
    """Which version each unfinished job needs, as its request tells."""
    model, number, own = (
        ("request->'from'->>'model'", "(request->'from'->>'version')::integer", "(request->>'version')::integer")
        if op.get_bind().dialect.name == "postgresql"
        else (
            "json_extract(request, '$.from.model')",
            "json_extract(request, '$.from.version')",
            "json_extract(request, '$.version')",
        )
    )
    unfinished = "finished_at IS NULL"
    op.execute(
        f"UPDATE jobs SET needs_model = {model}, needs_version = {number} "
        f"WHERE {unfinished} AND kind = 'training' AND {model} IS NOT NULL"
    )
    op.execute(f"UPDATE jobs SET needs_model = model, needs_version = {own} WHERE {unfinished} AND kind = 'prediction'")
