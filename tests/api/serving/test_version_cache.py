"""What is at hand to answer with: the right version, no more of them than fit, and never one that is gone."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from service.api.serving.version_cache import Served, Serving, Which
from service.errors import NotFound
from service.prediction import LoadedVersion
from service.storage import Database
from service.storage.schema import version_weights
from service.versions import Version
from tests.support.postgres import new_database
from tests.support.serving import Service


def at_hand(serving: Serving, name: str, which: Which = None) -> Served | None:
    """What is at hand in a turn of the event loop."""

    async def look() -> Served | None:
        return serving.at_hand(name, which)

    return asyncio.run(look())


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_what_was_found_once_is_at_hand_until_something_changes(tmp_path: Path, backend: str) -> None:
    url = {} if backend == "sqlite" else {"database_url": new_database()}
    with Service(tmp_path, **url) as service:
        service.train(fit={"epochs": 1})
        serving = Serving(service.database, 4, 2**30)
        assert at_hand(serving, "xor") is None
        found = serving.find("xor", None)
        deadline = time.monotonic() + 30
        while at_hand(serving, "xor") != found:  # to begin to listen is a change
            assert time.monotonic() < deadline, "What was found is not at hand."
            serving.find("xor", None)
        service.train(fit={"epochs": 1})
        assert at_hand(serving, "xor") is None
        assert serving.find("xor", None).version.number == 2
        with service.database.transaction() as tx:
            tx.labels.move("xor", "stable", 1)
        assert serving.find("xor", "stable").version.number == 1
        with service.database.transaction() as tx:
            tx.labels.move("xor", "stable", 2)
        assert at_hand(serving, "xor", "stable") is None
        assert serving.find("xor", "stable").version.number == 2


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_what_another_process_changes_is_noticed_soon(tmp_path: Path, backend: str) -> None:
    url = {} if backend == "sqlite" else {"database_url": new_database()}
    with Service(tmp_path, **url) as service:
        service.train(fit={"epochs": 1})
        other = Database.of(service.settings)
        serving = Serving(other, 4, 2**30)
        serving.find("xor", None)
        service.client.delete("/v1/models/xor")
        deadline = time.monotonic() + 30
        while at_hand(serving, "xor") is not None:
            assert time.monotonic() < deadline, "The deleted version is still at hand."
        other.close()


def test_a_version_is_loaded_once_however_many_ask(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.train(fit={"epochs": 1})
    loads: list[Version] = []
    load = Serving._load

    def counted(self: Serving, version: Version) -> LoadedVersion:
        loads.append(version)
        everybody.wait(60)
        return load(self, version)

    monkeypatch.setattr(Serving, "_load", counted)
    serving = Serving(service.database, 4, 2**30)
    everybody = threading.Barrier(2)
    threads = [threading.Thread(target=serving.find, args=("xor", None)) for _ in range(4)]
    for thread in threads:
        thread.start()
    everybody.wait(60)
    for thread in threads:
        thread.join(60)
    assert len(loads) == 1


def test_a_version_that_could_not_be_loaded_is_tried_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.train(fit={"epochs": 1})
    serving = Serving(service.database, 4, 2**30)
    with monkeypatch.context() as patched:
        patched.setattr(LoadedVersion, "__init__", None)
        with pytest.raises(TypeError):
            serving.find("xor", None)
    assert serving.find("xor", None).version.number == 1


def test_no_more_networks_are_kept_than_the_setting_says(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        for name in ("a", "b"):
            service.train(model=name, fit={"epochs": 1})
        serving = Serving(service.database, 1, 2**30)
        serving.find("a", None)
        serving.find("b", None)
        assert at_hand(serving, "a") is None
        assert at_hand(serving, "b") is not None
        assert serving.find("a", None).version.model == "a"


def test_weights_that_changed_in_storage_are_not_served(service: Service) -> None:
    service.train(fit={"epochs": 1})
    with service.database.transaction() as tx:
        changed = bytearray(tx.models.weights(tx.models.version("xor").id))
        changed[-1] ^= 1
    with service.database.engine.begin() as connection:
        connection.execute(update(version_weights).values(weights=bytes(changed)))
    answer = service.client.post("/v1/models/xor:predict", json={"instances": [[0, 1]]})
    assert answer.status_code == 500
    assert answer.json()["code"] == "damaged"


def test_a_version_that_is_gone_is_found_no_more(service: Service) -> None:
    service.train(fit={"epochs": 1})
    serving = Serving(service.database, 4, 2**30)
    serving.find("xor", 1)
    with service.database.transaction() as tx:
        tx.models.delete("xor", 1)
    assert at_hand(serving, "xor", 1) is None
    with pytest.raises(NotFound):
        serving.find("xor", 1)
