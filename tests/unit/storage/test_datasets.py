"""Datasets come back as they were added."""

import pytest

from service.errors import NotFound
from service.storage import Database, NewDataset
from tests.storing import StandingClock


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
