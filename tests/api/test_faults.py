"""What the service stored and can no longer read is its own fault: a 5xx with a code, never the client's 400."""

from pathlib import Path
from typing import Any

import pytest

from service.api.examples import SMALL
from service.storage import Database, migration
from tests.support.postgres import new_database
from tests.support.serving import Service


def execute(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def flip(database: Database, table: str, column: str) -> None:
    """Another last byte in every row."""
    last = f"hex(substr({column}, -1))"
    other = f"CASE WHEN {last} = '00' THEN x'01' ELSE x'00' END"
    execute(
        database, f"UPDATE {table} SET {column} = CAST(substr({column}, 1, length({column}) - 1) || {other} AS BLOB)"
    )


READS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/models/xor:predict", {"json": {"instances": [[0, 1]]}}),
    ("POST", "/v1/models/xor:evaluate", {"json": {"data": {"x": [[0, 1]], "y": [1]}}}),
    ("POST", "/v1/models/xor/versions/1:predict", {"json": {"instances": [[0, 1]]}}),
    ("GET", "/v1/models/xor/versions/1/export?format=keras", {}),
    ("GET", "/v1/models/xor/versions/1/export?format=onnx", {}),
    ("GET", "/v1/models/xor/versions/1/export?format=safetensors", {}),
    (
        "POST",
        "/v2/models/xor/infer",
        {"json": {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [0, 1]}]}},
    ),
    ("POST", "/v1/training-jobs", {"json": {**SMALL, "from": {"model": "xor", "version": 1}}}),
]


@pytest.mark.parametrize(("method", "path", "parts"), READS)
def test_weights_that_rot_are_told_on_every_route(
    service: Service, method: str, path: str, parts: dict[str, Any]
) -> None:
    service.train(model="xor")
    flip(service.database, "version_weights", "weights")
    answer = service.client.request(method, path, **parts)
    assert answer.status_code == 500, answer.text
    assert "SHA-256" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "parts"),
    [
        ("GET", "/v1/models/xor/versions/1/export?format=keras", {}),
        ("POST", "/v1/training-jobs", {"json": {**SMALL, "from": {"model": "xor", "version": 1, "optimizer": True}}}),
    ],
)
def test_the_state_of_an_optimizer_that_rots_is_told(
    service: Service, method: str, path: str, parts: dict[str, Any]
) -> None:
    service.train(model="xor")
    flip(service.database, "version_weights", "optimizer")
    answer = service.client.request(method, path, **parts)
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")


@pytest.mark.parametrize("path", ["/v1/models/xor/versions/1", "/v1/models/xor/versions", "/v2/models/xor"])
def test_a_description_that_rots_is_told(service: Service, path: str) -> None:
    service.train(model="xor")
    execute(service.database, """UPDATE versions SET "input" = replace("input", '2', '3')""")
    answer = service.client.get(path)
    assert answer.status_code == 500
    assert "SHA-256" in answer.text
    assert service.client.delete("/v1/models/xor").status_code == 204


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_server_on_an_older_schema_is_told_on_every_route(tmp_path: Path, backend: str) -> None:
    url = {} if backend == "sqlite" else {"database_url": new_database()}
    with Service(tmp_path, **url) as service:
        migration.downgrade(service.database.engine, "0003")
        for path in ("/v1/models", "/v1/training-jobs", "/v1/datasets", "/v1/models/xor", "/v1/models/xor/evaluations"):
            answer = service.client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "wrong_schema"), path
            assert "migrate" in answer.json()["detail"]
        ready = service.client.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")


def test_a_file_in_the_place_of_scratch_is_told(service: Service) -> None:
    service.settings.scratch.parent.mkdir(parents=True, exist_ok=True)
    service.settings.scratch.write_bytes(b"")
    answer = service.client.post("/v1/datasets", content=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (503, "scratch_unusable")
    assert "directory" in answer.json()["detail"]
