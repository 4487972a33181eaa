"""The compose files are what the Compose Specification allows, and start without a guess at a password."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.config import Settings

ROOT = Path(__file__).parents[2]
FILES = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("docker-compose*.yml")}
NAME = re.compile(r"[a-zA-Z0-9._-]+")
"""Of services, volumes and networks, in the specification's JSON schema."""
PROFILE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")


@pytest.mark.parametrize("file", FILES)
def test_every_name_is_one_that_the_specification_allows(file: str) -> None:
    document = FILES[file]
    assert PROJECT.fullmatch(document["name"])
    for group in ("services", "volumes", "networks"):
        assert [name for name in document.get(group) or {} if not NAME.fullmatch(name)] == []
    profiles = [profile for service in document["services"].values() for profile in service.get("profiles", ())]
    assert [profile for profile in profiles if not PROFILE.fullmatch(profile)] == []


def test_the_first_file_starts_one_service_without_a_profile_and_without_a_password() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert list(FILES["docker-compose.yml"]["services"]) == ["fitd"]
    assert "profiles" not in text
    assert "PASSWORD" not in text
    assert ":?" not in text


def test_no_password_has_a_default() -> None:
    for path in ROOT.glob("docker-compose*.yml"):
        for variable in re.findall(r"\$\{([^}]*PASSWORD[^}]*)\}", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[A-Z_]+:\?.+", variable)


@pytest.mark.parametrize("file", FILES)
def test_a_service_answers_to_its_name_and_has_as_little_as_it_needs(file: str) -> None:
    services: dict[str, dict[str, Any]] = FILES[file]["services"]
    for name, service in services.items():
        if service["image"] != "fitd":
            continue
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert {one for one in service["environment"] if one.startswith("FITD_")} <= {
            f"FITD_{field.upper()}" for field in Settings.model_fields
        }
        if "ports" in service:
            assert name in service["environment"]["FITD_ALLOWED_HOSTS"].partition("$")[0].split(",")


def test_the_readme_names_each_file_that_is_not_found_by_itself() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if name != "docker-compose.yml" and name not in readme] == []
