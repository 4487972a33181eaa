"""What a user may write as text: every name that Keras takes stands for the same thing here."""

import json

import pytest

from tests.parity.engine import OurEngine
from tests.parity.recording import FOLDER
from tests.parity.texts import TEXTS, meaning

MEANINGS: dict[str, dict[str, str]] = json.loads((FOLDER / "texts.json").read_text())


@pytest.mark.parametrize(("module", "text"), [(module, text) for module, texts in TEXTS.items() for text in texts])
def test_a_text_stands_for_what_it_stands_for_in_keras(module: str, text: str) -> None:
    """`get` finds it, under every alias and spelling."""
    found = getattr(OurEngine().keras, module).get(text)
    assert meaning(found) == MEANINGS[module][text]


def test_every_text_is_recorded() -> None:
    """A text added to the list needs `python -m tests.parity.record`."""
    assert {module: list(texts) for module, texts in MEANINGS.items()} == TEXTS
