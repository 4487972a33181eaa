"""Keys at the start of a service, and on the command line."""

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Collection
from pathlib import Path

from service.access import NewKey, Scope, key_id, new_key
from service.config import Settings
from service.errors import Conflict, FitdError
from service.processes.schema import migrate
from service.storage import Database
from service.storage.access import Key
from service.storage.ids import new_id

_log = logging.getLogger("fitd.supervisor")


def require_key(settings: Settings, database: Database) -> None:
    """Raises `Conflict` if callers need a key and none is good, so that nobody could call the service."""
    if settings.auth == "off":
        _log.warning(
            "FITD_AUTH is off: whoever reaches port %d can read all data, train and delete, without a key",
            settings.port,
        )
    if not settings.asks_for_keys:
        return
    with database.reading() as tx:
        has_key = bool(tx.keys.live())
    if not has_key:
        raise Conflict(
            f"FITD_HOST={settings.host} can be reached by other machines, and there is no key to call the service "
            "with. `python -m service keys create --name admin --scopes admin` makes one; FITD_FIRST_KEY_FILE lets the "
            "start make one; FITD_HOST=127.0.0.1 needs none."
            if settings.auth == "auto"
            else "FITD_AUTH is on, and there is no key. `python -m service keys create --name admin --scopes admin` "
            "makes one, and FITD_FIRST_KEY_FILE lets the start make one."
        )


def make_first_key(settings: Settings, database: Database) -> None:
    """Makes a key for `FITD_FIRST_KEY_FILE` if that is set and no key was ever made; logs the path, never the key."""
    file = settings.first_key_file
    if file is None or settings.auth == "off":
        return
    with database.reading() as tx:
        if tx.keys.any_exists():
            return
    try:
        made = _kept(file)
    except OSError as error:
        raise Conflict(f"The first key cannot be kept in {file}: {error.strerror}.") from None
    with database.transaction() as tx:
        tx.keys.adopt(made, "first key", [Scope.ADMIN], by="FITD_FIRST_KEY_FILE")
    _log.info("The first key, with the scope admin, is in %s", file)


def _kept(file: Path) -> NewKey:
    """The key in the file, which is written if it is not there; whoever dies in between leaves no half of a key."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{new_key(new_id('key')).text}\n")
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):  # another start was quicker: its key is the one
            os.link(unfinished, file)
        unfinished.unlink()
    text = file.read_text(encoding="ascii", errors="replace").strip()
    identifier = key_id(text)
    if identifier is None:
        raise Conflict(f"Expected a key of Fitd in {file}; remove the file, and the next start makes one.")
    return NewKey(identifier, text)


def create(
    settings: Settings, database: Database, name: str, scopes: str, *, models: str | None, days: float | None
) -> None:
    """Prints a new key, and nothing else, on standard output; makes the tables where there are none."""
    wanted = _scopes(scopes)
    if database.backend == "sqlite":
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not database.has_tables():
        migrate(database)
    with database.transaction() as tx:
        seconds = None if days is None else days * 86_400
        made = tx.keys.add(name, wanted, by="the command line", models=models, seconds=seconds)
    _print(made.text)


def show(database: Database) -> None:
    """Prints a line for each key: its id, whether it is good, its scopes, its name."""
    cursor: str | None = None
    while True:
        with database.reading() as tx:
            good = {key.id for key in tx.keys.live()}
            found, cursor = tx.keys.page(limit=200, cursor=cursor)
        for key in found:
            _print(_line(key, is_good=key.id in good))
        if cursor is None:
            return


def revoke(database: Database, key: str) -> None:
    """Revokes a key by its id."""
    with database.transaction() as tx:
        tx.keys.revoke(key)


def rotate(database: Database, key: str, overlap_seconds: float) -> None:
    """Prints a new key with the rights of an old one, which stays good for the overlap."""
    with database.transaction() as tx:
        made = tx.keys.rotate(key, by="the command line", overlap_seconds=overlap_seconds)
    _print(made.text)


def _scopes(text: str) -> Collection[Scope]:
    names = [name.strip() for name in text.split(",")]
    if not set(names) <= set(Scope):
        raise FitdError(f"Expected some of {', '.join(Scope)} as --scopes, separated by commas.")
    return [Scope(name) for name in names]


def _line(key: Key, *, is_good: bool) -> str:
    state = "good" if is_good else "revoked" if key.revoked_at is not None else "expired"
    models = "" if key.models is None else f" models={key.models}"
    used = "never used" if key.used_at is None else f"used {key.used_at:%Y-%m-%d %H:%M} UTC"
    return f"{key.id} {state} {','.join(key.scopes)}{models} {key.name!r} ({used})"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
