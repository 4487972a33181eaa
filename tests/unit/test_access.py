"""What a key is made of, and what its scopes include."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import ANYBODY, Caller, Scope, digest, included, key_id, new_key
from service.storage.ids import new_id

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def test_two_keys_with_one_id_share_nothing_but_the_id() -> None:
    identifier = new_id("key")
    first, second = new_key(identifier), new_key(identifier)
    assert first.text.split("_")[:2] == second.text.split("_")[:2] == ["fitd", identifier.removeprefix("key_")]
    assert first.text.split("_")[2] != second.text.split("_")[2]
    assert digest(first.text) != digest(second.text)


@given(st.integers(0, 88), st.sampled_from(ALPHABET + "_A é"))
def test_a_key_with_one_wrong_character_is_known_without_the_database(place: int, character: str) -> None:
    made = new_key(new_id("key"))
    changed = made.text[:place] + character + made.text[place + 1 :]
    assert key_id(changed) == (made.id if changed == made.text else None)


@given(st.text(max_size=120))
def test_no_text_is_a_key_by_chance(text: str) -> None:
    assert key_id(text) is None


@pytest.mark.parametrize(
    ("given_scopes", "all_of_them"),
    [
        ([Scope.READ], {"read"}),
        ([Scope.PREDICT], {"predict", "read"}),
        ([Scope.DATA, Scope.TRAIN], {"data", "train", "read"}),
        ([Scope.METRICS], {"metrics"}),
        ([Scope.METRICS, Scope.PREDICT], {"metrics", "predict", "read"}),
        ([Scope.ADMIN], {"read", "predict", "data", "train", "metrics", "admin"}),
        ([], set()),
    ],
)
def test_each_scope_but_metrics_includes_read_and_admin_includes_all(
    given_scopes: list[Scope], all_of_them: set[str]
) -> None:
    assert included(given_scopes) == all_of_them


def test_a_pattern_is_about_names_as_they_are_written() -> None:
    caller = Caller("key_1", frozenset({Scope.PREDICT}), "shop-?")
    assert [caller.reaches(name) for name in ("shop-a", "shop-ab", "Shop-a", "shop-", None)] == [True] + 4 * [False]
    assert ANYBODY.reaches(None)
