"""Labels point at versions that exist, and count their moves, on both databases."""

import pytest

from service.errors import Conflict, Malformed, NotFound, PreconditionFailed
from service.storage import Database, Label
from service.storage.labels import Check
from tests.support.versions import new_version


def counts(moves: int | None) -> Check:
    """Asks for a label that was moved so many times, or for none."""

    def check(label: Label | None) -> None:
        if (None if label is None else label.moves) != moves:
            raise PreconditionFailed("It was moved.")

    return check


def test_a_label_is_moved_under_its_count_and_holds_its_version(database: Database) -> None:
    with database.transaction() as tx:
        for _ in range(2):
            tx.models.add("digits", new_version())
        label, is_new = tx.labels.move("digits", "stable", 1, check=counts(None))
        assert (label.moves, is_new) == (1, True)
    with database.transaction() as tx:
        label, is_new = tx.labels.move("digits", "stable", 2, check=counts(1), by="ana")
        assert (label.number, is_new) == (2, False)
    for wrong in (1, None):
        with pytest.raises(PreconditionFailed), database.transaction() as tx:
            tx.labels.move("digits", "stable", 1, check=counts(wrong))
    with pytest.raises(Conflict), database.transaction() as tx:
        tx.models.delete("digits", 2)
    with database.transaction() as tx:
        tx.labels.delete("digits", "stable", check=counts(2))
        tx.models.delete("digits", 2)
        moves = tx.labels.history("digits", "stable")[0]
        assert [(move.from_number, move.to_number, move.moved_by) for move in moves] == [
            (2, None, None),
            (1, 2, "ana"),
            (None, 1, None),
        ]
        assert tx.labels.page("digits") == ([], None)
    with pytest.raises(NotFound), database.transaction() as tx:
        tx.labels.move("digits", "stable", 2)


def test_labels_and_their_moves_come_in_pages(database: Database) -> None:
    with database.transaction() as tx:
        tx.models.add("digits", new_version())
        for label in "abcde":
            tx.labels.move("digits", label, 1)
        for _ in range(4):
            tx.labels.move("digits", "a", 1)
        first, cursor = tx.labels.page("digits", limit=3)
        rest, end = tx.labels.page("digits", limit=3, cursor=cursor)
        assert ([one.label for one in first + rest], end) == (list("abcde"), None)
        moves, cursor = tx.labels.history("digits", "a", limit=3)
        before, end = tx.labels.history("digits", "a", limit=3, cursor=cursor)
        assert ([one.seq for one in moves + before], end) == ([5, 4, 3, 2, 1], None)
        with pytest.raises(Malformed):
            tx.labels.history("digits", "a", cursor="x")
