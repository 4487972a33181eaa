"""INSERT ... ON CONFLICT: both databases spell it alike, and SQLAlchemy has one construct for each."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(backend: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT for this kind of database that knows `on_conflict_do_update`."""
    if backend == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
