"""A backup is the database at one moment, taken while others write, with all that it refers to."""

import errno
import threading
from pathlib import Path

import pytest

from service.errors import Conflict, Unavailable
from service.storage import Checkpoint, Database, NewDataset
from service.storage.backup import back_up
from tests.support.postgres import new_database
from tests.support.storing import add_job, sqlite_url, take


@pytest.fixture
def live(tmp_path: Path) -> Database:
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    return database


def test_the_copy_has_the_jobs_and_their_checkpoints(live: Database, tmp_path: Path) -> None:
    job = add_job(live)
    name = live.artifacts.put(job.id, b"the state")
    with live.transaction() as tx:
        claim = tx.jobs.claim("worker", 15)
        assert claim is not None
        tx.jobs.checkpoint(claim, Checkpoint(1, 0, name), 9)
    assert back_up(live, tmp_path / "copy") == 1
    copy = Database(sqlite_url(tmp_path / "copy"))
    assert copy.schema_is_current()
    with copy.reading() as tx:
        assert tx.jobs.get(job.id) == claim.job
        (checkpoint,) = tx.checkpoints.newest(job.id)
    assert copy.artifacts.get(checkpoint.artifact) == b"the state"
    copy.close()
    live.close()


def test_a_copy_taken_while_others_write_is_whole(live: Database, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            add_job(live)
            take(live)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            back_up(live, tmp_path / str(number))
    finally:
        done.set()
        writer.join()
    for number in range(5):
        copy = Database(sqlite_url(tmp_path / str(number)))
        with copy.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            unfinished = "SELECT count(*) FROM jobs WHERE status = 'queued'"
            assert int(connection.exec_driver_sql(unfinished).scalar_one()) <= 1
        copy.close()
    live.close()


def test_a_copy_is_never_overwritten(live: Database, tmp_path: Path) -> None:
    back_up(live, tmp_path / "copy")
    with pytest.raises(Conflict, match="exists already"):
        back_up(live, tmp_path / "copy")
    live.close()


def test_a_copy_that_breaks_off_is_none_and_can_be_made_anew(
    live: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: Path, _content: bytes) -> int:
        raise OSError(errno.EIO, "Input/output error")

    name = live.artifacts.put("ds", b"a table")
    with live.transaction() as tx:
        tx.datasets.add(NewDataset(5, 2, artifact=name, size_bytes=7, form="table", uploaded=True))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(Unavailable):
            back_up(live, tmp_path / "copy")
    assert not (tmp_path / "copy" / "fitd.db").exists()
    assert back_up(live, tmp_path / "copy") == 1
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"fitd.db", "artifacts"}
    live.close()


def test_postgresql_is_left_to_its_own_tools(tmp_path: Path) -> None:
    database = Database(new_database())
    with pytest.raises(Conflict, match="pg_dump"):
        back_up(database, tmp_path / "copy")
    database.close()


def test_a_copy_is_on_disk_before_it_has_its_name_and_its_name_before_it_is_reported(
    live: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copies" / "copy"
    synced: list[tuple[Path, bool]] = []
    monkeypatch.setattr(
        "service.storage.backup.sync", lambda path: synced.append((path, (target / "fitd.db").exists()))
    )
    back_up(live, target)
    assert synced == [(target / "fitd.db.unfinished", False), (target, True), (target.parent, True)]
    live.close()
