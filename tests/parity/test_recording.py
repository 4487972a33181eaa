"""The recording itself: complete, and of the data that the tests generate."""

import json

import pytest

from tests.parity.cases.data import fingerprint
from tests.parity.groups import GROUPS
from tests.parity.recording import FOLDER, load
from tests.parity.tolerance import DELIBERATE, EXCEPTIONS


def test_the_data_are_those_that_keras_saw() -> None:
    """If this fails, every other failure follows from it: NumPy's generator has changed."""
    assert json.loads((FOLDER / "versions.json").read_text())["data"] == fingerprint()


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_is_recorded(group: str) -> None:
    """A case added or renamed needs `python -m tests.parity.record`."""
    assert list(load(group)) == list(GROUPS[group])


def test_every_exception_belongs_to_a_case() -> None:
    """The table of exceptions has no dead entries."""
    assert [key for key in {**EXCEPTIONS, **DELIBERATE} if key[1] not in GROUPS[key[0]]] == []
