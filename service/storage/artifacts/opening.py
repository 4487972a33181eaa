"""Which store keeps the artifacts of an installation: a folder, a bucket or the database, as its URL says."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine

from service.storage.artifacts.artifacts import Artifacts
from service.storage.artifacts.folder import Folder
from service.storage.artifacts.rows import Rows
from service.storage.clock import Clock
from service.storage.identity import Owner


def open_artifacts(url: str | None, engine: Engine, clock: Clock, owner: Callable[[], Owner]) -> Artifacts:
    """The artifacts at a directory or an `s3://bucket/prefix`; by default beside SQLite's file, or in PostgreSQL."""
    if url is None:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        store = Folder(Path(file).absolute().parent / "artifacts") if file else Rows(engine, clock)
        return Artifacts(store, owner)
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return Artifacts(Folder(Path(parts.path)), owner)
    from service.storage.artifacts.bucket import Bucket  # noqa: PLC0415 - only who has a bucket pays for its library

    return Artifacts(Bucket(url), owner)
