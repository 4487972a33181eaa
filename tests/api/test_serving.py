"""What is at hand to answer with: the right version, no more of them than fit, and never one that is gone."""

from pathlib import Path

import pytest
from sqlalchemy import update

from service.api.serving import Serving
from service.errors import NotFound
from service.storage.tables import version_weights
from tests.serving import Service


def test_what_was_found_once_is_at_hand_until_something_changes(service: Service) -> None:
    service.train(fit={"epochs": 1})
    serving = Serving(service.database, 4)
    assert serving.at_hand("xor", None) is None
    found = serving.find("xor", None)
    assert serving.at_hand("xor", None) == found
    service.train(fit={"epochs": 1})
    assert serving.at_hand("xor", None) is None
    assert serving.find("xor", None).version.number == 2


def test_no_more_networks_are_kept_than_the_setting_says(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        for name in ("a", "b"):
            service.train(model=name, fit={"epochs": 1})
        serving = Serving(service.database, 1)
        serving.find("a", None)
        serving.find("b", None)
        assert serving.at_hand("a", None) is None
        assert serving.at_hand("b", None) is not None
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
    serving = Serving(service.database, 4)
    serving.find("xor", 1)
    with service.database.transaction() as tx:
        tx.models.delete("xor", 1)
    assert serving.at_hand("xor", 1) is None
    with pytest.raises(NotFound):
        serving.find("xor", 1)
