"""What tests of the API share: a service without processes, and requests that work as they stand."""

import copy
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
import sqlalchemy as sa
from anyio.from_thread import start_blocking_portal

from service.api.app import create_app
from service.api.examples import SMALL
from service.config import Settings
from service.storage import Database
from service.worker.loop import Worker
from service.worker.making import train_with


class Client:
    """An httpx client of an ASGI app, for tests that do not wait themselves."""

    def __init__(self, app: Any) -> None:
        self._running = start_blocking_portal()
        self.portal = self._running.__enter__()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        return self.portal.call(partial(self._client.request, method, path, **parts))

    def get(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("POST", path, **parts)

    def delete(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("DELETE", path, **parts)

    def close(self) -> None:
        self.portal.call(self._client.aclose)
        self._running.__exit__(None, None, None)


class Service:
    """The API over a SQLite file, and one worker that trains in this thread."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.settings = Settings(_env_file=None, data_dir=directory, **settings)
        self.database = Database(self.settings.database_url)
        self.database.migrate()
        self.app = create_app(self.settings, self.database)
        self.client = Client(self.app)
        self._worker = Worker(
            self.database,
            train_with(self.database),
            owner="test",
            lease_seconds=15,
            directory=self.settings.scratch,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.database.close()

    def work(self) -> None:
        """Trains every job that waits."""
        while self._worker.run_one():
            pass

    def train(self, **changes: Any) -> dict[str, Any]:
        """The finished job of a small request with these changes."""
        answer = self.client.post("/v1/training-jobs", json=small(**changes))
        assert answer.status_code == 202, answer.text
        self.work()
        job: dict[str, Any] = self.client.get(answer.headers["Location"]).json()
        return job

    def rows(self) -> dict[str, int]:
        """The number of rows in every table."""
        with self.database.engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            return {
                name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
                for name in names
            }


def small(**changes: Any) -> dict[str, Any]:
    """A request that trains at once, with its parts replaced or, where a dict is given, changed key by key."""
    request = copy.deepcopy(SMALL)
    for key, value in changes.items():
        merges = isinstance(value, dict) and isinstance(request.get(key), dict)
        request[key] = {**request[key], **value} if merges else value
    return request


def canonical() -> dict[str, Any]:
    """The request that the service was made for: two dense layers, 1,000 rows, ten classes."""
    rng = np.random.default_rng(5)
    x = rng.random((1000, 100)).round(4)
    y = np.eye(10, dtype=int)[(x[:, :10] + 0.5 * x[:, 10:20]).argmax(axis=1)]
    return {
        "model": "digits",
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 64, "activation": "relu", "input_dim": 100},
                {"class_name": "Dense", "units": 10, "activation": "softmax"},
            ]
        },
        "compile": {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 10, "batch_size": 32, "seed": 7},
        "data": {"x": x.tolist(), "y": y.tolist()},
    }


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer is, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:fitd:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem
