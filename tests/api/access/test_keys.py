"""Keys over HTTP: made by admins, shown once, rotated with an overlap, and revoked at once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access import Scope, digest
from service.storage import Database
from tests.support.keys import LockedService, bearer
from tests.support.serving import assert_problem


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[LockedService]:
    with LockedService(tmp_path) as made:
        yield made


def test_a_key_is_shown_once_and_stored_as_a_digest(locked: LockedService) -> None:
    admin = bearer(locked.keys[Scope.ADMIN])
    made = locked.client.post("/v1/keys", json={"name": "shop", "scopes": ["predict"]}, headers=admin)
    assert made.status_code == 201
    text, identifier = made.json()["key"], made.json()["id"]
    assert text.split("_")[1] == identifier.removeprefix("key_")
    assert all(part.isalnum() for part in text.split("_"))
    shown = locked.client.get(f"/v1/keys/{identifier}", headers=admin).json()
    assert "key" not in shown
    assert shown["scopes"] == ["predict"]
    assert text not in locked.client.get("/v1/keys", headers=admin).text
    with locked.database.reading() as tx:
        assert [key.sha256 for key in tx.keys.live() if key.id == identifier] == [digest(text)]
    assert text.encode() not in (locked.settings.data_dir / "fitd.db").read_bytes()
    assert locked.client.get("/v1/models", headers=bearer(text)).status_code == 200


def test_a_revoked_key_is_good_for_nothing_at_once(locked: LockedService) -> None:
    admin = bearer(locked.keys[Scope.ADMIN])
    made = locked.client.post("/v1/keys", json={"name": "shop", "scopes": ["read"]}, headers=admin).json()
    assert locked.client.get("/v1/models", headers=bearer(made["key"])).status_code == 200
    assert locked.client.delete(f"/v1/keys/{made['id']}", headers=admin).status_code == 204
    assert_problem(locked.client.get("/v1/models", headers=bearer(made["key"])), 401, "unauthenticated")
    assert locked.client.get(f"/v1/keys/{made['id']}", headers=admin).json()["revoked_at"] is not None
    again = locked.client.post(f"/v1/keys/{made['id']}:rotate", json={}, headers=admin)
    assert_problem(again, 409, "conflict")


def test_a_key_that_another_process_revokes_is_good_for_nothing_within_a_second(locked: LockedService) -> None:
    with locked.database.transaction() as tx:
        made = tx.keys.add("x", [Scope.READ], by="test")
    assert locked.client.get("/v1/models", headers=bearer(made.text)).status_code == 200
    other = Database(locked.settings.database_url)
    with other.transaction() as tx:
        tx.keys.revoke(made.id)
    other.close()
    deadline = time.monotonic() + 1
    while locked.client.get("/v1/models", headers=bearer(made.text)).status_code == 200:
        assert time.monotonic() < deadline


def test_a_rotated_key_is_good_until_the_overlap_ends(locked: LockedService) -> None:
    admin = bearer(locked.keys[Scope.ADMIN])
    made = locked.client.post("/v1/keys", json={"name": "shop", "scopes": ["read"]}, headers=admin).json()
    rotated = locked.client.post(f"/v1/keys/{made['id']}:rotate", json={"overlap_seconds": 3600}, headers=admin)
    assert rotated.status_code == 201
    assert (rotated.json()["name"], rotated.json()["scopes"]) == ("shop", ["read"])
    for key in (made["key"], rotated.json()["key"]):
        assert locked.client.get("/v1/models", headers=bearer(key)).status_code == 200
    at_once = locked.client.post(f"/v1/keys/{rotated.json()['id']}:rotate", json={"overlap_seconds": 0}, headers=admin)
    assert at_once.status_code == 201
    assert locked.client.get("/v1/models", headers=bearer(rotated.json()["key"])).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "scopes": ["read"]}, "#/name"),
        ({"name": "a\0", "scopes": ["read"]}, "#/name"),
        ({"name": 1, "scopes": ["read"]}, "#/name"),
        ({"name": "a", "scopes": []}, "#/scopes"),
        ({"name": "a", "scopes": ["root"]}, "#/scopes"),
        ({"name": "a", "scopes": "read"}, "#/scopes"),
        ({"name": "a", "scopes": [["read"]]}, "#/scopes"),
        ({"name": "a", "scopes": ["read"], "models": ""}, "#/models"),
        ({"name": "a", "scopes": ["read"], "expires_in_seconds": 0}, "#/expires_in_seconds"),
        ({"name": "a", "scopes": ["read"], "expires_in_seconds": True}, "#/expires_in_seconds"),
        ({"name": "a", "scopes": ["read"], "project": "b"}, "#/project"),
        ({"name": "a"}, "#/scopes"),
    ],
)
def test_a_wrong_request_for_a_key_makes_none(locked: LockedService, body: object, pointer: str) -> None:
    admin = bearer(locked.keys[Scope.ADMIN])
    before = locked.rows()["keys"]
    problem = assert_problem(locked.client.post("/v1/keys", json=body, headers=admin), 422, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert locked.rows()["keys"] == before
