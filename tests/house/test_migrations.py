"""The migrations lead to the tables, and back, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, inspect

from service.errors import Conflict
from service.jobs import Keep, Kind
from service.storage import Checkpoint, Database, NewDataset, migration
from service.storage.schema import REVISION, metadata
from tests.support.postgres import new_database
from tests.support.storing import add_job, read_job, sqlite_url, take
from tests.support.versions import new_version


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def shape(connection: Connection) -> dict[str, Any]:
    """Everything that the database itself tells about its tables."""
    found: Inspector = inspect(connection)
    return {
        table: {
            "columns": [column | {"type": str(column["type"])} for column in found.get_columns(table)],
            "primary key": found.get_pk_constraint(table),
            "foreign keys": by_name(found.get_foreign_keys(table)),
            "unique": by_name(found.get_unique_constraints(table)),
            "checks": by_name(found.get_check_constraints(table)),
            "indexes": by_name(found.get_indexes(table)),
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def by_name(things: Any) -> list[Any]:
    for thing in things:
        options = thing.get("dialect_options", {})
        options.update({key: str(value) for key, value in options.items()})
    return sorted(things, key=lambda thing: str(thing["name"]))


def test_the_migrations_end_at_the_release_of_the_tables() -> None:
    config = Config()
    config.set_main_option("script_location", str(migration.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_the_migrations_make_the_tables(database: Database) -> None:
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        migrated = shape(connection)
    migration.downgrade(database.engine, "base")
    with database.engine.begin() as connection:
        assert shape(connection) == {}
        metadata.create_all(connection)
        assert shape(connection) == migrated


def test_a_migration_down_and_up_again_works(database: Database) -> None:
    database.migrate()
    migration.downgrade(database.engine, "base")
    assert not database.schema_is_current()
    database.migrate()
    assert database.schema_is_current()


def test_a_second_migration_changes_nothing(database: Database) -> None:
    database.migrate()
    job = add_job(database)
    database.migrate()
    assert read_job(database, job.id) == job


OLD_ROWS = """
INSERT INTO datasets (id, rows, columns, meta, size_bytes, created_at) VALUES ('ds_1', 1, 1, '{}', 1, 5);
INSERT INTO jobs (id, status, model, version, request, dataset, epoch, epochs, fraction, metrics, attempt, stalls,
    fence, created_at, finished_at) VALUES ('job_1', 'succeeded', 'm', 1, '{}', 'ds_1', 2, 2, 1.0, '{}', 1, 0, 1, 5, 6);
INSERT INTO history (job_id, epoch, metrics) VALUES ('job_1', 1, '{"loss": 0.5}'), ('job_1', 2, '{"loss": null}')
"""


def test_what_an_earlier_release_stored_is_kept_on_the_way_up_and_down(database: Database) -> None:
    with migration._alone(database.engine) as connection:
        command.upgrade(migration._config(connection), "0001")
    with database.engine.begin() as connection:
        for statement in OLD_ROWS.split(";"):
            connection.exec_driver_sql(statement)
    for _ in range(2):
        database.migrate()
        with database.reading() as tx:
            history = [{"epoch": 1, "metrics": {"loss": 0.5}}, {"epoch": 2, "metrics": {"loss": None}}]
            assert tx.events.history("job_1") == history
            job = tx.jobs.get("job_1")
            assert (job.priority, job.keep, job.version) == (0, None, 1)
        migration.downgrade(database.engine, "0001")
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT epoch, metrics FROM history ORDER BY epoch").all()
            assert [row[0] for row in rows] == [1, 2]


def test_a_database_with_everything_in_it_goes_down_to_each_release_and_up_again(database: Database) -> None:
    database.migrate()
    with database.transaction() as tx:
        tx.models.add("digits", new_version(optimizer=b"state", evaluation={"rows": 1, "metrics": {}, "report": {}}))
        tx.labels.move("digits", "stable", 1)
    trained = add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.checkpoint(claim, Checkpoint(1, 0, "job.0.0"), 1)
        tx.jobs.cancel(trained.id, Keep.LAST)
        tx.jobs.finish_cancel(claim, None, new_version(partial=True))
        stored = tx.datasets.add(NewDataset(1, 1, b"table", form="table", uploaded=True, name="t"))
        asked = {"model": "digits", "version": 1, "dataset": stored.id, "rows": 1}
        predicted = tx.jobs.add("digits", asked, stored.id, 1, kind=Kind.PREDICTION)
        tx.jobs.add("digits", {"from": {"model": "digits", "version": 1}}, stored.id, 1)
    with database.transaction() as tx:
        tx.jobs.succeed(tx.jobs.claim("worker", 15), NewDataset(1, 1, b"result", form="table"))  # type: ignore[arg-type]
    for revision in ("0003", "0002", "0001"):
        migration.downgrade(database.engine, revision)
        database.migrate()
        with database.reading() as tx:
            found = tx.models.get("digits")
            assert found.versions == len(tx.models.numbers("digits")) == (1 if revision == "0001" else 2)
            assert tx.models.version("digits", 1).number == 1
            if revision == "0003":
                assert tx.jobs.get(predicted.id).result is not None
                assert tx.evaluations.page("digits")[0][0].model == "digits"
        if revision == "0003":
            with pytest.raises(Conflict, match="needs version 1"), database.transaction() as tx:
                tx.models.delete("digits", 1)


def test_several_may_migrate_at_once(url: str) -> None:
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(Database.migrate, databases))
    for database in databases:
        assert database.schema_is_current()
        database.close()


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    database.migrate()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict, match="9999"):
        database.migrate()
