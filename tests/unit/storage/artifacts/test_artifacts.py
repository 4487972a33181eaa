"""Artifacts are kept whole, under names that prove their content, wherever they are kept."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.errors import Damaged, Full, NotFound, Unavailable
from service.storage import Database
from service.storage.artifacts import bucket as bucket_of_s3
from service.storage.artifacts import rows as rows_of_database
from service.storage.artifacts.artifacts import FIRST_DAY_SECONDS, Artifacts
from service.storage.artifacts.folder import Folder
from service.storage.artifacts.opening import open_artifacts
from service.storage.artifacts.rows import Rows
from service.storage.clock import Clock
from service.storage.connections import open_engine
from service.storage.identity import Owner
from service.storage.schema import artifacts as table
from tests.support.storing import StandingClock, sqlite_url


@pytest.fixture(params=["default", "folder", "bucket"])
def artifacts(
    request: pytest.FixtureRequest, database: Database, url: str, clock: StandingClock, tmp_path: Path
) -> Iterator[Artifacts]:
    """Of a database of each kind: where it keeps them by itself, in a folder, in a bucket."""
    named = {"default": None, "folder": str(tmp_path / "shared")}
    place = named[request.param] if request.param in named else request.getfixturevalue("bucket")
    own = Database(url, artifacts_url=place, clock=clock)
    own.owner()
    clock.advance(FIRST_DAY_SECONDS)
    yield own.artifacts
    own.close()


def of_old() -> Owner:
    """A database that has been there for long."""
    return Owner("db_old", 1e9)


def assert_unavailable(artifacts: Artifacts, file: Path) -> None:
    """Whatever is asked of them, and nothing is taken from the file."""
    acts: list[Callable[[], object]] = [
        lambda: artifacts.put("a", b"1"),
        lambda: artifacts.put_file("a", file, "0" * 64),
        lambda: artifacts.get("a.0.0"),
        lambda: artifacts.sweep([], older_than_seconds=0),
    ]
    for act in acts:
        with pytest.raises(Unavailable):
            act()
    assert file.exists()


def test_what_was_put_is_got(artifacts: Artifacts) -> None:
    content = os.urandom(100_000)
    name = artifacts.put("job_1", content)
    assert name.startswith("job_1.")
    assert artifacts.get(name) == content
    assert artifacts.put("job_1", content) != name


def test_what_is_large_lies_in_several_rows_and_goes_with_all_of_them(
    database: Database, clock: StandingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.owner()
    clock.advance(FIRST_DAY_SECONDS)
    monkeypatch.setattr(rows_of_database, "_ROW_BYTES", 1000)
    rows = Artifacts(Rows(database.engine, Clock(database.backend)), database.owner)

    def count() -> int:
        with database.reading() as tx:
            return tx._connection.execute(select(func.count()).select_from(table)).scalar_one()

    sizes = {0: 1, 1: 1, 999: 1, 1000: 1, 1001: 2, 12_345: 13}
    for size, expected in sizes.items():
        content, file = os.urandom(size), tmp_path / "file"
        file.write_bytes(content)
        names = [rows.put("a", content)]
        names += [rows.put_file("a", file, hashlib.sha256(content).hexdigest())] if size else []
        assert count() == expected * len(names)
        assert all(rows.get(name) == content for name in names)
        rows.remove(names[1:])
        assert rows.sweep([], older_than_seconds=-1) == 1
        assert count() == 0


def test_what_was_removed_is_gone(artifacts: Artifacts) -> None:
    name, other = artifacts.put("a", b"1"), artifacts.put("b", b"2")
    artifacts.remove([name, "never there"])
    with pytest.raises(NotFound):
        artifacts.get(name)
    assert artifacts.get(other) == b"2"


def test_a_sweep_removes_what_is_old_and_unwanted(artifacts: Artifacts) -> None:
    wanted, unwanted = artifacts.put("a", b"1"), artifacts.put("b", b"2")
    assert artifacts.sweep([wanted], older_than_seconds=3600) == 0
    assert artifacts.sweep([wanted], older_than_seconds=-1) >= 1
    assert artifacts.get(wanted) == b"1"
    assert unwanted not in [name for name, _ in artifacts._store.names()]
    artifacts.sweep([wanted], older_than_seconds=-1, trash_seconds=-1)
    with pytest.raises(NotFound):
        artifacts.get(unwanted)


def test_a_damaged_artifact_is_not_given_out(tmp_path: Path) -> None:
    artifacts = Artifacts(Folder(tmp_path), of_old)
    name = artifacts.put("a", b"content")
    (tmp_path / name).write_bytes(b"c0ntent")
    with pytest.raises(Damaged):
        artifacts.get(name)


def test_a_large_file_is_checked_to_its_end(tmp_path: Path) -> None:
    artifacts = Artifacts(Folder(tmp_path), of_old)
    content = os.urandom(9_000_001)
    name = artifacts.put("a", content)
    assert artifacts.get(name) == content
    (tmp_path / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(Damaged):
        artifacts.open(name)


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Full):
        Artifacts(Folder(tmp_path), of_old).put("a", b"content")
    assert [path.name for path in tmp_path.iterdir()] in ([], ["database"])


def test_a_folder_that_does_not_answer_is_unavailable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"1")
    assert_unavailable(Artifacts(Folder(tmp_path / "file" / "artifacts"), of_old), tmp_path / "file")
    assert caplog.text.count("Not a directory") == 4


def test_a_sweep_leaves_files_alone_that_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("to whom it may concern")
    artifacts = Artifacts(Folder(tmp_path), of_old)
    name = artifacts.put("a", b"1")
    unfinished = tmp_path / f"{name}.tmp"
    unfinished.write_bytes(b"half")
    assert artifacts.sweep([], older_than_seconds=-1) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["database", "letter.txt", "trash"]


def test_sqlite_keeps_them_beside_its_file(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    name = database.artifacts.put("a", b"1")
    assert (tmp_path / "artifacts" / name).read_bytes() == b"1"
    database.close()


def test_a_bucket_that_does_not_answer_is_unavailable(
    database: Database, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = open_artifacts(bucket, database.engine, Clock(database.backend), database.owner)
    with pytest.raises(Unavailable):
        away.put("a", b"1")


def test_a_bucket_that_is_not_there_is_unavailable_and_the_log_says_so(
    database: Database, bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = open_artifacts("s3://fitd-nowhere/artifacts", database.engine, Clock(database.backend), database.owner)
    (tmp_path / "file").write_bytes(b"1")
    assert_unavailable(missing, tmp_path / "file")
    assert caplog.text.count("NoSuchBucket") >= 4
    with pytest.raises(NotFound):
        open_artifacts(bucket, database.engine, Clock(database.backend), database.owner).get("a.0.0")


def test_a_bucket_may_take_its_time_as_long_as_it_sends_something(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(BaseHTTPRequestHandler):
        pieces, pause_seconds = 5, 0.3

        def do_GET(self) -> None:
            self.send_response(200)
            sent = {"Content-Length": str(self.pieces), "ETag": '"1"', "Last-Modified": self.date_time_string()}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            for _ in range(self.pieces):
                time.sleep(self.pause_seconds)
                self.wfile.write(b"1")

    monkeypatch.setattr(bucket_of_s3, "_PATIENCE", timedelta(seconds=1))
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "a"), ("REGION", "us-east-1")):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever).start()
        try:
            slow = open_artifacts("s3://bucket/artifacts", database.engine, Clock(database.backend), database.owner)
            name = f"a.0.{hashlib.sha256(b'11111').hexdigest()}"
            assert slow.get(name) == b"11111"
            Slow.pause_seconds = 1.5
            with pytest.raises(Unavailable):
                slow.get(name)
        finally:
            server.shutdown()


def test_rows_of_a_database_that_is_away_are_unavailable(tmp_path: Path) -> None:
    rows = Rows(open_engine(f"sqlite:///{tmp_path}"), Clock("sqlite"))
    acts: list[Callable[[], object]] = [
        lambda: rows.write("a", b"1"),
        lambda: rows.read("a"),
        lambda: rows.remove("a"),
        lambda: list(rows.names()),
    ]
    for act in acts:
        with pytest.raises(Unavailable):
            act()
