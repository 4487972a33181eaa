"""A text is cut only where a row ends, and what is wrong with a row is told by its number."""

import io
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from service.config import Limits
from service.data.tables import Table
from service.errors import Invalid, Malformed
from service.formats.csv import blocks as csv_blocks
from service.formats.csv import dialect as delimited
from service.formats.csv import types as csv_types
from service.formats.csv.blocks import cut, exhaust
from service.formats.csv.dialect import Dialect
from service.formats.csv.quotes import OddQuotesError, OpenQuoteError, Quotes
from service.formats.tables import ARROW, CSV, write_table


@pytest.fixture(autouse=True)
def small_blocks() -> Iterator[None]:
    with mock.patch.multiple(csv_blocks, _FIRST_BLOCK_BYTES=16, _BLOCK_BYTES=8, _LONGEST_ROW_BYTES=64):
        yield


QUOTES = Quotes(",", '"')


def blocks_of(text: bytes, *, has_odd: bool = False) -> list[bytes]:
    return [bytes(block) for block in cut(io.BytesIO(text), QUOTES, has_odd=has_odd)]


def table_of(directory: Path, content: bytes, media_type: str = CSV) -> Table:
    source, target = directory / "source", directory / "target"
    source.write_bytes(content)
    write_table(source, media_type, target, Limits())
    return Table.from_file(target)


def test_blocks_end_where_rows_end() -> None:
    text = b"a,b\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12"
    assert b"".join(blocks_of(text)) == text
    assert [block[-1:] for block in blocks_of(text)] == [b"\n"] * 3 + [b"2"]
    assert blocks_of(b"") == []


@pytest.mark.parametrize("has_odd", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_newline_in_a_text_ends_no_row(newline: bytes, has_odd: bool) -> None:
    rows = [b'1,"' + newline * 3 + b'"', b'2,"""' + newline + b'"""', b'"' + newline + b'",""', b"3,x"]
    text = newline.join(rows * 4)
    ends = {len(newline.join((rows * 4)[:count])) + len(newline) for count in range(1, 17)}
    at = 0
    for block in blocks_of(text, has_odd=has_odd)[:-1]:
        at += len(block)
        assert at in ends


def test_a_row_that_never_ends_is_refused() -> None:
    with pytest.raises(Malformed, match="rows of at most 64 bytes"):
        blocks_of(b"a" * 200)
    with pytest.raises(OpenQuoteError):
        blocks_of(b'1,"' + b"x\n" * 100)
    with pytest.raises(OddQuotesError):
        blocks_of(b'5" pipe,1\n' + b"x,2\n" * 100)


def test_a_single_quote_in_a_value_is_a_part_of_it(tmp_path: Path) -> None:
    table = table_of(tmp_path, b'name,size\n5" pipe,1\n' + b"x,2\n" * 100)
    assert (table.rows, table.encoded("name")[0]) == (101, ['5" pipe', "x"])


@pytest.mark.parametrize(
    "broken",
    [
        '3,"open\n4,x\n',
        '3,"open\n4,"closed"\n5,""\n',
        '3,"open\n4,x "quoted"\n5,"""doubled"""\n',
        '3,"open\n4,"another\n5,x\n',
        '3,"open ""\n' + "4,x\n" * 30,
        '3,"open"\n"4,x',
    ],
)
@pytest.mark.parametrize("before", [1, 3, 60])
@pytest.mark.parametrize("odd", ["", '5" pipe,"two\nlines"\n'])
def test_the_row_that_opens_a_quote_and_does_not_close_it_is_named(
    tmp_path: Path, broken: str, before: int, odd: str
) -> None:
    row = before + bool(odd) + 2 + broken.startswith('3,"open"\n')
    with pytest.raises(Invalid, match=f"Row {row} opens a text with a quote that is not closed") as refused:
        table_of(tmp_path, ("a,b\n" + odd + '1,"2\n""3"""\n' * before + broken).encode())
    assert [(one.pointer, one.code) for one in refused.value.findings] == [(f"#/rows/{row - 2}", "open_quote")]


def test_a_header_that_opens_a_quote_and_does_not_close_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="#/columns: Row 1 opens a text"):
        table_of(tmp_path, b'a,"b\n1,2\n3,4\n')


def test_what_follows_a_text_in_quotes_on_its_line_belongs_to_it(tmp_path: Path) -> None:
    table = table_of(tmp_path, b'name,size\n"5" pipe,1\n' + b'"x,\ny",2\n' * 100)
    assert (table.rows, table.encoded("name")[0]) == (101, ["5 pipe", "x,\ny"])


def test_the_row_that_is_wrong_is_named(tmp_path: Path) -> None:
    for rows in (1, 5, 50):
        with pytest.raises(Malformed, match=f"Row {rows + 2} has another .* than the first: 1 instead of 2."):
            table_of(tmp_path, b"a,b\n" + b"1,2\n" * rows + b"3\n" + b"1,2\n" * 9)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("header", ["{0}{0}a,b", 'a,"b"', '"a{0}{0}x","b""{0}y"', '{0}"a{0}","b{0}"', '5" x,b'])
@pytest.mark.parametrize("rows", [1, 60])
def test_a_header_is_no_row_whatever_lines_it_goes_over(tmp_path: Path, header: str, newline: str, rows: int) -> None:
    table = table_of(tmp_path, (header.format(newline) + f"{newline}1,2" * rows).encode())
    assert (table.rows, list(table.kinds.values())) == (rows, ["number", "number"])
    with pytest.raises(Malformed, match=f"Row {rows + 2} has another number of columns"):
        table_of(tmp_path, (header.format(newline) + f"{newline}1,2" * rows + f"{newline}3").encode())


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\nsep=;"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_line_that_tells_excel_the_delimiter_is_no_row(
    tmp_path: Path, line: str, newline: str, encoding: str
) -> None:
    def table(*rows: str) -> Table:
        with mock.patch.object(csv_blocks, "_FIRST_BLOCK_BYTES", 64):
            return table_of(tmp_path, newline.join([line, *rows]).encode(encoding))

    assert table("a,b;c", "1,5;x", "2,5;y,z").kinds == {"a,b": "number", "c": "category"}
    assert (table("1;2", "3;4").names, table("1;2", "3;4").rows) == (["column_1", "column_2"], 2)
    with pytest.raises(Malformed, match="Row 3 has another number of columns"):
        table("a;b", "1;2", "3")


@pytest.mark.parametrize("header", ["a,b", "a,b\n", "\na,b\n\n"])
def test_a_header_alone_is_no_table(tmp_path: Path, header: str) -> None:
    with pytest.raises(Malformed, match="Expected a table with at least one row; received none"):
        table_of(tmp_path, header.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_are_whole_wherever_a_text_is_cut(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path, ("größe,maß\n" + '"Öl, ""ä""",ü\n' * 20).encode(encoding))
    assert (table.rows, table.names) == (20, ["größe", "maß"])
    assert [table.encoded(name)[0] for name in table.names] == [['Öl, "ä"'], ["ü"]]


def test_a_mark_that_is_announced_and_not_there_takes_no_letter(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"name,size\nx,1\n" + b"y,2\n" * 20)
    write_table(tmp_path / "source", CSV, tmp_path / "target", Limits(), Dialect(encoding="utf-8-sig"))
    assert Table.from_file(tmp_path / "target").names == ["name", "size"]
    assert Table.from_file(tmp_path / "target").rows == 21


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_nul_is_refused_wherever_it_stands(tmp_path: Path, encoding: str) -> None:
    for row in ("a\0b,1", "\0" * 50, "word,1\0"):
        text = ("a,b\n" + "ö,1\n" * 40 + row).encode(encoding)
        with (
            mock.patch.object(delimited, "_SAMPLE_BYTES", 64),
            pytest.raises(Malformed, match="received one with NULs"),
        ):
            table_of(tmp_path, text)


def test_a_column_has_the_type_that_takes_every_row_wherever_the_text_is_cut(tmp_path: Path) -> None:
    columns = {
        "number": ["1", "", "2.5", "1e3"],
        "word": ["1", "2.5", "x", "2024-01-01"],
        "date": ["", "2024-01-01", "2024-01-01 10:00:00", "2024-01-01 10:00:00.5"],
        "mixed": ["2024-01-01", "2.5", "", "2024-01-01 10:00:00"],
        "flag": ["true", "", "false", "TRUE"],
        "late": ["", "", "", "7"],
        "yes": ["1", "true", "0", ""],
        "two": ["1", "true", "2", ""],
        "clock": ["10:30", "", "10:30:15", "23:59"],
        "hour": ["2024-01-01", "10:30", "", "NA"],
    }
    rows = [",".join(row) for row in zip(*columns.values(), strict=True) for _ in range(20)]
    with mock.patch.object(csv_blocks, "_LONGEST_ROW_BYTES", 200):
        table = table_of(tmp_path, "\n".join([",".join(columns), *rows]).encode())
    kinds = {"number": "number", "word": "category", "date": "date", "mixed": "category"}
    assert table.kinds == kinds | {"flag": "boolean", "late": "number", "yes": "boolean", "two": "category"} | {
        "clock": "category",
        "hour": "category",
    }
    assert (table.rows, table.arrow["word"][0].as_py(), table.arrow["clock"][0].as_py()) == (80, "1", "10:30")


def test_columns_of_which_only_their_texts_tell_the_type_are_read_once_more_together(tmp_path: Path) -> None:
    names = [f"yes{place}" for place in range(9)]
    rows = [",".join([cell] * len(names)) for cell in ("1", "true", "0", "") for _ in range(20)]
    (tmp_path / "source").write_text("\n".join([",".join(names), *rows]))
    dialect = Dialect(delimiter=",", header=True, encoding="utf-8")
    with (
        mock.patch.object(csv_blocks, "_BLOCK_BYTES", 200),
        mock.patch.object(csv_blocks, "_FIRST_BLOCK_BYTES", 200),
        mock.patch.object(csv_types, "batches_of", wraps=csv_blocks.batches_of) as readings,
    ):
        schema = csv_types.widest_types(tmp_path / "source", dialect, names)
    assert set(map(str, schema.types)) == {"bool"}
    assert readings.call_count == 2


def test_equal_tables_are_equal_bytes_however_they_came(tmp_path: Path) -> None:
    rows = [f"{number},{number / 8},x{number % 7}" for number in range(70_000)]
    with mock.patch.multiple(csv_blocks, _FIRST_BLOCK_BYTES=300_000, _BLOCK_BYTES=100_000):
        table_of(tmp_path, "\n".join(["a,b,c", *rows]).encode())
        stored = (tmp_path / "target").read_bytes()
        table_of(tmp_path, "\r\n".join(["a;b;c", *rows]).replace(",", ";").encode())
        assert (tmp_path / "target").read_bytes() == stored
    table_of(tmp_path, stored, ARROW)
    assert (tmp_path / "target").read_bytes() == stored


def test_a_stream_is_read_to_its_end() -> None:
    stream = io.BytesIO(bytes(100))
    exhaust(stream)
    assert stream.read() == b""
