"""Every setting is documented wherever a reader would look, and nothing else is."""

import re
from pathlib import Path

import pytest

from service.config import Settings

ROOT = Path(__file__).parents[2]
NAMES = {f"FITD_{field.upper()}": info for field, info in Settings.model_fields.items()}


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_a_document_names_every_setting_and_no_other(document: str) -> None:
    named = set(re.findall(r"\bFITD_[A-Z_]+\b", (ROOT / document).read_text(encoding="utf-8")))
    assert named == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_gives_meaning_and_default(name: str) -> None:
    field = NAMES[name]
    default = "" if field.default_factory or field.default is None else field.default
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert f"# {field.description}\n#{name}={default}\n" in example


def test_the_example_changes_nothing() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
