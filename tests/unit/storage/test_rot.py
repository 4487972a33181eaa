"""A bit of anything that is stored flips: whoever reads it is told, and nobody gets other bytes."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, Table, select, update

from service.errors import Damaged
from service.jobs import Kind
from service.storage import Checkpoint, Database, NewDataset, check_request
from service.storage.schema import dataset_contents, datasets, jobs, metadata, version_weights, versions
from tests.support.storing import take
from tests.support.versions import new_version

RNG = random.Random(16)
DESCRIBED = ("spec", "compile", "fit", "summary", "metrics", "input", "output", "environment", "timing", "data")


def flipped(content: bytes) -> bytes:
    place = RNG.randrange(8 * len(content))
    changed = bytearray(content)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def rot(database: Database, table: Table, column: str) -> None:
    """Flips a bit in the one row of a table, behind the back of everybody."""
    with database.engine.begin() as connection:
        content: bytes = connection.execute(select(table.c[column])).scalar_one()
        connection.execute(update(table).values({column: flipped(content)}))


def publish(database: Database) -> str:
    """A version with all that a version may have; returns its id."""
    described: dict[str, Any] = {name: {"rate": 0.001, "layers": [{"units": 3}]} for name in DESCRIBED}
    described |= {"summary": [{"layer": "dense", "params": 9}], "metrics": {"loss": 0.5, "mae": float("nan")}}
    with database.transaction() as tx:
        number = tx.models.add("digits", new_version(**described, optimizer=b"the state of the optimizer"))
        return tx.models.version("digits", number).id


def test_every_column_of_bytes_is_one_that_is_checked() -> None:
    """Who adds one has to say here by what its rot shows."""
    found = {(table.name, c.name) for table in metadata.sorted_tables for c in table.c if type(c.type) is LargeBinary}
    in_tables = {("dataset_contents", "content"), ("version_weights", "weights"), ("version_weights", "optimizer")}
    assert found == in_tables | {("artifacts", "content")}


@pytest.mark.parametrize("_time", range(5))
def test_rot_in_the_state_of_an_optimizer_is_told(database: Database, _time: int) -> None:
    version = publish(database)
    with database.reading() as tx:
        assert tx.models.optimizer(version) == b"the state of the optimizer"
    rot(database, version_weights, "optimizer")
    with pytest.raises(Damaged, match="optimizer"), database.reading() as tx:
        tx.models.optimizer(version)
    with pytest.raises(Damaged):
        database.open_version("digits")


@pytest.mark.parametrize("_time", range(5))
def test_rot_in_a_dataset_that_is_kept_as_a_row_is_told(database: Database, _time: int) -> None:
    with database.transaction() as tx:
        stored = tx.datasets.add(NewDataset(1, 2, b"x and y"))
    assert database.open_dataset(stored.id)[1] == b"x and y"
    rot(database, dataset_contents, "content")
    with pytest.raises(Damaged):
        database.open_dataset(stored.id)
    with database.transaction() as tx:
        tx.datasets.delete(stored.id)


@pytest.mark.parametrize("large", [False, True])
def test_rot_in_an_artifact_is_told(database: Database, tmp_path: Path, large: bool) -> None:
    content = RNG.randbytes(9_000_000 if large else 100)
    name = database.artifacts.put("ds", content)
    store = database.artifacts._store
    found = store.read(name)
    assert found is not None
    store.remove(name)
    store.write(name, flipped(bytes(found.content)))
    with pytest.raises(Damaged):
        database.artifacts.open(name)


def set_text(database: Database, table: Table, column: str, change: Callable[[str], str]) -> None:
    """Changes the text in which JSON is stored."""
    with database.engine.begin() as connection:
        text = connection.exec_driver_sql(f"SELECT CAST({column} AS TEXT) FROM {table.name}").scalar_one()
        literal = change(text).replace("'", "''").replace("%", "%%")
        connection.exec_driver_sql(f"UPDATE {table.name} SET {column} = '{literal}'")


@pytest.mark.parametrize("column", DESCRIBED)
def test_another_digit_in_what_a_version_is_is_told(database: Database, column: str) -> None:
    publish(database)
    with database.reading() as tx:
        assert tx.models.versions("digits")[0]
    set_text(
        database, versions, column, lambda text: text.replace("0.001", "0.009").replace("5", "4").replace("9", "8")
    )
    with pytest.raises(Damaged, match="version 1 of 'digits'"), database.reading() as tx:
        tx.models.version("digits")
    with pytest.raises(Damaged), database.reading() as tx:
        tx.models.versions("digits")
    with database.transaction() as tx:
        tx.models.delete("digits")


def test_another_digit_in_a_request_is_told_before_it_is_trained(database: Database) -> None:
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
        job = tx.jobs.add("digits", {"compile": {"learning_rate": 0.001}}, dataset, 3)
        assert tx.jobs.get_intact(job.id) == job
    set_text(database, jobs, "request", lambda text: text.replace("1", "3"))
    with pytest.raises(Damaged), database.reading() as tx:
        tx.jobs.get_intact(job.id)
    with pytest.raises(Damaged):
        check_request(take(database).job)


def test_another_digit_in_what_a_dataset_holds_is_told(database: Database) -> None:
    with database.transaction() as tx:
        stored = tx.datasets.add(NewDataset(1, 2, b"x and y", meta={"columns": [{"name": "a", "max": 12.5}]}))
    set_text(database, datasets, "meta", lambda text: text.replace("12.5", "92.5"))
    with pytest.raises(Damaged), database.reading() as tx:
        tx.datasets.get(stored.id)


def test_what_is_no_json_any_more_stops_nobody_who_has_no_use_for_it(tmp_path: Path) -> None:
    """On SQLite, which takes any bytes for a text: the worker gets the job, is told, and can fail it."""
    from tests.support.storing import sqlite_url

    database = Database(sqlite_url(tmp_path))
    database.migrate()
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
        job = tx.jobs.add("digits", {"spec": {}}, dataset, 3)
    for broken in (b'{"spec": {', b'{"sp\xe5c": {}}'):
        with database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE jobs SET status = 'queued', request = CAST(? AS TEXT)", (broken,))
        claim = take(database)
        with pytest.raises(Damaged):
            check_request(claim.job)
        with database.transaction() as tx:
            tx.jobs.release(claim)
    with database.transaction() as tx:
        tx.jobs.fail(tx.jobs.claim("worker", 15), "damaged", "It is damaged.")  # type: ignore[arg-type]
        tx.jobs.delete(job.id)
    database.close()


def test_what_earlier_releases_stored_without_a_hash_is_taken_as_it_is(database: Database) -> None:
    publish(database)
    with database.transaction() as tx:
        dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
        job = tx.jobs.add("digits", {"model": "digits", "version": 1}, dataset, 1, kind=Kind.PREDICTION).id
        tx.checkpoints.add(job, Checkpoint(1, 0, "a.0.0"), 1)
    with database.engine.begin() as connection:
        for table, column in (
            ("versions", "description_sha256"),
            ("version_weights", "optimizer_sha256"),
            ("jobs", "request_sha256"),
            ("datasets", "meta_sha256"),
        ):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = NULL")
    assert database.open_version("digits")[2] == b"the state of the optimizer"
    with database.reading() as tx:
        assert tx.jobs.get_intact(job).model == "digits"
        assert tx.datasets.get(dataset).rows == 1
