"""Ids sort by time, do not repeat, and are recognised."""

import pytest

from service.storage.ids import looks_like_id, new_id


def test_a_later_id_sorts_later() -> None:
    ids = [new_id("job", seconds) for seconds in (0.0, 1.0, 1.000001, 1_800_000_000.0, 4_000_000_000.0)]
    assert ids == sorted(ids)
    assert len(set(map(len, ids))) == 1


def test_ids_of_the_same_moment_differ() -> None:
    assert len({new_id("job", 1.0) for _ in range(1000)}) == 1000


def test_an_id_is_recognised() -> None:
    assert looks_like_id("job", new_id("job"))


@pytest.mark.parametrize(
    "text",
    ["", "job", "job_", new_id("ds"), new_id("job")[:-1], new_id("job")[:-1] + "U", "x" + new_id("job")],
    ids=["nothing", "prefix", "underscore", "another kind", "too short", "no such letter", "another prefix"],
)
def test_what_is_no_id_is_not_taken_for_one(text: str) -> None:
    assert not looks_like_id("job", text)
