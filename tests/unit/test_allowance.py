"""Memory is asked for before it is taken, and what is asked for says where a request is answered."""

import pytest

from service.allowance import HERE_BODY_BYTES, HERE_BYTES, Allowance, Heavy, allowing, expect, expect_much
from service.errors import TooLarge


def test_what_takes_little_is_answered_here() -> None:
    with allowing(Allowance(2**30)):
        expect(HERE_BYTES, text_bytes=HERE_BODY_BYTES)


@pytest.mark.parametrize(("size_bytes", "text_bytes"), [(HERE_BYTES + 1, 0), (0, HERE_BODY_BYTES + 1)])
def test_what_takes_more_is_answered_apart(size_bytes: int, text_bytes: int) -> None:
    with allowing(Allowance(2**30)), pytest.raises(Heavy):
        expect(size_bytes, text_bytes=text_bytes)
    with allowing(Allowance(2**30, is_apart=True)):
        expect(size_bytes, text_bytes=text_bytes)


def test_what_cannot_be_told_in_advance_is_answered_apart() -> None:
    with allowing(Allowance(2**30)), pytest.raises(Heavy):
        expect_much()


def test_more_than_a_request_may_take_is_refused() -> None:
    with allowing(Allowance(1000, is_apart=True)), pytest.raises(TooLarge) as refused:
        expect(1001)
    assert (refused.value.limit, refused.value.unit) == (1000, "bytes")


def test_nothing_is_refused_where_nobody_asks_for_memory() -> None:
    expect(2**60, text_bytes=2**60)
