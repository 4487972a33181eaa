"""A whole service in one process: the API on a real SQLite file, and a worker that works when told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own."""
    with Service(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for tests that leave nothing behind, with the trained model `xor`."""
    with Service(tmp_path_factory.mktemp("shared"), max_body_bytes=2_000_000) as made:
        made.train()
        yield made
