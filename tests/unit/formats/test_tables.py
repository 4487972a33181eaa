"""Tables are read in every form, told apart from what is none, and come out as they went in."""

import bz2
import gzip
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from service.config import Limits
from service.errors import FitdError, Invalid, Malformed, TooLarge
from service.formats.compression import compression_of, unpacked
from service.formats.delimited import Dialect, found_dialect
from service.formats.downloads import FORMATS, encode_table
from service.formats.npz import read_npz
from service.formats.tables import (
    ARROW,
    ARROW_STREAM,
    CSV,
    JSON,
    NDJSON,
    PARQUET,
    open_table,
    read_batches,
    write_table,
)
from service.tables import Table, names_in_order

LIMITS = Limits()


def table_of(
    directory: Path, content: bytes, media_type: str = CSV, dialect: Dialect | None = None, **limits: int
) -> Table:
    source, target = directory / "source", directory / "target"
    source.write_bytes(content)
    write_table(source, media_type, target, LIMITS.model_copy(update=limits), dialect)
    return Table.from_file(target)


@pytest.mark.parametrize(
    ("text", "delimiter", "header", "names"),
    [
        ("a,b\n1,2\n", ",", True, ["a", "b"]),
        ("a;b\n1,5;2\n2,5;3\n", ";", True, ["a", "b"]),
        ("a\tb\n1\t2\n", "\t", True, ["a", "b"]),
        ("a|b|c\n1|2|3\n", "|", True, ["a", "b", "c"]),
        ("1,2\n3,4\n", ",", False, ["column_1", "column_2"]),
        ("x,x\n3,4\n", ",", True, ["x", "x"]),
        (",a,b\n0,1.5,x\n1,,y\n", ",", True, ["", "a", "b"]),
        (";a;a\nx;y;1,5\n", ";", True, ["", "a", "a"]),
        ("yes,yes\nno,yes\n", ",", False, ["column_1", "column_2"]),
        (",yes\nno,\n", ",", False, ["column_1", "column_2"]),
        ('"a, b",c\n"1, 2",3\n', ",", True, ["a, b", "c"]),
        ("only\n1\n2\n", ",", True, ["only"]),
        ("1,5;2,5\n3,5;-4,5e3\n", ";", False, ["column_1", "column_2"]),
        ("1,5\tx\n2,5\ty\n", "\t", False, ["column_1", "column_2"]),
        ("1,a;b\n2,c;d\n", ",", False, ["column_1", "column_2"]),
        ("1,2,3;x\n4,5,6;y\n", ",", False, ["column_1", "column_2", "column_3"]),
        ("a\u2028b;c\x0cd\n1;2\n", ";", True, ["a\u2028b", "c\x0cd"]),
        ("x;y\n" + "1,2\u2028\x0b;3\n" * 9, ";", True, ["x", "y"]),
        ("a,b\r1,2\r", ",", True, ["a", "b"]),
    ],
)
def test_delimiter_and_header_are_found(
    tmp_path: Path, text: str, delimiter: str, header: bool, names: list[str]
) -> None:
    file = tmp_path / "file.csv"
    file.write_text(text)
    dialect, found = found_dialect(file, Dialect())
    assert (dialect.delimiter, dialect.header, found) == (delimiter, header, names)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_ten_thousand_columns_are_found_however_long_their_names_or_numbers(
    tmp_path: Path, header: bool, encoding: str
) -> None:
    names = [f"a rather long name of column {number}" for number in range(10_000)] if header else []
    rows = [names] * header + [["-1,2345678901234567e-123"] * 10_000] * 3
    table = table_of(tmp_path, "\n".join(map(";".join, rows)).encode(encoding))
    assert (len(table.names), table.rows, set(table.kinds.values())) == (10_000, 3, {"number"})
    assert not header or table.names == names


def test_a_text_that_is_longer_than_a_sample_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="A text of the column 'a' is longer"):
        table_of(tmp_path, b"a,b\n" + b"x" * 300_000 + b",1\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path, "größe,maß\n1,Öl\n2,Föhn\n".encode(encoding))
    assert table.names == ["größe", "maß"]
    assert table.encoded("maß")[0] == ["Öl", "Föhn"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("rows", [1, 30_000])
def test_utf_16_without_a_mark_is_found(tmp_path: Path, encoding: str, rows: int) -> None:
    table = table_of(tmp_path, ("größe;maß\n" + "1,5;Øl €\n" * rows).encode(encoding))
    assert (table.kinds, table.rows) == ({"größe": "number", "maß": "category"}, rows)
    assert table.encoded("maß")[0] == ["Øl €"]


@pytest.mark.parametrize("content", [b"a\0,b\n1,2\n", "a,b\n1,2\n".encode("utf-32"), b"a,b\n\0\0,2\n"])
def test_a_text_with_nuls_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Malformed, match="received one with NULs"):
        table_of(tmp_path, content)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf_8_sig"])
def test_a_mark_is_no_part_of_the_first_name_whatever_utf_8_is_called(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path, "a,maß\n1,Öl\n".encode("utf-8-sig"), dialect=Dialect(encoding=encoding))
    assert table.names == ["a", "maß"]


@pytest.mark.parametrize("encoding", ["klingon", "", "a\0b", "base64", "rot13", "punycode", "idna", "unicode_escape"])
def test_an_encoding_is_the_name_of_a_character_set(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(Invalid, match="encoding: Expected the name of a character set"):
        table_of(tmp_path, b"a,b\n1,2\n", dialect=Dialect(encoding=encoding))


@pytest.mark.parametrize("encoding", ["bz2", "zlib", "bz2_codec"])
def test_a_compression_named_as_encoding_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr("codecs.getincrementaldecoder", lambda name: pytest.fail(f"decodes {name}"))
    with pytest.raises(Invalid, match="encoding: Expected the name of a character set"):
        table_of(tmp_path, bz2.compress(b"a,b\n1,2\n"), dialect=Dialect(encoding=encoding))


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (b"\x80\x81" * 99, CSV, "Expected a text in UTF-8, UTF-16 or Windows-1252"),
        (b'{"a": 1}\n\n{"a": 2\n', NDJSON, "row 2 is no JSON"),
        (b'[{"a": 1}, {"a": 2}', JSON, r"not JSON: .* \(line 1, column 20\)"),
        (b'[{"a": 1}, 2]', JSON, "row 2 is something else"),
        (b'{"a/b": 1}\n{"a/b": "two"}\n', NDJSON, "#/columns/a~1b: .* one of them alone"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: bytes, media_type: str, said: str) -> None:
    with pytest.raises(FitdError, match=said):
        table_of(tmp_path, content, media_type)


@pytest.mark.parametrize("header", [",a\n", "a,a\n"])
def test_a_header_without_a_name_or_with_one_twice_is_refused_and_not_taken_for_a_row(
    tmp_path: Path, header: str
) -> None:
    with pytest.raises(Invalid, match=r"that of column 1 has 0|it is repeated"):
        table_of(tmp_path, f"{header}1,2\n".encode())


def test_an_encoding_that_shows_late_is_found(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a,b\n" + b"x,1\n" * 30_000 + "Öl,2\n".encode("cp1252"))
    assert table.encoded("a")[0] == ["x", "Öl"]


def test_a_column_that_changes_its_mind_late_keeps_every_value(tmp_path: Path) -> None:
    rows = 3_000_000
    table = table_of(tmp_path, b"a,b\n" + b"1,22\n" * rows + b"1.5,word\n")
    assert table.kinds == {"a": "number", "b": "category"}
    assert table.rows == rows + 1
    assert table.numbers("a")[-1] == 1.5


@pytest.mark.parametrize("end", [b"1.5,word\n", b'5" pipe,word\n', "Öl,2\n".encode("cp1252")])
def test_a_csv_that_is_read_again_takes_no_more_memory_than_its_blocks(tmp_path: Path, end: bytes) -> None:
    rows = b"1,2222222222222222\n" * 4_000_000
    (tmp_path / "source").write_bytes(b"a,b\n" + rows + end)
    code = """
import sys, tracemalloc
from pathlib import Path
import pyarrow as pa
from service.config import Limits
from service.formats.tables import CSV, write_table
tracemalloc.start()
write_table(Path(sys.argv[1]), CSV, Path(sys.argv[2]), Limits())
print(pa.default_memory_pool().max_memory() + tracemalloc.get_traced_memory()[1])
"""
    call = [sys.executable, "-c", code, str(tmp_path / "source"), str(tmp_path / "target")]
    done = subprocess.run(call, capture_output=True, check=True, text=True, timeout=120)
    table = Table.from_file(tmp_path / "target")
    assert table.rows == 4_000_001
    assert int(done.stdout) < 60 << 20 < len(rows)


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


def test_numbers_as_texts_are_written_shortly(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a,b\n1.0,1\n2.0,2.5\n,3\n")
    assert table.encoded("a")[0] == ["1", "2"]
    assert table.encoded("b")[0] == ["1", "2.5", "3"]
    assert names_in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert names_in_order(["b", "10", "a"]) == ["10", "a", "b"]


def test_decimals_after_a_comma_are_numbers(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a;b;c\n1,5;x;2\n2,5;1.2.3;3\n")
    assert table.kinds == {"a": "number", "b": "category", "c": "number"}
    assert table.numbers("a").tolist() == [1.5, 2.5]
    assert table_of(tmp_path, b"a;b\n1,5;2.5\n").kinds == {"a": "category", "b": "number"}


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        table_of(tmp_path, b"a,b\nx,1\n").numbers("a")


def test_rows_of_json_are_a_table(tmp_path: Path) -> None:
    table = table_of(tmp_path, b'{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}\n', NDJSON)
    assert table.kinds == {"a": "number", "b": "category"}
    later = table_of(tmp_path, b'{"a": "2024-01-02"}\n\n{"b": 99999999999}\n', NDJSON)
    assert later.kinds == {"a": "date", "b": "number"}
    assert [column["missing"] for column in later.describe()] == [1, 1]


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


def test_arrays_are_read_without_pickle_and_within_the_limits(tmp_path: Path) -> None:
    file = tmp_path / "file.npz"
    np.savez_compressed(file, x=np.eye(3), y=np.arange(3))
    assert read_npz(file, LIMITS, "x", "y")["x"].tolist() == np.eye(3).tolist()
    for limits in ({"max_table_cells": 5}, {"max_unpacked_bytes": 10}, {"max_columns": 2}):
        with pytest.raises(TooLarge):
            read_npz(file, LIMITS.model_copy(update=limits), "x", "y")
    with pytest.raises(Malformed, match="with the arrays x and z and Y; received one without z and Y"):
        read_npz(file, LIMITS, "x", "z", "Y")
    np.savez(file, x=np.eye(3), y=np.array(["a", "b", "a"], object))
    with pytest.raises(Malformed, match="texts in the array y; received objects of Python"):
        read_npz(file, LIMITS, "x", "y")
    file.write_bytes(b"PK rubbish")
    with pytest.raises(Malformed, match="received one that cannot be read"):
        read_npz(file, LIMITS, "x", "y")


def test_every_column_can_be_had_as_numbers() -> None:
    table = Table(
        pa.table(
            {
                "large": [2**60 + 1, None, -(2**60)],
                "flag": [True, None, False],
                "none": pa.nulls(3),
                "day": pa.array([86_400_000_000, None, 0], pa.timestamp("us")),
                "beyond": [1e300, -1e300, np.nan],
            }
        )
    )
    expected = {
        "large": [2.0**60, np.nan, -(2.0**60)],
        "flag": [1, np.nan, 0],
        "none": [np.nan] * 3,
        "day": [1, np.nan, 0],
        "beyond": [np.inf, np.inf, np.nan],
    }
    for name, numbers in expected.items():
        np.testing.assert_array_equal(table.numbers(name), numbers)


def test_numbers_that_are_all_there_are_not_copied() -> None:
    values = pa.array([1.5, -2.0, float(np.finfo(np.float32).max)])
    numbers = Table(pa.table({"a": values})).numbers("a")
    assert np.shares_memory(numbers, values.to_numpy())
    assert numbers.tolist() == values.to_pylist()


@pytest.mark.parametrize(
    "values",
    [[0.5, -3.0, 2.0, 7.25], [0.5, None, 2.0, 7.25], [0.5, float("nan"), -1.0, 2.0], [float("nan"), None, None, None]],
)
def test_the_least_and_the_most_of_numbers_are_those_that_are_there(values: list[float | None]) -> None:
    column = pa.chunked_array([values[:2], [], values[2:]], pa.float64())
    there = [value for value in values if value is not None and not np.isnan(value)]
    (described,) = Table(pa.table({"a": column})).describe()
    assert described["missing"] == len(values) - len(there)
    assert (described["min"], described["max"]) == (min(there, default=None), max(there, default=None))


def test_dates_beyond_the_calendar_are_refused(tmp_path: Path) -> None:
    far = pa.array([2**62], pa.int64()).cast(pa.timestamp("us"))
    with pytest.raises(Malformed):
        table_of(tmp_path, parquet_of(day=far), PARQUET).describe()


def test_what_is_no_arrow_file_is_not_opened() -> None:
    with pytest.raises(Malformed):
        open_table(b"rubbish")


@pytest.mark.parametrize(
    ("texts", "looks_like"),
    [
        (["1.234,50", "7", "12,5", None], "number"),
        (["3,14", "-2,7"], "number"),
        (["1,234.50", "1'234.50", "1 234,5"], "number"),
        (["31.03.2024", "1.4.24"], "date"),
        (["03/31/2024 10:00", "04/01/2024"], "date"),
        (["31-03-2024", "01-04-2024"], "date"),
        (["2024/03/31"], "date"),
        (["$1.50", "€ 20", "-£3"], "number"),
        (["10%", "7.5 %"], "number"),
        (["12", "?", "7"], "number"),
        (["1e-3", " - ", "2.5"], "number"),
        (["None", "12", "7", None], "number"),
        (["31.03.2024", "unknown"], "date"),
        (["?", "-"], None),
        (["Mr", "?"], None),
        (["12", "Nobody"], None),
        (["A+", "B-", "-"], None),
        (["3,14", "about 3"], None),
        ([*(f"{number},5" for number in range(200)), "word"], None),
        (["01234", "10115"], None),
        (["030 123 456"], None),
        (["192.168.0.1", "10.0.0.7"], None),
        (["31.13.2024x"], None),
        ([None], None),
    ],
)
def test_texts_that_look_like_numbers_or_dates_are_told(texts: list[str | None], looks_like: str | None) -> None:
    [described] = Table(pa.table({"a": pa.array(texts, pa.string())})).describe()
    assert (described["type"], described.get("looks_like")) == ("category", looks_like)


@pytest.mark.parametrize(("old", "new"), [(b"}", b"\0"), (b"(", b"["), (b"'descr'", b"descr")], ids=repr)
def test_a_header_of_numpy_that_cannot_be_read_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    file = tmp_path / "file.npz"
    np.savez(file, x=np.eye(3), y=np.arange(3))
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    with pytest.raises(Malformed):
        read_npz(file, LIMITS, "x", "y")
