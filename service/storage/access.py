"""Keys: made, rotated and revoked; of each the database holds a SHA-256 and never the key."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, insert, literal, or_, select, update

from service.access import NewKey, Scope, digest, new_key
from service.errors import Conflict, NotFound
from service.storage.clock import NOW, Clock
from service.storage.cursor import bad_cursor
from service.storage.ids import looks_like_id, new_id
from service.storage.queue.bell import News
from service.storage.schema import keys
from service.storage.upsert import insert_into

OVERLAP_SECONDS = 24 * 3600.0
"""For so long a key is still good after it was rotated, if nothing else is said."""

_IS_LIVE = keys.c.revoked_at.is_(None) & or_(keys.c.expires_at.is_(None), keys.c.expires_at > NOW)
_SHOWN = [
    *(keys.c[name] for name in ("id", "name", "scopes", "models", "created_at", "created_by")),
    *(keys.c[name] for name in ("expires_at", "revoked_at", "used_at")),
]


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed, without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    models: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


class LiveKey(NamedTuple):
    """What a process has to know of a key that is good now, and for how many seconds it still is."""

    id: str
    sha256: str
    scopes: tuple[Scope, ...]
    models: str | None
    seconds: float | None


class Keys:
    """The keys of one database."""

    def __init__(self, connection: Connection, clock: Clock, news: News) -> None:
        self._connection = connection
        self._clock = clock
        self._news = news

    def any_exists(self) -> bool:
        """Whether a key was ever made here."""
        return self._connection.scalar(select(literal(1)).select_from(keys).limit(1)) is not None

    def live(self) -> list[LiveKey]:
        """All keys that are good now."""
        query = select(keys, (keys.c.expires_at - NOW).label("seconds")).where(_IS_LIVE)
        rows = self._connection.execute(query, {"now": self._clock.now()})
        return [
            LiveKey(
                row.id, row.sha256, _scopes(row.scopes), row.models, None if row.expires_at is None else row.seconds
            )
            for row in rows
        ]

    def page(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Key], str | None]:
        """The keys, newest first, revoked and expired ones among them, and the cursor of the next page or None."""
        query = select(*_SHOWN).order_by(keys.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            if not looks_like_id("key", cursor):
                raise bad_cursor(cursor)
            query = query.where(keys.c.id < cursor)
        found = [_key(row) for row in self._connection.execute(query)]
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def get(self, key: str) -> Key:
        """A key by its id; `NotFound` if there is none."""
        row = self._connection.execute(select(*_SHOWN).where(keys.c.id == key)).one_or_none()
        if row is None:
            raise NotFound("key", key)
        return _key(row)

    def add(
        self,
        name: str,
        scopes: Collection[Scope],
        *,
        by: str,
        models: str | None = None,
        seconds: float | None = None,
    ) -> NewKey:
        """Makes a key that is good for so many seconds, or until it is revoked; its text is returned once."""
        made = new_key(new_id("key"))
        self._insert(made, name, scopes, by=by, models=models, expires_at=None if seconds is None else NOW + seconds)
        return made

    def adopt(self, made: NewKey, name: str, scopes: Collection[Scope], *, by: str) -> None:
        """Keeps a key that was made elsewhere; does nothing if there is one with its id already."""
        row = _row(made, name, scopes, by=by, models=None) | {"now": self._clock.now()}
        first = insert_into(self._connection.dialect.name, keys).values(created_at=NOW)
        self._connection.execute(first.on_conflict_do_nothing(), row)
        self._news.is_served_otherwise = True

    def rotate(self, key: str, *, by: str, overlap_seconds: float = OVERLAP_SECONDS) -> NewKey:
        """Makes a key with the same rights, and lets the old one end after the overlap; `Conflict` if it has ended.

        The new key expires when the old one would have.
        """
        query = select(keys).where(keys.c.id == key, _IS_LIVE).with_for_update()
        old = self._connection.execute(query, {"now": self._clock.now()}).one_or_none()
        if old is None:
            self.get(key)
            raise Conflict("The key is revoked or expired; make a new one.")
        made = new_key(new_id("key"))
        self._insert(made, old.name, _scopes(old.scopes), by=by, models=old.models, expires_at=old.expires_at)
        end = NOW + overlap_seconds
        sooner = update(keys).where(keys.c.id == key, or_(keys.c.expires_at.is_(None), keys.c.expires_at > end))
        self._connection.execute(sooner.values(expires_at=end), {"now": self._clock.now()})
        return made

    def revoke(self, key: str) -> None:
        """Ends a key at once; it stays in the list, and to revoke it again changes nothing."""
        self.get(key)
        ended = update(keys).where(keys.c.id == key).values(revoked_at=func.coalesce(keys.c.revoked_at, NOW))
        self._connection.execute(ended, {"now": self._clock.now()})
        self._news.is_served_otherwise = True

    def note_uses(self, used: Iterable[str]) -> None:
        """Notes that these keys were used now."""
        noted = update(keys).where(keys.c.id.in_(bindparam("used", expanding=True))).values(used_at=NOW)
        self._connection.execute(noted, {"used": list(used), "now": self._clock.now()})

    def _insert(self, made: NewKey, name: str, scopes: Collection[Scope], *, expires_at: Any, **more: Any) -> None:
        row = _row(made, name, scopes, **more) | {"now": self._clock.now()}
        self._connection.execute(insert(keys).values(created_at=NOW, expires_at=expires_at), row)
        self._news.is_served_otherwise = True


def _row(made: NewKey, name: str, scopes: Collection[Scope], *, by: str, models: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": made.id, "sha256": digest(made.text), "name": name, "models": models, "created_by": by}
    return row | {"scopes": [scope.value for scope in Scope if scope in scopes]}


def _scopes(stored: Iterable[str]) -> tuple[Scope, ...]:
    return tuple(map(Scope, stored))


def _key(row: Row[Any]) -> Key:
    return Key(**{**row._mapping, "scopes": _scopes(row.scopes)})
