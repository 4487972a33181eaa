"""What a request costs does not follow from how much is stored: every query of every route goes by an index."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.api.app import create_app
from service.config import Settings
from service.jobs import Keep, Status
from service.storage import Database, NewDataset
from tests.support.postgres import new_database
from tests.support.serving import Client
from tests.support.storing import sqlite_url
from tests.support.versions import new_version

MANY = 20_000
"""Rows of each table: enough that PostgreSQL's planner prefers an index wherever there is one to go by."""

MOST_STEPS = 60_000
"""Steps of SQLite's machine that a request may take: a page of a list takes some thousands, a scan of a table more."""

_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
_DESCRIBED = (
    "'{}', '{}', '{}', '[]', '{}', '{\"shape\": [null, 2]}', '{\"shape\": [null, 2]}', '{}', '{}', 'x', 1, 5, '{}'"
)
_JOB = (
    "id, status, model, version, request, dataset, epoch, epochs, fraction, metrics, error, attempt, stalls, fence, "
    "created_at, finished_at, kind"
)
_VERSION = (
    "id, model, number, spec, compile, fit, summary, metrics, input, output, environment, timing, sha256, size_bytes, "
    "created_at, data"
)


def _id(prefix: str, postgres: bool) -> str:
    """SQL for an id: of the length and alphabet of ours."""
    padded = "lpad(i::text, 26, '0')" if postgres else f"substr('{'0' * 26}' || i, -26)"
    return f"'{prefix}_' || {padded}"


def _filled(postgres: bool) -> list[str]:
    """Statements that fill every table, each row with its own name, and one model with everything."""
    job, dataset, version = (_id(prefix, postgres) for prefix in ("job", "ds", "ver"))
    blob = r"'\x00'" if postgres else "x'00'"
    rows: dict[str, str] = {
        "models (name, last_number, created_at, updated_at, versions)": "'m' || i, 1, 5, 5, 1",
        "datasets (id, rows, columns, meta, size_bytes, created_at, name, form, sha256, artifact, uploaded)": (
            f"{dataset}, 1, 1, '{{}}', 1, 5, 'n' || i, 'table', 's' || i, 'ds.' || i, {'false' if postgres else '0'}"
        ),
    }
    for number, status in enumerate(("succeeded", "failed", "cancelled")):
        version_of = "1" if status == "succeeded" else "NULL"
        error = '\'{"reason": "x", "detail": "y"}\'' if status == "failed" else "NULL"
        rows[f"jobs ({_JOB}){' ' * number}"] = (
            f"{job}, '{status}', CASE WHEN i = 2 * (i / 2) THEN 'big' ELSE 'm' || i END, {version_of}, '{{}}', "
            f"{dataset}, 1, 1, 1.0, '{{}}', {error}, 1, 0, 1, 5, 6, 'training' FROM n WHERE i - 3 * (i / 3) = {number}"
        )
    rows |= {
        f"versions ({_VERSION})": f"{version}, 'big', i, {_DESCRIBED}",
        "version_weights (version_id, weights)": f"{version}, {blob}",
        f"versions ({_VERSION}) ": f"{version} || 'm', 'm' || i, 1, {_DESCRIBED}",
        "labels": "'big', 'l' || i, i, 1, 5",
        "label_moves": "'big', 'l1', i, NULL, 1, NULL, 5",
        "evaluations (id, version_id, rows, metrics, report, created_at, model)": (
            f"'ev_' || substr({version}, 5), {version}, 1, '{{}}', '{{}}', 5, 'big'"
        ),
        "events (job_id, seq, event, data, created_at)": f"{job}, 1, 'status', '{{}}', 5",
        "idempotency_keys": "'k' || i, 'f', '{}', 9e12",
        "checkpoints": f"{job}, 1, 0, 'c.' || i, 1, 5",
    }
    big = f"INSERT INTO models VALUES ('big', {MANY}, 5, 5, {MANY})"
    ends = {table: "" if "FROM n" in row else " FROM n" for table, row in rows.items()}
    return [big, *(f"INSERT INTO {table} {_NUMBERS} SELECT {row}{ends[table]}" for table, row in rows.items())]


class Full:
    """The API over a database whose tables are full, and what the database was asked."""

    def __init__(self, url: str, directory: Path) -> None:
        self.database = Database(url)
        self.database.migrate()
        self.is_postgres = self.database.backend == "postgresql"
        with self.database.engine.begin() as connection:
            for statement in _filled(self.is_postgres):
                connection.exec_driver_sql(statement)
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        with self.database.transaction() as tx:
            self.number = tx.models.add("big", new_version(input={"shape": [None, 2]}, output={"shape": [None, 2]}))
            self.dataset = tx.datasets.add(NewDataset(1, 1, b"here", uploaded=True, name="one")).id
            self.waiting = tx.jobs.add("big", {"fit": {}}, self.dataset, 1).id
        settings = Settings(_env_file=None, data_dir=directory, database_url=url)
        self.client = Client(create_app(settings, self.database))
        self.asked: list[tuple[str, Any]] = []
        self.steps = 0
        event.listen(self.database.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", statement):
            several = isinstance(parameters, list)
            self.asked.append((statement, parameters[0] if several else parameters))

    def misses(self) -> list[str]:
        """Of the queries asked since the last call, those that read a whole table or sort one."""
        asked, self.asked = self.asked, []
        plan = self._postgres if self.is_postgres else self._sqlite
        with self.database.engine.connect() as connection:
            found = [
                f"{line}: {statement}" for statement, given in asked for line in plan(connection, statement, given)
            ]
            connection.rollback()
        return found

    def _sqlite(self, connection: sa.Connection, statement: str, given: Any) -> list[str]:
        lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
        # A partial index holds only what a query is about, and is read up to its limit.
        partial = r"jobs USING (COVERING )?INDEX ix_jobs_(queued|held)"
        allowed = rf"SCAN (CONSTANT|alembic_version|{partial}|models USING INDEX|\(subquery|anon_)"
        scans = [line for line in lines if line.startswith("SCAN") and not re.match(allowed, line)]
        # Datasets of the same bytes are sorted, which are as many as they have names.
        sorts = [] if "datasets.sha256 = " in statement else [line for line in lines if "B-TREE FOR ORDER BY" in line]
        return scans + sorts

    def _postgres(self, connection: sa.Connection, statement: str, given: Any) -> list[str]:
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
        return [one for one in _nodes(plan["Plan"]) if one]


def _nodes(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and not re.match("pg_|alembic_version", node["Relation Name"]):
        yield f"Seq Scan on {node['Relation Name']}"
    if node["Node Type"] == "Sort" and node["Plan Rows"] > MANY / 4:
        yield f"Sort of {node['Plan Rows']} rows"
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    directory = tmp_path_factory.mktemp("full")
    made = Full(sqlite_url(directory) if request.param == "sqlite" else new_database(), directory)
    yield made
    made.client.close()
    made.database.close()


GETS = [
    "/v1/models",
    "/v1/models?cursor=m5",
    "/v1/models/big",
    "/v1/models/big/versions",
    "/v1/models/big/versions?cursor=500",
    "/v1/models/big/versions/7",
    "/v1/models/big/labels",
    "/v1/models/big/labels?cursor=l5",
    "/v1/models/big/labels/l1",
    "/v1/models/big/labels/l1/history",
    "/v1/models/big/labels/l1/history?cursor=500",
    "/v1/models/big/evaluations",
    "/v1/models/big/versions/7/evaluations",
    "/v1/models/big/labels/l1/evaluations",
    "/v1/datasets",
    "/v1/datasets?name=one",
    "/v1/datasets/{dataset}",
    "/v1/training-jobs",
    "/v1/training-jobs?model=big",
    "/v1/training-jobs?model=m1",
    *(f"/v1/training-jobs?status={status}" for status in Status),
    *(f"/v1/training-jobs?model=big&status={status}" for status in Status),
    "/v1/training-jobs/{waiting}",
    "/v1/training-jobs/{waiting}/history",
    "/v1/prediction-jobs",
    "/v1/prediction-jobs?model=big",
    *(f"/v1/prediction-jobs?status={status}" for status in Status),
    "/v2/models/big",
    "/v2/models/big/stats",
    "/v2/models/big/versions/7",
    "/readyz",
]


@contextmanager
def counted(database: Database) -> Iterator[list[int]]:
    """How many steps SQLite's machine takes in the block, in hundreds."""
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    def watch(connection: Any, _record: object, _proxy: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_progress_handler(count, 100)

    event.listen(database.engine, "checkout", watch)
    yield steps
    event.remove(database.engine, "checkout", watch)


@pytest.mark.parametrize("path", GETS)
def test_a_route_that_reads_goes_by_an_index(full: Full, path: str) -> None:
    with counted(full.database) as steps:
        answer = full.client.get(path.format(dataset=full.dataset, waiting=full.waiting))
    assert answer.status_code == 200, answer.text
    assert full.misses() == []
    assert steps[0] * 100 < MOST_STEPS
    assert len(answer.content) < 500_000


def test_what_writes_goes_by_an_index(full: Full) -> None:
    """Everything that routes and workers write, on its way to the database."""
    full.asked.clear()
    with counted(full.database) as steps, full.database.transaction() as tx:
        number = tx.models.add("big", new_version(evaluation={"rows": 1, "metrics": {}, "report": {}}))
        tx.labels.move("big", "stable", number)
        tx.labels.delete("big", "stable")
        tx.models.delete("big", number)
        tx.idempotency_keys.claim("key", "fingerprint")
        tx.idempotency_keys.answer("key", {})
        stored = tx.datasets.add(NewDataset(1, 1, b"there", uploaded=True, name="two")).id
        job = tx.jobs.add("big", {"fit": {}}, stored, 1).id
        tx.jobs.check_quota(1, 10_000)
        tx.events.latest([job, full.waiting])
        tx.jobs.cancel(job, Keep.LAST)
        tx.jobs.delete(job)
        tx.datasets.delete(stored)
    assert full.misses() == []
    assert steps[0] * 100 < MOST_STEPS


def test_a_claim_and_what_follows_go_by_an_index(full: Full) -> None:
    full.asked.clear()
    with counted(full.database) as steps, full.database.transaction() as tx:
        claim = tx.jobs.claim("worker", 15)
        assert claim is not None
        tx.jobs.beat(claim)
        tx.jobs.wait(claim, "a disk")
        tx.jobs.release(claim)
        tx.jobs.end_leases("nobody")
        tx.jobs.ready()
    assert full.misses() == []
    assert steps[0] * 100 < MOST_STEPS


def test_an_answer_without_pages_is_streamed_in_readings_that_are_small(full: Full) -> None:
    """Every version is there once; no reading takes more than a thousand of them, nor longer at the end."""
    full.asked.clear()
    with counted(full.database) as steps:
        index = full.client.post("/v2/repository/index").json()
    assert len({(one["name"], one["version"]) for one in index}) == len(index) == 2 * MANY + 1
    readings = len(full.asked)
    assert readings >= len(index) / 1000
    assert full.misses() == []
    assert steps[0] * 100 / readings < MOST_STEPS
    assert len(full.client.get("/v1/models/big").json()["model_version_status"]) == 1000
