"""A bucket that speaks S3 as a store of artifacts; `AWS_*` variables say where it is and who may write."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from service.errors import Unavailable
from service.storage.artifacts.content import Found, gathered
from service.storage.artifacts.folder import OWNER, TRASH

_PATIENCE = timedelta(seconds=20)
"""Longest silence of a bucket, in seconds; a large transfer may take any time while data keep arriving."""
_LONGEST_ANSWER = timedelta(hours=1)
_NO_BUCKET = "NoSuchBucket"
"""What the error says where it is not the object that is missing."""

_log = logging.getLogger("fitd.storage")


class Bucket:
    """The objects of a bucket under a prefix; one is there wholly or not at all."""

    def __init__(self, url: str) -> None:
        self._store = S3Store.from_url(
            url,
            retry_config={"max_retries": 3, "retry_timeout": _PATIENCE},
            client_options={"read_timeout": _PATIENCE, "timeout": _LONGEST_ANSWER, "allow_http": True},
        )

    def write(self, name: str, content: bytes) -> None:
        """Puts an object."""
        with _unavailable():
            obstore.put(self._store, name, content)

    def take(self, name: str, file: Path) -> None:
        """Puts a file as an object, in parts if it is large."""
        with _unavailable():
            obstore.put(self._store, name, file)
        file.unlink()

    def read(self, name: str) -> Found | None:
        """Gets an object, in a file without a name: it need not fit into memory."""
        with _unavailable():
            try:
                return gathered(map(bytes, obstore.get(self._store, name).stream()))
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
                return None

    def remove(self, name: str) -> None:
        """Deletes an object."""
        with _unavailable():
            obstore.delete(self._store, name)

    def names(self) -> Iterator[tuple[str, float]]:
        """All objects under the prefix."""
        now = datetime.now(UTC)
        with _unavailable():
            for page in obstore.list(self._store):
                for found in page:
                    if found["path"] != OWNER and "/" not in found["path"]:
                        yield found["path"], (now - found["last_modified"]).total_seconds()

    def owner(self) -> str | None:
        """Returns the content of the object that names the database."""
        with _unavailable():
            try:
                return bytes(obstore.get(self._store, OWNER).bytes()).decode("ascii", "replace").strip()
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
                return None

    def claim(self, owner: str) -> None:
        """Puts the object, unless there is one."""
        with _unavailable(), suppress(AlreadyExistsError):
            obstore.put(self._store, OWNER, owner.encode(), mode="create")

    def discard(self, name: str) -> None:
        """Moves the object under the prefix of the trash."""
        with _unavailable():
            obstore.rename(self._store, name, f"{TRASH}/{name}")

    def restore(self, name: str) -> bool:
        """Moves the object back."""
        with _unavailable():
            try:
                obstore.rename(self._store, f"{TRASH}/{name}", name)
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
                return False
            return True

    def empty_trash(self, older_than_seconds: float) -> None:
        """Deletes what has lain there for so long."""
        now = datetime.now(UTC)
        with _unavailable():
            for page in obstore.list(self._store, prefix=TRASH):
                for found in page:
                    if (now - found["last_modified"]).total_seconds() > older_than_seconds:
                        obstore.delete(self._store, found["path"])


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        _log.warning("The bucket of artifacts does not respond as it should: %s", " ".join(str(error).split())[:400])
        raise Unavailable("The bucket of artifacts does not respond now.") from error
