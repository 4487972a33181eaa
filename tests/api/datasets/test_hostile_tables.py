"""Tables that mean harm or are merely broken: stored or refused, never a 500, and nothing left behind."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from service.api.http.uploads import MEDIA_TYPES
from tests.support.serving import Service, assert_problem

PATH = "/v1/datasets"
CSV, JSON, NPZ, OCTETS = "text/csv", "application/json", "application/x-npz", "application/octet-stream"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"
STREAM = "application/vnd.apache.arrow.stream"
UNPACKED = 2_000_000
TABLE = pa.table({"a": [1.5, 2.5, None] * 100, "b": ["x", None, "é"] * 100, "c": [True, False, None] * 100})


def parquet_of(table: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def arrow_of(table: Any, new: Callable[..., Any] = pa.ipc.new_file) -> bytes:
    sink = io.BytesIO()
    with new(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def npz_of(save: Callable[..., Any] = np.savez, **arrays: Any) -> bytes:
    sink = io.BytesIO()
    save(sink, **arrays)
    return sink.getvalue()


def csv_of(columns: int, row: str = "1") -> bytes:
    return (",".join(f"c{i}" for i in range(columns)) + "\n" + ",".join([row] * columns) + "\n").encode()


def zstd_of(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, "zstd", asbytes=True)
    return packed


WHOLE = {
    CSV: b"a,b,c\n" + '1.5,x,true\n2.5,"é, ""y""",false\n'.encode() * 100,
    PARQUET: parquet_of(TABLE),
    ARROW: arrow_of(TABLE),
    STREAM: arrow_of(TABLE, pa.ipc.new_stream),
    NPZ: npz_of(x=np.eye(30), y=np.arange(30)),
    JSON: b'{"x": [' + b"[1, 2.5], " * 50 + b"[3, 4]], " + b'"y": [' + b"0, " * 50 + b"1]}",
    "application/x-ndjson": b'{"a": 1, "b": "x"}\n' * 50,
    "application/gzip": gzip.compress(b"a,b\n" + b"1,2\n" * 500),
    "application/zstd": zstd_of(b"a,b\n" + b"1,2\n" * 500),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("hostile"), max_unpacked_bytes=UNPACKED, max_table_cells=200_000) as made:
        yield made


def posted(service: Service, content: bytes, media_type: str, query: str = "") -> httpx.Response:
    return service.client.post(PATH + query, content=content, headers={"Content-Type": media_type})


REFUSED: dict[str, tuple[Callable[[], bytes], str, str, int]] = {
    "zero rows in CSV": (lambda: b"a,b\n", CSV, "", 400),
    "zero rows in Parquet": (lambda: parquet_of(TABLE.slice(0, 0)), PARQUET, "", 400),
    "zero rows in Arrow": (lambda: arrow_of(TABLE.slice(0, 0)), ARROW, "", 400),
    "zero rows in a stream": (lambda: arrow_of(TABLE.slice(0, 0), pa.ipc.new_stream), STREAM, "", 400),
    "zero rows in JSON": (lambda: b"[]", JSON, "", 400),
    "zero rows in arrays": (lambda: npz_of(x=np.empty((0, 2)), y=np.empty(0)), NPZ, "", 422),
    "Latin-1 called UTF-8": (lambda: "a,b\n1,é\n".encode("latin-1"), CSV, "?encoding=utf-8", 400),
    "UTF-8 called UTF-16": (lambda: b"a,b\n1,2\n3", CSV, "?encoding=utf-16", 400),
    "an encoding that nobody knows": (lambda: b"a,b\n1,2\n", CSV, "?encoding=klingon", 422),
    "an encoding that is none of texts": (lambda: b"a,b\n1,2\n", CSV, "?encoding=base64", 422),
    "a bomb that is called an encoding": (lambda: zlib.compress(bytes(UNPACKED)), CSV, "?encoding=zlib", 422),
    "half a character at the end": (lambda: "a,b\n1,é".encode("utf-16"), CSV, "?encoding=utf-8", 400),
    "a column too many": (lambda: csv_of(10_001), CSV, "", 413),
    "a bomb in gzip": (lambda: gzip.compress(b"a,b\n" + b"1,2\n" * UNPACKED), CSV, "", 413),
    "a bomb in zstd": (lambda: zstd_of(b"a,b\n" + b"1,2\n" * UNPACKED), OCTETS, "", 413),
    "a bomb in a zip": (
        lambda: npz_of(np.savez_compressed, x=np.zeros((1000, 500)), y=np.zeros(1000)),
        NPZ,
        "",
        413,
    ),
    "a bomb in Parquet": (lambda: parquet_of(pa.table({"a": np.zeros(300_000)})), PARQUET, "", 413),
    "a row that never ends": (lambda: b"a,b\n1," + b"x" * 20_000_000, CSV, "", 400),
    "a text that never ends": (lambda: b'a,b\n1,"' + b"x\n" * 10_000_000, CSV, "", 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_table_is_refused_and_nothing_is_left(hostile: Service, name: str) -> None:
    make, media_type, query, status = REFUSED[name]
    before = hostile.rows()
    answer = posted(hostile, make(), media_type, query)
    code = {400: "bad_table", 413: "too_large", 422: "invalid_request"}[status]
    assert_problem(answer, status, code)
    assert hostile.rows() == before
    assert list((hostile.settings.scratch).iterdir()) == []


def test_ten_thousand_columns_are_a_table(service: Service) -> None:
    answer = posted(service, csv_of(10_000), CSV)
    assert answer.status_code == 201, answer.text
    assert answer.json()["width"] == 10_000


def test_columns_without_a_value_are_kept_and_teach_nothing(service: Service) -> None:
    answer = posted(service, b"a,b,c\n,,1\n,,2\n", CSV)
    assert [(one["type"], one["missing"]) for one in answer.json()["columns"]] == [
        ("empty", 2),
        ("empty", 2),
        ("number", 0),
    ]
    asked = {
        "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
        "compile": {"loss": "mse"},
        "data": {"dataset": answer.json()["id"], "target": "c"},
    }
    problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
    assert [error["code"] for error in problem["errors"]] == ["no_features"]


def test_a_wrong_row_is_told_by_its_number(service: Service) -> None:
    rows = b"1,2\n" * 2_000_000
    answer = posted(service, b"a,b\n" + rows + b"1,2,3\n" + rows, CSV)
    assert "Row 2,000,002 has another number of columns" in assert_problem(answer, 400, "bad_table")["detail"]


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_file_that_is_cut_anywhere_is_a_table_or_refused(hostile: Service, media_type: str) -> None:
    whole = WHOLE[media_type]
    assert posted(hostile, whole, media_type).status_code in (200, 201)
    told_by_its_end = media_type not in (CSV, "application/x-ndjson", STREAM)
    for length in range(0, len(whole), len(whole) // 12):
        answer = posted(hostile, whole[:length], media_type)
        assert answer.status_code in ((400, 413, 422) if told_by_its_end else (200, 201, 400, 422)), (
            length,
            answer.text,
        )


@given(
    start=st.sampled_from(
        [b"", b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"PK\x03\x04", b"\x1f\x8b", b"(\xb5/\xfd", b"[", b"{"]
    ),
    rest=st.binary(max_size=200),
    media_type=st.sampled_from(sorted(MEDIA_TYPES)),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_dataset_or_refused(hostile: Service, start: bytes, rest: bytes, media_type: str) -> None:
    assert posted(hostile, start + rest, media_type).status_code in (200, 201, 400, 413, 422)


@example(media_type="application/x-npz", changes=[(0.015815763060882837, 0)])
@given(
    media_type=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_a_dataset_or_refused(
    hostile: Service, media_type: str, changes: list[tuple[float, int]]
) -> None:
    damaged = bytearray(WHOLE[media_type])
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    answer = posted(hostile, bytes(damaged), media_type)
    assert answer.status_code in (200, 201, 400, 413, 422), answer.text
