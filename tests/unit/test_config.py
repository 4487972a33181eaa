"""Settings: from the environment, with defaults that suit one machine."""

import os
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.config import Settings, explained, memory_here, misspelt


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("FITD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_everything_has_a_value(tmp_path: Path) -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url == f"sqlite:///{tmp_path}/data/fitd.db"
    assert settings.workers >= 1


def test_the_database_lies_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_DATA_DIR", "/srv/fitd")
    assert Settings().database_url == "sqlite:////srv/fitd/fitd.db"
    monkeypatch.setenv("FITD_DATABASE_URL", "postgresql+psycopg://fitd@db/fitd")
    assert Settings().database_url == "postgresql+psycopg://fitd@db/fitd"


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_PORT", "")
    monkeypatch.setenv("FITD_DATABASE_URL", "")
    settings = Settings()
    assert settings.port == 8000
    assert settings.database_url.startswith("sqlite:///")


def test_a_file_named_env_is_read_and_the_environment_comes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("FITD_PORT=9000\nFITD_WORKERS=3\nOTHER=1\n", encoding="utf-8")
    monkeypatch.setenv("FITD_WORKERS", "5")
    settings = Settings()
    assert (settings.port, settings.workers) == (9000, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "none"), ("PORT", "70000"), ("WORKERS", "-1"), ("LEASE_SECONDS", "0"), ("LOG_LEVEL", "loud")],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FITD_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_do_not_show_the_database_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_DATABASE_URL", "postgresql+psycopg://fitd:secret@db/fitd")
    assert "secret" not in repr(Settings())


def test_the_memory_of_a_training_is_bounded_by_that_of_the_machine_unless_workers_may_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings().max_memory_bytes == memory_here()
    monkeypatch.setenv("FITD_DATABASE_URL", "postgresql+psycopg://fitd@db/fitd")
    assert Settings().max_memory_bytes is None
    monkeypatch.setenv("FITD_MAX_MEMORY_BYTES", "1000")
    assert Settings().max_memory_bytes == 1000
    monkeypatch.delenv("FITD_DATABASE_URL")
    assert Settings().max_memory_bytes == 1000


@pytest.mark.parametrize(("written", "known"), [("1048576", 2**20), ("max", None)])
def test_a_container_has_the_memory_that_it_is_given(tmp_path: Path, written: str, known: int | None) -> None:
    (tmp_path / "memory.max").write_text(f"{written}\n", encoding="ascii")
    assert memory_here([str(tmp_path / "memory.max"), "/nowhere"]) == (known or memory_here([]))


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_project_makes_no_wheel_and_says_its_release_in_one_place() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "build-system" not in project
    assert project["project"]["dynamic"] == ["version"]


def test_a_cluster_is_read_from_its_old_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_ENGINE", "dask://old")
    assert Settings().cluster == "dask://old"
    monkeypatch.setenv("FITD_CLUSTER", "dask://new")
    assert Settings().cluster == "dask://new"
    assert misspelt(["FITD_ENGINE"]) == {}


def test_only_the_variables_that_are_wrong_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_PORT", "70000")
    monkeypatch.setenv("FITD_WORKERS", "some")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert [line.partition(":")[0] for line in explained(caught.value).splitlines()] == ["FITD_PORT", "FITD_WORKERS"]


def test_a_variable_that_is_nearly_a_setting_is_noticed() -> None:
    links = ["FITD_SERVICE_HOST", "FITD_PORT_8000_TCP_ADDR", "FITD_SERVICE_PORT"]  # as Kubernetes makes them
    names = ["FITD_WROKERS", "FITD_WORKERS", "fitd_workers", "FITD_DATADIR", "PATH", *links]
    assert misspelt(names) == {"FITD_WROKERS": "FITD_WORKERS", "FITD_DATADIR": "FITD_DATA_DIR"}
