"""The dialect, the names and the encoding of a delimited text are found, however it is written."""

import bz2
import subprocess
import sys
from pathlib import Path

import pytest

from service.data.tables import Table
from service.errors import Invalid, Malformed, TooLarge
from service.formats.csv.dialect import Dialect, found_dialect
from tests.support.tables import table_of


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
    made = found_dialect(file, Dialect())
    dialect, found = made.dialect, made.names
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


@pytest.mark.parametrize("header", [",a\n", "a,a\n"])
def test_a_header_without_a_name_or_with_one_twice_is_refused_and_not_taken_for_a_row(
    tmp_path: Path, header: str
) -> None:
    with pytest.raises(Invalid, match=r"that of column 1 has 0 \(pandas .* index=False\)|it is repeated"):
        table_of(tmp_path, f"{header}1,2\n".encode())


def test_an_encoding_that_shows_late_is_found(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a,b\n" + b"x,1\n" * 30_000 + "Öl,2\n".encode("cp1252"))
    assert table.encoded("a")[0] == ["x", "Öl"]


@pytest.mark.parametrize("before", [10, 30_000])
def test_a_text_in_utf_8_with_a_mistake_is_not_taken_for_another_encoding(tmp_path: Path, before: int) -> None:
    for start in ("ä,öü\n" + "x,1\n" * before, "a,b\n" + "Öl,1\n" * before):
        with pytest.raises(Malformed, match=f"UTF-8, as most of it is; received other .* in line {before + 2:,}\\."):
            table_of(tmp_path, start.encode() + b"\xd6l,2\n")
    for text in ("a,«CAFÉ»\n" + "x,1\n" * before + "Öl,2\n", "a,b\nÖl,1\n" + "CAFÉ»,1\n"):
        assert table_of(tmp_path, text.encode("cp1252")).rows == text.count("\n") - 1


@pytest.mark.parametrize(
    ("encoding", "wrong"), [("utf-8", b"\xd6l,1\n"), ("ascii", b"\xd6l,1\n"), (None, b"\x81,1\n"), ("utf-16", b"x")]
)
def test_bytes_that_an_encoding_does_not_have_are_told_of_wherever_they_stand(
    tmp_path: Path, encoding: str | None, wrong: bytes
) -> None:
    content = ("a,b\n" + "x,1\n" * 40_000).encode(encoding or "ascii") + wrong
    with pytest.raises(Malformed, match=r"bytes that are no letters in its encoding; say \?encoding="):
        table_of(tmp_path, content, dialect=Dialect(encoding=encoding))


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
small = Path(sys.argv[1] + ".small")
small.write_text("a,b\\n1,2\\n1.5,word\\n")
write_table(small, CSV, Path(sys.argv[2]), Limits())  # what it imports is no memory of reading
tracemalloc.start()
write_table(Path(sys.argv[1]), CSV, Path(sys.argv[2]), Limits())
print(pa.default_memory_pool().max_memory() + tracemalloc.get_traced_memory()[1])
"""
    call = [sys.executable, "-c", code, str(tmp_path / "source"), str(tmp_path / "target")]
    done = subprocess.run(call, capture_output=True, check=True, text=True, timeout=120)
    table = Table.from_file(tmp_path / "target")
    assert table.rows == 4_000_001
    assert int(done.stdout) < 60 << 20 < len(rows)


def test_decimals_after_a_comma_are_numbers(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a;b;c\n1,5;x;2\n2,5;1.2.3;3\n")
    assert table.kinds == {"a": "number", "b": "category", "c": "number"}
    assert table.numbers("a").tolist() == [1.5, 2.5]
    assert table_of(tmp_path, b"a;b\n1,5;2.5\n").kinds == {"a": "category", "b": "number"}
