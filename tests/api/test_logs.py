"""Each request is one line of the log, with its id and key and without its path, its key's secret or its data."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import logs
from service.access import Scope
from tests.support.keys import LockedService, bearer


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged as JSON."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs._Json())
    level = logging.getLogger("fitd").level
    logging.getLogger("fitd").addHandler(handler)
    logging.getLogger("fitd").setLevel(logging.INFO)
    yield handler.stream
    logging.getLogger("fitd").removeHandler(handler)
    logging.getLogger("fitd").setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_id_and_its_key(tmp_path: Path, stream: io.StringIO) -> None:
    with LockedService(tmp_path) as service:
        key = service.keys[Scope.READ]
        service.client.get("/v1/models/secret-name", headers={**bearer(key), "X-Request-Id": "mine"})
        service.client.get("/v1/models/secret-name")
    known, unknown = (line for line in lines(stream) if line["logger"] == "fitd.access")
    assert (known["route"], known["method"], known["status"]) == ("/v1/models/{name}", "GET", 404)
    assert (known["request"], known["key"]) == ("mine", "key_" + key.split("_")[1])
    assert (unknown["status"], "key" in unknown) == (401, False)
    assert key not in stream.getvalue()
    assert "secret-name" not in stream.getvalue()


def test_lines_name_what_they_are_about(stream: io.StringIO) -> None:
    log = logging.getLogger("fitd.test")
    with logs.about(request="r", key=None), logs.about(job="job_1"):
        log.warning("inside")
    log.warning("outside")
    inside, outside = lines(stream)
    assert (inside["request"], inside["job"], inside["level"]) == ("r", "job_1", "warning")
    assert not {"request", "job", "key"} & outside.keys()
