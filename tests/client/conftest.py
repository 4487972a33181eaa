"""What the tests of the client share: one real service with real workers for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import fitd
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service, ended after the module."""
    made = Server(tmp_path_factory.mktemp("service"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def client(service: Server) -> Iterator[fitd.Client]:
    """A client of the service."""
    with fitd.Client(service.url) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FITD_URL", "FITD_API_KEY", "FITD_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FITD_PROFILE_FILE", str(tmp_path / "profiles.toml"))
