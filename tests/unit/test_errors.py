"""Errors and findings: counted, capped, and pointed at their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Findings, Invalid, NotFound, pointer


def test_findings_keep_some_and_count_all() -> None:
    findings = Findings(limit=2)
    for number in range(5):
        findings.error(f"#/{number}", "wrong", "Wrong.")
    findings.error("#/rows", "wrong", "Wrong.", count=10)
    with pytest.raises(Invalid) as caught:
        findings.raise_errors()
    assert [one.pointer for one in caught.value.findings] == ["#/0", "#/1"]
    assert caught.value.total == 15
    assert str(caught.value) == "#/0: Wrong.; #/1: Wrong."


def test_warnings_alone_raise_nothing() -> None:
    findings = Findings()
    findings.warn("#", "odd", "Odd.")
    findings.raise_errors()


def test_what_is_not_found_is_named() -> None:
    assert str(NotFound("label", "digits/new")) == "There is no label 'digits/new'."


def test_a_model_that_is_not_there_may_still_be_in_training() -> None:
    said = "There is no model 'digits'; it is there once a training job of this name has succeeded."
    assert str(NotFound("model", "digits")) == said


@pytest.mark.parametrize(
    ("keys", "text"),
    [((), "#"), (("fit", "epochs"), "#/fit/epochs"), (("a/b", "c~d", 0), "#/a~1b/c~0d/0"), (("ü",), "#/%C3%BC")],
)
def test_a_pointer_leads_to_a_place(keys: tuple[str | int, ...], text: str) -> None:
    assert pointer(*keys) == text


@given(st.lists(st.text() | st.integers()))
def test_any_key_makes_a_pointer_in_ascii(keys: list[str | int]) -> None:
    text = pointer(*keys)
    assert text.isascii()
    assert text.count("/") == len(keys)
    assert len(text) <= 1 + len(keys) * 1300
