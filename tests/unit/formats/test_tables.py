"""Tables are read in every form, told apart from what is none, and come out as they went in."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from service.errors import FitdError, Invalid, Malformed, TooLarge
from service.formats.compression import compression_of, unpacked
from service.formats.downloads import FORMATS, encode_table
from service.formats.tables import (
    ARROW,
    ARROW_STREAM,
    CSV,
    JSON,
    NDJSON,
    PARQUET,
    read_batches,
)
from tests.support.tables import LIMITS, table_of


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (b"\x80\x81" * 99, CSV, "Expected a text in UTF-8, UTF-16 or Windows-1252"),
        (b'{"a": 1}\n\n{"a": 2\n', NDJSON, "row 2 is no JSON"),
        (b'[{"a": 1}, {"a": 2}', JSON, r"not JSON: .* \(line 1, column 20\)"),
        (b'[{"a": 1}, 2]', JSON, "row 2 is something else"),
        (b'{"a/b": 1}\n{"a/b": "two"}\n', NDJSON, "#/columns/a~1b: .* one of them alone"),
        (b"a,b", CSV, "Expected a table with at least one row; received none"),
        (b'[{"a": 1}, {"a": 2}]', CSV, "Expected a table with at least one row; received none"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: bytes, media_type: str, said: str) -> None:
    with pytest.raises(FitdError, match=said):
        table_of(tmp_path, content, media_type)


def test_every_type_becomes_a_plain_one(tmp_path: Path) -> None:
    arrow = pa.table(
        {
            "int": pa.array([1, None], pa.int8()),
            "big": pa.array([1, 2**63], pa.uint64()),
            "half": pa.array([0.5, None], pa.float16()),
            "decimal": pa.array(["1.25", None]).cast(pa.decimal128(6, 2)),
            "flag": [True, None],
            "text": pa.array(["a", None]).dictionary_encode(),
            "large": pa.array(["b", "c"], pa.large_string()),
            "view": pa.array(["x", None, "d", "a text that is longer than a view"], pa.string_view())[2:],
            "views": pa.array(["b", None]).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string_view())),
            "day": pa.array([1, None], pa.date32()),
            "time": pa.array([86_400_000 * 2, 0], pa.timestamp("ms", "UTC")),
            "none": pa.nulls(2),
        }
    )
    sink, stream = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_file(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    with pa.ipc.new_stream(stream, arrow.schema) as writer:
        writer.write_table(arrow)
    for content, media_type in ((sink.getvalue(), ARROW), (stream.getvalue(), ARROW_STREAM)):
        table = table_of(tmp_path, content, media_type)
        kinds = ["number"] * 4 + ["boolean"] + ["category"] * 4 + ["date", "date", "empty"]
        assert list(table.kinds.values()) == kinds
        assert table.numbers("day").tolist()[0] == 1.0
        assert table.numbers("time").tolist() == [2.0, 0.0]
        np.testing.assert_array_equal(table.numbers("half"), [0.5, np.nan])
        texts, codes = table.encoded("decimal")
        assert (texts, codes.tolist()) == (["1.25"], [0, -1])
        assert table.encoded("flag")[0] == ["true"]
        assert table.encoded("view")[0] == ["d", "a text that is longer than a view"]
        assert table.encoded("views")[0] == ["b"]
        assert table.encoded("none")[0] == []
        assert {column["name"]: column["missing"] for column in table.describe()}["none"] == 2


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", None])
def test_texts_are_read_from_parquet_however_they_are_encoded(
    tmp_path: Path, kind: pa.DataType, encoding: str | None
) -> None:
    texts = [None if number % 5 == 0 else f"text {number % 700}" for number in range(3000)]
    sink = io.BytesIO()
    asked: dict[str, Any] = {} if encoding is None else {"column_encoding": {"a.b": encoding}, "use_dictionary": False}
    written = pa.table({"a": range(3000), "a.b": pa.array(texts, kind)})
    parquet.write_table(written, sink, row_group_size=999, **asked)
    table = table_of(tmp_path, sink.getvalue(), PARQUET)
    assert table.arrow["a.b"].to_pylist() == texts


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_a_text_that_a_small_parquet_file_repeats_takes_its_memory_once(tmp_path: Path, kind: pa.DataType) -> None:
    rows, sink, pool = pa.table({"a": pa.array(["x" * 100_000] * 64, kind)}), io.BytesIO(), pa.default_memory_pool()
    with parquet.ParquetWriter(sink, rows.schema) as writer:
        for _ in range(100):
            writer.write_table(rows)
    before = pool.max_memory()
    with pytest.raises(TooLarge):
        table_of(tmp_path, sink.getvalue(), PARQUET)
    assert pool.max_memory() - before < 100 << 20 < 100 * rows.nbytes


@pytest.mark.parametrize("media_type", [PARQUET, ARROW])
def test_columns_that_nobody_wants_are_named_and_not_read(tmp_path: Path, media_type: str) -> None:
    columns = {"a": [1, 2, 3], "a.b": ["x" * 20_000] * 3, "c": ["u", "v", "w"]}
    file = tmp_path / "source"
    file.write_bytes((parquet_of if media_type == PARQUET else arrow_of)(**columns))
    for wanted in ({"a"}, {"c", "a", "elsewhere"}, set[str]()):
        [batch] = read_batches(file, media_type, LIMITS, wanted)
        expected = {name: values if name in wanted else [None] * 3 for name, values in columns.items()}
        assert batch.to_pydict() == expected
    with pytest.raises(TooLarge):
        list(read_batches(file, media_type, LIMITS))
    with pytest.raises(TooLarge):
        list(read_batches(file, media_type, LIMITS.model_copy(update={"max_table_cells": 8}), {"a"}))
    file.write_bytes(parquet_of(a=[1], b=[[1]]) if media_type == PARQUET else arrow_of(a=[1], b=[[1]]))
    with pytest.raises(Invalid, match="#/columns/b"):
        list(read_batches(file, media_type, LIMITS, {"a"}))


@pytest.mark.parametrize("media_type", [PARQUET, ARROW, ARROW_STREAM])
def test_what_a_file_has_behind_missing_values_is_not_stored(tmp_path: Path, media_type: str) -> None:
    written = b"".join(b"%d.5,%d,true,2024-01-01,text\n,,,,\n" % (number, number) for number in range(50))
    table_of(tmp_path, b"a,b,c,d,e\n" + written)
    stored = (tmp_path / "target").read_bytes()
    missing = pa.array([number % 2 for number in range(100)], pa.int8()).cast(pa.bool_())
    columns = {
        "a": pa.array([number // 2 + 0.5 for number in range(100)]),
        "b": pa.array([number // 2 for number in range(100)], pa.int32()),
        "c": pa.array([True] * 100),
        "d": pa.array([19_723] * 100, pa.int32()).cast(pa.date32()),
        "e": pa.array(["text"] * 100),
    }
    valid = pc.invert(missing).buffers()[1]
    hidden = {
        name: pa.Array.from_buffers(column.type, 100, [valid, *column.buffers()[1:]])
        for name, column in columns.items()
    }
    assert np.frombuffer(hidden["b"].buffers()[1], np.int32)[3] == 1
    sink, table = io.BytesIO(), pa.table(hidden)
    if media_type == PARQUET:
        parquet.write_table(table, sink)
    else:
        with (pa.ipc.new_file if media_type == ARROW else pa.ipc.new_stream)(sink, table.schema) as writer:
            writer.write_table(table)
    table_of(tmp_path, sink.getvalue(), media_type)
    assert (tmp_path / "target").read_bytes() == stored


def test_rows_of_json_are_a_table(tmp_path: Path) -> None:
    table = table_of(tmp_path, b'{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}\n', NDJSON)
    assert table.kinds == {"a": "number", "b": "category"}
    later = table_of(tmp_path, b'{"a": "2024-01-02"}\n\n{"b": 99999999999}\n', NDJSON)
    assert later.kinds == {"a": "date", "b": "number"}
    assert [column["missing"] for column in later.describe()] == [1, 1]


@pytest.mark.parametrize(("start", "between", "end", "media_type"), [("[", ",", "]", JSON), ("", "\n", "", NDJSON)])
def test_nan_among_rows_of_json_is_a_missing_value(
    tmp_path: Path, start: str, between: str, end: str, media_type: str
) -> None:
    rows = between.join(['{"a": 1, "b": NaN}', '{"a": NaN, "b": 2.5}'])
    table = table_of(tmp_path, f"{start}{rows}{end}".encode(), media_type)
    assert table.kinds == {"a": "number", "b": "number"}
    assert [column["missing"] for column in table.describe()] == [1, 1]


def test_a_text_that_is_no_json_is_told_where_it_ends_to_be(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"The body is not JSON: .*line 1, column 11") as caught:
        table_of(tmp_path, b'[{"a": 1},}]', JSON)
    assert caught.value.code == "bad_table"


@pytest.mark.parametrize(
    ("values", "kind", "missing"),
    [
        (["9223372036854775808", "1"], "number", 0),
        (["9007199254740993", "0.5", "3"], "number", 0),
        (["1", "NaN", "3"], "number", 1),
        (['"x"', "NaN", '"y"'], "category", 1),
        (['"2024-01-01T10:00:00.000Z"', '"2024-01-01T10:00:00+02:00"'], "date", 0),
    ],
)
def test_values_of_json_are_what_they_look_like(tmp_path: Path, values: list[str], kind: str, missing: int) -> None:
    rows = "[" + ", ".join(f'{{"a": {value}}}' for value in values) + "]"
    for mark in ("", "\ufeff"):
        [column] = table_of(tmp_path, (mark + rows).encode(), JSON).describe()
        assert (column["type"], column["missing"]) == (kind, missing)


def parquet_of(**columns: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def arrow_of(**columns: Any) -> bytes:
    table, sink = pa.table(columns), io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "error"),
    [
        (b"a,b\n1,2\n3\n", CSV, Malformed),
        (b"a,b\n", CSV, Malformed),
        (b"\n\n", CSV, Malformed),
        (b"rubbish", PARQUET, Malformed),
        (b"ARROW1rubbish", ARROW, Malformed),
        (b"rubbish", ARROW_STREAM, Malformed),
        (b"[1, 2]", NDJSON, Malformed),
        (b'{"a": 1}\n{"a": ', NDJSON, Malformed),
        (b'{"a": 1}\n{"a": "b"}', NDJSON, Invalid),
        (b'{"a": true}\n{"a": 1.5}', NDJSON, Invalid),
        (b'{"a": {"b": 1}}', NDJSON, Invalid),
        (parquet_of(a=[[1], [2]]), PARQUET, Invalid),
        (parquet_of(a=["x" * 20_000]), PARQUET, TooLarge),
        (arrow_of(a=pa.array(["x", "x" * 20_000], pa.string_view())), ARROW, TooLarge),
        (parquet_of(**{"": [1]}), PARQUET, Invalid),
        (b"a,b,c,d\n1,2,3,4\n", CSV, TooLarge),
        (b"a\n" + b"1\n" * 12, CSV, TooLarge),
    ],
)
def test_what_is_no_table_or_too_large_is_refused(
    tmp_path: Path, content: bytes, media_type: str, error: type[FitdError]
) -> None:
    with pytest.raises(error):
        table_of(tmp_path, content, media_type, max_columns=3, max_table_rows=10)


@example(content=b"{}", media_type=NDJSON)
@given(content=st.binary(max_size=300), media_type=st.sampled_from([CSV, PARQUET, ARROW, ARROW_STREAM, NDJSON]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_table_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, media_type: str
) -> None:
    try:
        table = table_of(tmp_path_factory.mktemp("any"), content, media_type)
    except FitdError:
        return
    assert table.rows > 0
    assert len(table.describe()) == len(table.names)


@pytest.mark.parametrize("media_type", FORMATS.values())
def test_a_table_goes_out_and_comes_in_the_same(tmp_path: Path, media_type: str) -> None:
    table = table_of(tmp_path, b"a,b,c,d\n1,x,true,2024-01-01\n2.5,,false,\n")
    content = b"".join(encode_table(table.arrow, media_type))
    again = table_of(tmp_path, content, media_type)
    assert again.describe() == table.describe()
    assert next(part.rows for part in table.parts(2)) == min(2, table.rows)


def test_a_disk_that_is_too_full_to_unpack_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "table.unpacked").symlink_to("/dev/full")
    (tmp_path / "table.csv").write_bytes(gzip.compress(b"a,b\n1,2\n" * 1000))
    with pytest.raises(OSError, match="No space"):
        unpacked(tmp_path / "table.csv", 10_000)


def test_what_is_compressed_is_unpacked_up_to_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for pack in (gzip.compress, lambda content: pa.compress(content, "zstd", asbytes=True)):
        file.write_bytes(pack(b"a,b\n1,2\n" * 1000))
        assert unpacked(file, 10_000).read_bytes() == b"a,b\n1,2\n" * 1000
        with pytest.raises(TooLarge):
            unpacked(file, 1000)
    file.write_bytes(gzip.compress(b"a" * 10_000)[:-12])
    with pytest.raises(Malformed):
        unpacked(file, 20_000)
    file.write_bytes(b"plain")
    assert unpacked(file, 1) == file
    assert compression_of(b"plain") is None


def test_dates_beyond_the_calendar_are_refused(tmp_path: Path) -> None:
    far = pa.array([2**62], pa.int64()).cast(pa.timestamp("us"))
    with pytest.raises(Malformed):
        table_of(tmp_path, parquet_of(day=far), PARQUET).describe()
