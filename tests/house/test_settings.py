"""Every setting is documented wherever a reader would look, and nothing else is."""

import re
from pathlib import Path

import pytest

from docs.generate import command_line_page, settings_page
from service.config import Settings

ROOT = Path(__file__).parents[2]
NAMES = {f"FITD_{field.upper()}": info for field, info in Settings.model_fields.items()}


def test_the_example_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"\bFITD_[A-Z_]+\b", (ROOT / ".env.example").read_text(encoding="utf-8")))
    assert named == set(NAMES)


def test_the_reference_of_settings_is_made_of_all_of_them() -> None:
    page = settings_page()
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_example_gives_meaning_and_default(name: str) -> None:
    field = NAMES[name]
    default = "" if field.default_factory or field.default is None else field.default
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert f"# {field.description}\n#{name}={default}\n" in example


def test_the_example_changes_nothing() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_reference_of_the_command_line_has_every_command() -> None:
    page = command_line_page()
    for command in ("serve", "api", "worker", "cluster", "migrate", "backup"):
        assert f"## {command}\n" in page
        assert f"python -m service {command}" in page
    assert "lifeline" not in page
