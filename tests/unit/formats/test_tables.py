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
from service.formats.tables import ARROW, ARROW_STREAM, CSV, JSON, NDJSON, PARQUET, open_table, write_table
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
    ],
)
def test_delimiter_and_header_are_found(
    tmp_path: Path, text: str, delimiter: str, header: bool, names: list[str]
) -> None:
    file = tmp_path / "file.csv"
    file.write_text(text)
    dialect, found = found_dialect(file, Dialect())
    assert (dialect.delimiter, dialect.header, found) == (delimiter, header, names)


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
        (b'{"a": 1}\n{"a": 2\n', NDJSON, "row 2 is something else"),
        (b'{"a/b": 1}\n{"a/b": "two"}\n', NDJSON, "#/columns/a~1b: .* one of them alone"),
        (b"a,b", CSV, "Expected a table with at least one row; received none"),
        (b'[{"a": 1}, {"a": 2}]', CSV, "Expected a table with at least one row; received none"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, content: bytes, media_type: str, said: str) -> None:
    with pytest.raises(FitdError, match=said):
        table_of(tmp_path, content, media_type)


@pytest.mark.parametrize("header", [",a\n", "a,a\n"])
def test_a_header_without_a_name_or_with_one_twice_is_refused_and_not_taken_for_a_row(
    tmp_path: Path, header: str
) -> None:
    with pytest.raises(Invalid, match=r"that of column 1 has 0\. pandas .*index=False|it is repeated"):
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
        kinds = ["number"] * 4 + ["boolean", "category", "category", "date", "date", "empty"]
        assert list(table.kinds.values()) == kinds
        assert table.numbers("day").tolist()[0] == 1.0
        assert table.numbers("time").tolist() == [2.0, 0.0]
        np.testing.assert_array_equal(table.numbers("half"), [0.5, np.nan])
        texts, codes = table.encoded("decimal")
        assert (texts, codes.tolist()) == (["1.25"], [0, -1])
        assert table.encoded("flag")[0] == ["true"]
        assert table.encoded("none")[0] == []
        assert {column["name"]: column["missing"] for column in table.describe()}["none"] == 2


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


def parquet_of(**columns: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
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
        (b'{"a": 9223372036854775808}', NDJSON, Malformed),
        (b'{"a": {"b": 1}}', NDJSON, Invalid),
        (parquet_of(a=[[1], [2]]), PARQUET, Invalid),
        (parquet_of(a=["x" * 20_000]), PARQUET, TooLarge),
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
    for limits in ({"max_table_cells": 5}, {"max_unpacked_bytes": 10}):
        with pytest.raises(TooLarge):
            read_npz(file, LIMITS.model_copy(update=limits), "x", "y")
    with pytest.raises(Malformed):
        read_npz(file, LIMITS, "z")
    np.savez(file, x=np.array([object()]), y=np.arange(3))
    with pytest.raises(Malformed):
        read_npz(file, LIMITS, "x", "y")
    file.write_bytes(b"PK rubbish")
    with pytest.raises(Malformed):
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
        (["3,14", "about 3"], None),
        ([*(f"{number},5" for number in range(200)), "word"], None),
        (["01234", "10115"], None),
        (["030 123 456"], None),
        (["192.168.0.1", "10.0.0.7"], None),
        (["31.13.2024x"], None),
        ([*map(str, range(9)), "?"], "mostly_number"),
        ([*["1.5", "-2e3", ".5"] * 3, "?"], "mostly_number"),
        ([*map(str, range(8)), "?", "none"], None),
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
