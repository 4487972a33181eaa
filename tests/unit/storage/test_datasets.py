"""Datasets come back as they were added."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from service.errors import Conflict, Damaged, Malformed, NotFound
from service.storage import Database, NewDataset
from service.storage.evaluations import KEPT
from tests.support.storing import StandingClock
from tests.support.versions import new_version


def test_a_dataset_comes_back_unchanged(database: Database, clock: StandingClock) -> None:
    content = bytes(range(256)) * 4
    with database.transaction() as tx:
        dataset_id = tx.datasets.add(NewDataset(10, 4, content, meta={"classes": ["a", "ß"]})).id
    with database.reading() as tx:
        stored = tx.datasets.get(dataset_id)
        assert tx.datasets.content(dataset_id) == content
    assert dataset_id.startswith("ds_")
    assert (stored.rows, stored.columns, stored.size_bytes) == (10, 4, 1024)
    assert stored.meta == {"classes": ["a", "ß"]}
    assert stored.created_at.timestamp() == clock()


def test_a_dataset_that_does_not_exist_is_not_found(database: Database) -> None:
    with database.reading() as tx:
        with pytest.raises(NotFound, match="dataset 'ds_none'"):
            tx.datasets.get("ds_none")
        with pytest.raises(NotFound, match="dataset 'ds_none'"):
            tx.datasets.content("ds_none")


def test_a_dataset_whose_bytes_are_lost_is_damaged_and_one_that_goes_meanwhile_is_not_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = database.artifacts.put("ds", b"a table")
    with database.transaction() as tx:
        stored = tx.datasets.add(NewDataset(5, 2, artifact=artifact, size_bytes=7, form="table", uploaded=True))
    database.artifacts.remove([artifact])
    with pytest.raises(Damaged, match=stored.id):
        database.open_dataset(stored.id)

    def delete_meanwhile(name: str, **_asked: Any) -> None:
        with database.transaction() as tx:
            tx.datasets.delete(stored.id)
        raise NotFound("artifact", name)

    monkeypatch.setattr(database.artifacts, "open", delete_meanwhile)
    with pytest.raises(NotFound, match=stored.id):
        database.open_dataset(stored.id)


def test_equal_bytes_are_stored_once_and_deleted_with_their_last_name(database: Database) -> None:
    artifact = database.artifacts.put("ds", b"a table")
    new = NewDataset(5, 2, artifact=artifact, size_bytes=7, form="table", name="first", uploaded=True)
    with database.transaction() as tx:
        assert tx.datasets.find(new) is None
        first = tx.datasets.add(new)
        assert tx.datasets.add(replace(new, artifact=database.artifacts.put("ds", b"a table"))).id == first.id
        second = tx.datasets.add(replace(new, name="second"))
        assert (second.artifact, second.sha256) == (artifact, first.sha256)
        assert tx.datasets.add(replace(new, form="arrays", uploaded=False)).id not in (first.id, second.id)
        assert [one.name for one in tx.datasets.page()[0]] == ["second", "first"]
        _, cursor = tx.datasets.page(limit=1)
        assert [one.name for one in tx.datasets.page(cursor=cursor)[0]] == ["first"]
        assert [one.id for one in tx.datasets.page(name="first")[0]] == [first.id]
        with pytest.raises(Malformed):
            tx.datasets.page(cursor="nonsense")
    with database.transaction() as tx:
        assert tx.datasets.delete(first.id) is None
        assert tx.retention.artifacts_in_use() >= {artifact}
    assert database.open_dataset(second.id)[1][:] == b"a table"
    with database.transaction() as tx:
        job = tx.jobs.add("m", {}, second.id, 1)
        with pytest.raises(Conflict):
            tx.datasets.delete(second.id)
        tx.jobs.cancel(job.id)
        tx.datasets.delete(second.id)
        assert tx.jobs.get(job.id).dataset is None


def test_evaluations_stay_as_long_as_their_version(database: Database) -> None:
    with database.transaction() as tx:
        tx.models.add(
            "digits", new_version(evaluation={"part": "test", "rows": 3, "metrics": {"loss": 1.0}, "report": {}})
        )
        version = tx.models.version("digits", 1)
        tx.evaluations.add(version.id, rows=5, metrics={"loss": 0.5}, report={"kind": "regression"}, dataset="ds_1")
    with database.reading() as tx:
        found, cursor = tx.evaluations.page("digits", limit=1)
        assert [(one.rows, one.dataset, one.version) for one in found] == [(5, "ds_1", 1)]
        assert [one.part for one in tx.evaluations.page("digits", 1, cursor=cursor)[0]] == ["test"]
        with pytest.raises(Malformed):
            tx.evaluations.page("digits", cursor="nonsense")
    with database.transaction() as tx:
        for rows in range(KEPT + 3):
            tx.evaluations.add(version.id, rows=rows, metrics={}, report={})
        kept = tx.evaluations.page("digits", limit=200)[0]
        assert [one.rows for one in kept] == [*reversed(range(3, KEPT + 3)), 3]
    with database.transaction() as tx:
        tx.models.delete("digits")
        assert tx.evaluations.page("digits") == ([], None)


def test_the_same_upload_by_many_at_once_is_stored_once(database: Database) -> None:
    together = threading.Barrier(8)

    def upload(content: bytes) -> str:
        together.wait(30)
        with database.transaction() as tx:
            return tx.datasets.add(NewDataset(1, 1, content, form="table", uploaded=True)).id

    with ThreadPoolExecutor(8) as uploads:
        for content in (b"first", b"second", b"third"):
            assert len(set(uploads.map(upload, [content] * 8))) == 1


def test_a_dataset_is_named_by_its_name_where_no_other_has_it(database: Database) -> None:
    def added(content: bytes, name: str | None, *, uploaded: bool = True) -> str:
        with database.transaction() as tx:
            return tx.datasets.add(NewDataset(1, 1, content, name=name, uploaded=uploaded)).id

    first, other = added(b"1", "fruit"), added(b"2", "other")
    added(b"3", "fruit", uploaded=False)
    with database.reading() as tx:
        assert (tx.datasets.get("fruit").id, tx.datasets.get("other").id) == (first, other)
        for unknown in ("none", "nul\0", ""):
            with pytest.raises(NotFound):
                tx.datasets.get(unknown)
    second = added(b"4", "fruit")
    with database.reading() as tx, pytest.raises(Conflict, match=f"{first}, {second}") as refused:
        tx.datasets.get("fruit")
    assert refused.value.code == "ambiguous_name"
    with database.transaction() as tx:
        tx.datasets.delete("other")
        with pytest.raises(NotFound):
            tx.datasets.get(other)
