"""A service that others reach does not start without a key, and makes its first one only where it is told to."""

import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.access import Scope, digest, key_id
from service.config import Settings
from service.errors import Conflict, FitdError
from service.processes import access
from service.storage import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(settings(tmp_path).database_url)
    made.migrate()
    yield made
    made.close()


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **more)


def add(database: Database, *scopes: Scope) -> str:
    with database.transaction() as tx:
        return tx.keys.add("x", scopes, by="test").id


@pytest.mark.parametrize(
    ("host", "auth", "asks"),
    [
        *(
            ("127.0.0.1", "auto", False),
            ("127.8.9.1", "auto", False),
            ("::1", "auto", False),
            ("localhost", "auto", False),
        ),
        *(("0.0.0.0", "auto", True), ("::", "auto", True), ("10.0.0.1", "auto", True), ("fitd.example", "auto", True)),
        *(("", "auto", True), ("localhost.example", "auto", True)),
        *(("127.0.0.1", "on", True), ("0.0.0.0", "on", True), ("127.0.0.1", "off", False), ("0.0.0.0", "off", False)),
    ],
)
def test_keys_are_asked_for_beyond_loopback_or_as_the_setting_says(
    database: Database, tmp_path: Path, host: str, auth: str, *, asks: bool
) -> None:
    chosen = settings(tmp_path, host=host, auth=auth)
    assert chosen.asks_for_keys is asks
    if not asks:
        access.require_key(chosen, database)
        return
    with pytest.raises(Conflict, match="keys create"):
        access.require_key(chosen, database)
    key = add(database, Scope.ADMIN)
    access.require_key(chosen, database)
    with database.transaction() as tx:
        tx.keys.revoke(key)
    with pytest.raises(Conflict):
        access.require_key(chosen, database)


def test_it_is_said_at_each_start_that_no_key_is_asked_for(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    access.require_key(settings(tmp_path, auth="off"), database)
    assert "FITD_AUTH is off" in caplog.text


def test_the_first_key_is_written_where_it_is_wanted_and_never_logged(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "new" / "first-key"
    chosen = settings(tmp_path, host="0.0.0.0", first_key_file=file)
    for _ in range(2):
        access.make_first_key(chosen, database)
    text = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["first-key"]
    with database.reading() as tx:
        (key,) = tx.keys.live()
    assert (key.id, key.sha256, key.scopes) == (key_id(text), digest(text), (Scope.ADMIN,))
    access.require_key(chosen, database)
    assert str(file) in caplog.text
    assert text not in caplog.text


def test_a_key_that_is_in_the_file_already_is_the_first_key(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "first-key"
    access.make_first_key(settings(tmp_path, first_key_file=file), database)
    other = Database(f"sqlite:///{tmp_path}/other.db")
    other.migrate()
    access.make_first_key(settings(tmp_path, first_key_file=file), other)
    with other.reading() as tx:
        assert [key.sha256 for key in tx.keys.live()] == [digest(file.read_text().strip())]
    other.close()


def test_a_file_that_holds_no_key_is_left_alone(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "first-key"
    file.write_text("secret")
    with pytest.raises(Conflict, match="Expected a key") as refused:
        access.make_first_key(settings(tmp_path, first_key_file=file), database)
    assert "secret" not in refused.value.detail
    assert file.read_text() == "secret"


def test_nothing_is_made_where_keys_were_or_where_nobody_asked(tmp_path: Path, database: Database) -> None:
    access.make_first_key(settings(tmp_path), database)
    access.make_first_key(settings(tmp_path, auth="off", first_key_file=tmp_path / "a"), database)
    key = add(database, Scope.READ)
    with database.transaction() as tx:
        tx.keys.revoke(key)
    access.make_first_key(settings(tmp_path, first_key_file=tmp_path / "b"), database)
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_the_command_line_prints_the_key_alone_and_makes_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(tmp_path / "fresh")
    database = Database(chosen.database_url)
    access.create(chosen, database, "shop", "predict, data", models=None, days=1)
    (text,) = capsys.readouterr().out.splitlines()
    identifier = key_id(text)
    assert identifier is not None
    access.show(database)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{identifier} good predict,data 'shop'")
    assert text not in line
    access.rotate(database, identifier, 60)
    assert key_id(capsys.readouterr().out.strip()) not in (None, identifier)
    access.revoke(database, identifier)
    access.show(database)
    assert f"{identifier} revoked" in capsys.readouterr().out
    with pytest.raises(FitdError, match="--scopes"):
        access.create(chosen, database, "shop", "root", models=None, days=None)
    database.close()
