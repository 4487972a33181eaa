"""The score of a version and of the job that made it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("jobs", "versions"):
        op.add_column(table, sa.Column("score", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    for table in ("jobs", "versions"):
        op.drop_column(table, "score")
