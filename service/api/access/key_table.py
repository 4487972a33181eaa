"""The keys that are good now, as one process knows them: no request waits for the database to be let in."""

import asyncio
import hmac
import logging
import threading
import time
from typing import NamedTuple

from service.access import Caller, digest, included, key_id, named_id
from service.errors import FitdError
from service.storage import Database
from service.storage.access import LiveKey

_PAUSE_SECONDS = 0.1
"""The time between two looks at whether keys have changed: a revoked key is good for no longer than this."""

_TRUSTED_SECONDS = 0.5
"""The same on PostgreSQL, whose notifications may be cut off for a while without anybody's knowing."""

_NOTED_SECONDS = 60.0
_NO_KEY = digest("")

_log = logging.getLogger("fitd.api")


class _Held(NamedTuple):
    sha256: str
    caller: Caller
    until: float


class KeyTable:
    """All keys that are good now; a thread reads them again as soon as one is made, rotated or revoked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, _Held] = {}
        self._mark: int | None = None
        self._read_at = -1.0
        self._reading = threading.Lock()
        self._used: dict[str, None] = {}
        self._noted_at: dict[str, float] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._read: asyncio.Future[None] | None = None

    def find(self, text: str) -> Caller | None:
        """Who has this key, as far as is known here; None if it is not good. Every key costs the same."""
        identifier = named_id(text)  # the digest says whether the rest is right
        held = self._held.get(identifier)
        is_same = hmac.compare_digest(digest(text), _NO_KEY if held is None else held.sha256)
        if held is None or not is_same or time.monotonic() > held.until:
            return None
        self._used[identifier] = None
        return held.caller

    async def find_now(self, text: str) -> Caller | None:
        """As `find`; a key with an id that is not known here yet is looked for in the database first."""
        if self._thread is None:
            await asyncio.to_thread(self.start)
        if key_id(text) not in self._held and key_id(text) is not None:
            await self._read_once()
        return self.find(text)

    async def _read_once(self) -> None:
        """Reads once for all who ask in the meantime: a flood of invented keys costs one read after another."""
        before = self._read
        if before is not None:
            await asyncio.wait([before])  # it may have begun before the key was made
        if self._read is before:
            self._read = asyncio.ensure_future(asyncio.to_thread(self.refresh))
        await asyncio.shield(self._read or asyncio.sleep(0))

    def start(self) -> None:
        """Reads the keys, and from now on as often as they change."""
        with self._starting:
            if self._thread is None:
                self.refresh()
                self._thread = threading.Thread(target=self._watch, name="keys", daemon=True)
                self._thread.start()

    def refresh(self) -> None:
        """Reads the keys again."""
        with self._reading:
            mark = self._database.served_mark()
            with self._database.reading() as tx:
                found = tx.keys.live()
            now = time.monotonic()
            self._held = {key.id: _held(key, now) for key in found}
            self._mark, self._read_at = mark, now

    def close(self) -> None:
        """Ends the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        is_reached = True
        while not self._closing.wait(_PAUSE_SECONDS):
            try:
                if self._may_have_changed():
                    self.refresh()
                self._note_uses()
                is_reached = True
            except FitdError as error:
                if is_reached:
                    _log.error("Keys cannot be read now, and those that were read stay good: %s", error.detail)
                is_reached = False
            except Exception as error:  # noqa: BLE001 - without this thread no key could be revoked any more
                _log.error("Keys could not be read", exc_info=error)

    def _may_have_changed(self) -> bool:
        is_old = self._database.backend != "sqlite" and time.monotonic() > self._read_at + _TRUSTED_SECONDS
        return is_old or self._database.served_mark() != self._mark

    def _note_uses(self) -> None:
        now = time.monotonic()
        used, self._used = self._used, {}
        due = [key for key in used if now > self._noted_at.get(key, -_NOTED_SECONDS) + _NOTED_SECONDS]
        if due:
            kept = {key: at for key, at in self._noted_at.items() if key in self._held}
            self._noted_at = kept | dict.fromkeys(due, now)
            with self._database.transaction() as tx:
                tx.keys.note_uses(due)


def _held(key: LiveKey, now: float) -> _Held:
    until = float("inf") if key.seconds is None else now + key.seconds
    return _Held(key.sha256, Caller(key.id, included(key.scopes), key.models), until)
