"""A store of artifacts is swept for its own database alone, never on its first day, and by way of the trash."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import NotFound
from service.storage.artifacts.artifacts import FIRST_DAY_SECONDS, Artifacts
from service.storage.artifacts.folder import OWNER, TRASH, Folder
from service.storage.artifacts.store import Store
from service.storage.identity import Owner

Open = Callable[[], Store]


@pytest.fixture(params=["folder", "bucket"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "folder":
        return lambda: Folder(tmp_path / "shared")
    place: str = request.getfixturevalue("bucket")
    from service.storage.artifacts.bucket import Bucket

    return lambda: Bucket(place)


def of(open_store: Open, name: str, age_seconds: float = 1e9) -> Artifacts:
    return Artifacts(open_store(), lambda: Owner(name, age_seconds))


def test_a_new_database_in_the_place_of_another_deletes_nothing(
    open_store: Open, caplog: pytest.LogCaptureFixture
) -> None:
    table = of(open_store, "db_1").put("ds", b"a table")
    other = of(open_store, "db_2")
    other.put("ds", b"put by mistake")
    assert other.sweep([], older_than_seconds=-1) == 0
    assert "another database" in caplog.text
    assert of(open_store, "db_1").get(table) == b"a table"


def test_nothing_is_swept_on_the_first_day_of_a_database(open_store: Open) -> None:
    name = of(open_store, "db_1").put("ds", b"a table")
    assert of(open_store, "db_1", FIRST_DAY_SECONDS - 1).sweep([], older_than_seconds=-1) == 0
    assert of(open_store, "db_1", FIRST_DAY_SECONDS).sweep([], older_than_seconds=-1) == 1
    assert name not in dict(open_store().names())


def test_a_store_of_an_earlier_release_is_adopted_by_the_database_that_knows_it(open_store: Open) -> None:
    store = open_store()
    known, unknown = (f"ds.0000000{n}.{'0' * 64}" for n in range(2))
    for name in (known, unknown):
        store.write(name, b"1")
    stranger, own = of(open_store, "db_new"), of(open_store, "db_old")
    assert stranger.sweep([], older_than_seconds=-1) == 0
    assert store.owner() is None
    assert own.sweep([known], older_than_seconds=-1) == 1
    assert store.owner() == "db_old"
    assert dict(store.names()).keys() == {known}


def test_what_was_swept_comes_back_as_long_as_it_lies_in_the_trash(open_store: Open) -> None:
    own = of(open_store, "db_1")
    needed, other = own.put("ds", b"needed"), own.put("ds", b"other")
    assert own.sweep([], older_than_seconds=-1) == 2
    assert dict(open_store().names()) == {}
    assert own.get(needed) == b"needed"
    own.sweep([needed], older_than_seconds=-1, trash_seconds=-1)
    with pytest.raises(NotFound):
        own.get(other)
    assert own.get(needed) == b"needed"


def test_of_two_that_claim_a_store_the_first_has_it(open_store: Open) -> None:
    stores = [open_store() for _ in range(2)]
    for number, store in enumerate(stores):
        store.claim(f"db_{number}")
    assert {store.owner() for store in stores} == {"db_0"}


def test_the_time_in_the_trash_begins_with_the_sweep(tmp_path: Path) -> None:
    own = of(lambda: Folder(tmp_path), "db_1")
    name = own.put("ds", b"old")
    os.utime(tmp_path / name, (5, 5))
    assert own.sweep([], older_than_seconds=3600) == 1
    own.sweep([], older_than_seconds=3600)
    assert (tmp_path / TRASH / name).exists()
    assert (tmp_path / OWNER).read_text() == "db_1"
