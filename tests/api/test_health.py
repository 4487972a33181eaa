"""Health over HTTP: alive as long as the process is, ready only with a database at hand."""

from pathlib import Path

from service.api.app import create_app
from service.config import Settings
from service.storage import Database
from tests.support.serving import Client, Service, assert_problem


def test_a_running_service_is_alive_and_ready(shared: Service) -> None:
    for path in ("/livez", "/readyz"):
        answer = shared.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_service_without_its_tables_is_alive_and_not_ready(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    database = Database(settings.database_url)
    client = Client(create_app(settings, database))
    assert client.get("/livez").status_code == 200
    problem = assert_problem(client.get("/readyz"), 503, "not_ready")
    assert problem["checks"]["database"] == "ok"
    assert "migrate" in problem["checks"]["schema"]
    client.close()
    database.close()


def test_a_service_without_its_database_is_alive_and_not_ready(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}")
    database = Database(settings.database_url)
    client = Client(create_app(settings, database))
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    problem = assert_problem(answer, 503, "not_ready")
    assert problem["checks"]["database"] != "ok"
    assert answer.headers["Retry-After"] == "1"
    assert_problem(client.get("/v1/models"), 503, "unavailable")
    client.close()
    database.close()
