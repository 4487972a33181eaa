"""What the end-to-end tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server with its own data, ended after the test."""
    made = Server(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()
