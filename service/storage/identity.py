"""The identity of a database: the name that a store of artifacts keeps of its owner."""

import secrets
from typing import NamedTuple

from sqlalchemy import Connection, select

from service.storage.clock import NOW, Clock
from service.storage.schema import identity
from service.storage.upsert import insert_into

_PLACE = 1


class Owner(NamedTuple):
    """The name of a database, and for how long it has had it."""

    id: str
    age_seconds: float


def owner_of(connection: Connection, clock: Clock) -> Owner:
    """The identity of the database, which it gets when it is first asked for; a copy has the same."""
    query = select(identity.c.id, (NOW - identity.c.created_at).label("age")).where(identity.c.place == _PLACE)
    now = clock.now()
    row = connection.execute(query, {"now": now}).one_or_none()
    if row is None:
        add = insert_into(connection.dialect.name, identity).values(created_at=NOW).on_conflict_do_nothing()
        connection.execute(add, {"place": _PLACE, "id": f"db_{secrets.token_hex(16)}", "now": now})
        row = connection.execute(query, {"now": now}).one()
    return Owner(row.id, float(row.age))
