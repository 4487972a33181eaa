"""Idempotency keys: a request that is sent again gets the same response, and its work is not repeated."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from service.errors import Reused
from service.storage.clock import NOW, Clock
from service.storage.schema import idempotency_keys
from service.storage.upsert import insert_into

KEPT_SECONDS = 24 * 3600.0
"""Seconds for which the response to a key is kept."""

EXPIRED_AT_ONCE = 20
"""The number of expired keys that each new one deletes: more than arrive, and few enough to take no time."""

_FIND = select(idempotency_keys.c.fingerprint, idempotency_keys.c.response).where(
    idempotency_keys.c.key == bindparam("key"), idempotency_keys.c.created_at >= NOW - KEPT_SECONDS
)
_OLDEST = (
    select(idempotency_keys.c.key)
    .where(idempotency_keys.c.created_at < NOW - KEPT_SECONDS)
    .order_by(idempotency_keys.c.created_at)
    .limit(EXPIRED_AT_ONCE)
)
_EXPIRE = delete(idempotency_keys).where(idempotency_keys.c.key.in_(_OLDEST))


class IdempotencyKeys:
    """The responses to requests that carried a key."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def find(self, key: str, fingerprint: str) -> Any:
        """Returns the earlier response to this key, or None; raises `Reused` if the earlier request was different."""
        found = self._connection.execute(_FIND, {"key": key, "now": self._clock.now()}).one_or_none()
        if found is not None and found.fingerprint != fingerprint:
            raise Reused("This Idempotency-Key came before with another request; a new request needs a new key.")
        return None if found is None else found.response

    def claim(self, key: str, fingerprint: str) -> Any:
        """As `find`, but reserves a new key for this transaction, which then calls `answer`.

        Of two at once the second waits for the first to end.
        """
        self._connection.execute(_EXPIRE, {"now": self._clock.now()})
        first = insert_into(self._connection.dialect.name, idempotency_keys).values(created_at=NOW)
        values: dict[str, Any] = {"key": key, "fingerprint": fingerprint, "response": {}, "now": self._clock.now()}
        claimed = first.on_conflict_do_nothing().returning(idempotency_keys.c.key)
        if self._connection.scalar(claimed, values) is not None:
            return None
        return self.find(key, fingerprint)

    def answer(self, key: str, response: Any) -> None:
        """Stores the response to a key that this transaction has reserved."""
        named = idempotency_keys.update().where(idempotency_keys.c.key == key)
        self._connection.execute(named, {"response": response})
