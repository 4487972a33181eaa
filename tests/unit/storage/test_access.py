"""Keys are stored as digests, end when they should, and say so to all processes, on both databases."""

import pytest

from service.access import Scope, digest, key_id, new_key
from service.errors import Conflict, Malformed, NotFound
from service.storage import Database
from service.storage.ids import new_id
from tests.support.storing import StandingClock


def live(database: Database) -> list[str]:
    with database.reading() as tx:
        return [key.id for key in tx.keys.live()]


def test_a_key_is_live_until_it_expires(database: Database, clock: StandingClock) -> None:
    with database.transaction() as tx:
        assert not tx.keys.any_exists()
        made = tx.keys.add("shop", [Scope.TRAIN, Scope.PREDICT], by="test", models="a*", seconds=60)
        ever = tx.keys.add("ever", [Scope.ADMIN], by="test")
        assert tx.keys.any_exists()
    with database.reading() as tx:
        (found,) = (key for key in tx.keys.live() if key.id == made.id)
        assert found == (made.id, digest(made.text), (Scope.PREDICT, Scope.TRAIN), "a*", 60.0)
        key = tx.keys.get(made.id)
        assert (key.name, key.created_by, key.revoked_at, key.used_at) == ("shop", "test", None, None)
    clock.advance(60)
    assert live(database) == [ever.id]
    with pytest.raises(Conflict), database.transaction() as tx:
        tx.keys.rotate(made.id, by="test")


def test_a_rotated_key_ends_after_the_overlap_and_never_later_than_it_would_have(
    database: Database, clock: StandingClock
) -> None:
    with database.transaction() as tx:
        ever, brief = (tx.keys.add("x", [Scope.READ], by="test", seconds=seconds) for seconds in (None, 10))
        after, soon = (tx.keys.rotate(made.id, by=made.id, overlap_seconds=30) for made in (ever, brief))
        assert tx.keys.get(after.id).created_by == ever.id
    assert set(live(database)) == {ever.id, brief.id, after.id, soon.id}
    clock.advance(11)
    assert set(live(database)) == {ever.id, after.id}
    clock.advance(20)
    assert live(database) == [after.id]


def test_a_revoked_key_stays_in_the_list_and_moves_the_mark_of_what_is_at_hand(database: Database, url: str) -> None:
    other = Database(url)
    with database.transaction() as tx:
        made = tx.keys.add("x", [Scope.READ], by="test")
    database.served_mark()
    database.wait_for_change(0.2)
    before = database.served_mark()
    with other.transaction() as tx:
        tx.keys.revoke(made.id)
    database.wait_for_change(2, since=-1 if database.backend == "sqlite" else before)
    assert live(database) == []
    with database.transaction() as tx:
        first = tx.keys.get(made.id).revoked_at
        tx.keys.revoke(made.id)
        assert tx.keys.get(made.id).revoked_at == first
        with pytest.raises(NotFound):
            tx.keys.revoke("key_none")
    other.close()


def test_a_key_that_was_made_elsewhere_is_kept_once(database: Database) -> None:
    made = new_key(new_id("key"))
    assert key_id(made.text) == made.id
    for _ in range(2):
        with database.transaction() as tx:
            tx.keys.adopt(made, "first", [Scope.ADMIN], by="test")
    with database.transaction() as tx:
        tx.keys.revoke(made.id)
        tx.keys.adopt(made, "first", [Scope.ADMIN], by="test")
    assert live(database) == []


def test_keys_come_in_pages_the_newest_first_and_with_their_last_use(database: Database) -> None:
    with database.transaction() as tx:
        made = [tx.keys.add(f"k{number}", [Scope.READ], by="test").id for number in range(5)]
        tx.keys.note_uses([made[0], "key_none"])
        first, cursor = tx.keys.page(limit=3)
        rest, end = tx.keys.page(limit=3, cursor=cursor)
        assert [key.id for key in first + rest] == made[::-1]
        assert end is None
        assert [key.used_at is None for key in rest] == [True, False]
        with pytest.raises(Malformed):
            tx.keys.page(cursor="1")
