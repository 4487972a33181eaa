"""Spreadsheets become tables as their cells say, and are refused before they cost memory."""

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from service.errors import Findings, Malformed, TooLarge
from service.formats.csv.dialect import Dialect
from service.formats.spreadsheets.kinds import ODS, XLS, XLSX
from service.formats.spreadsheets.sheets import read_sheet
from tests.support.spreadsheets import changed, with_sheet, xlsx_of
from tests.support.tables import LIMITS

FILES = Path(__file__).parent / "files"
DAY = dt.datetime.fromisoformat("2024-01-02")
MOMENT = dt.datetime.fromisoformat("2024-05-06 07:08")
ROWS: list[list[Any]] = [
    ["name", "n", "x", "when", "ok", "code"],
    ["a", 1, 1.5, DAY, True, "01"],
    ["b", None, 2.5, MOMENT, False, "02"],
    ["NA", 3, None, None, True, "1"],
]


def read(directory: Path, content: bytes, media_type: str = XLSX, **said: Any) -> tuple[pa.RecordBatch, list[str]]:
    source = directory / "source"
    source.write_bytes(content)
    findings = Findings()
    batch = read_sheet(source, media_type, LIMITS, Dialect(**said), findings)
    return batch, [one.code for one in findings.warnings]


@pytest.mark.parametrize("form", [XLSX, XLS, ODS])
def test_cells_keep_their_types_in_every_kind_of_spreadsheet(tmp_path: Path, form: str) -> None:
    content = {XLS: FILES / "table.xls", ODS: FILES / "table.ods"}
    batch, warned = read(tmp_path, content[form].read_bytes() if form in content else xlsx_of(ROWS), form)
    assert batch.to_pydict() == {
        "name": ["a", "b", "NA"],
        "n": [1, None, 3],
        "x": [1.5, 2.5, None],
        "when": [DAY, MOMENT, None],
        "ok": [True, False, True],
        "code": ["01", "02", "1"],
    }
    assert batch.schema.types == [pa.string(), pa.int64(), pa.float64(), pa.timestamp("us"), pa.bool_(), pa.string()]
    assert warned == []


def test_a_gap_in_words_is_one_beside_numbers_and_a_text_beside_texts(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["x", "t", "z"], [1, "NA", 7], ["n/a", "b", "missing"], [2.5, "c", 8]]
    batch, warned = read(tmp_path, xlsx_of(rows), gaps=("missing",))
    assert batch.to_pydict() == {"x": [1.0, None, 2.5], "t": ["NA", "b", "c"], "z": [7, None, 8]}
    assert "mixed_types" not in warned


def test_a_column_of_several_kinds_is_text_with_a_warning(tmp_path: Path) -> None:
    batch, warned = read(tmp_path, xlsx_of([["m", "x"], [12, 1], ["twelve", 2], [1.5, 3], [True, 4]]))
    assert batch.to_pydict()["m"] == ["12", "twelve", "1.5", "true"]
    assert warned == ["mixed_types"]


def test_a_table_may_stand_anywhere_in_its_sheet_with_empty_rows_and_columns(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["x", None, "y"], [1, None, 2], [None, None, None], [3, None, 4]]
    batch, _ = read(tmp_path, xlsx_of(rows, at=(5, 3)))
    assert batch.to_pydict() == {"x": [1, 3], "y": [2, 4]}
    titled, _ = read(tmp_path, xlsx_of([["Sales of 2024"], *rows], at=(3, 1)), skip_rows=3)
    assert titled.to_pydict() == batch.to_pydict()


def test_names_may_be_numbers_and_may_be_missing(tmp_path: Path) -> None:
    years, _ = read(tmp_path, xlsx_of([["country", 2019, 2020], ["a", 1.5, 2.5], ["b", 3.5, 4.5]]))
    assert years.schema.names == ["country", "2019", "2020"]
    bare, _ = read(tmp_path, xlsx_of([[1, 2.5], [3, 4.5]]))
    assert bare.to_pydict() == {"column_1": [1, 3], "column_2": [2.5, 4.5]}
    told, _ = read(tmp_path, xlsx_of([["a", "b"], ["c", "d"]]), header=False)
    assert told.num_rows == 2


def test_the_first_visible_sheet_is_read_unless_another_is_named(tmp_path: Path) -> None:
    content = xlsx_of([["x"], [1]], sheets=("Others",))
    hidden = changed(content, "xl/workbook.xml", b'name="Sheet" sheetId="1" state="visible"',
                     b'name="Sheet" sheetId="1" state="hidden"')  # fmt: skip
    assert read(tmp_path, content)[0].to_pydict() == {"x": [1]}
    assert read(tmp_path, hidden, header=False)[0].to_pydict() == {"column_1": ["other"]}
    assert read(tmp_path, hidden, sheet="Sheet")[0].to_pydict() == {"x": [1]}
    with pytest.raises(Malformed, match="no sheet of this name; the sheets are 'Sheet', 'Others'"):
        read(tmp_path, content, sheet="Third")


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="ZZZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c><v>1</v></c></row><row r="999999999"><c><v>1</v></c></row>',
    ],
)
def test_cells_far_apart_are_refused_before_the_rectangle_is_built(tmp_path: Path, rows: str) -> None:
    with pytest.raises(TooLarge, match=r"more (rows|columns|cells) than the limit"):
        read(tmp_path, with_sheet(rows))


def test_far_cells_that_hold_nothing_do_not_count(tmp_path: Path) -> None:
    far = '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c><c r="XFD1" s="0"/></row>'
    far += '<row r="2"><c><v>5</v></c></row>'
    batch, _ = read(tmp_path, with_sheet(far + '<row r="1048576"><c r="A1048576"/></row>'))
    assert batch.to_pydict() == {"x": [5]}


def test_a_shared_text_counts_as_often_as_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected: list[int] = []
    monkeypatch.setattr("service.formats.spreadsheets.sheets.expect", expected.append)
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 1001))
    read(tmp_path, with_sheet(cells, f"<si><t>{'y' * 9000}</t></si>"), header=False)
    assert expected[0] >= 1000 * 9000
    with pytest.raises(Malformed, match="cannot be read"):
        read(tmp_path, with_sheet(cells, ""))


@pytest.mark.parametrize("times", [2**20, 2**40])
def test_repeated_cells_of_an_open_document_count_as_often_as_they_are_repeated(tmp_path: Path, times: int) -> None:
    content = (FILES / "table.ods").read_bytes()
    bomb = changed(
        content,
        "content.xml",
        b"<table:table-cell ",
        f'<table:table-cell table:number-columns-repeated="{times}" '.encode(),
    )
    with pytest.raises(TooLarge, match="more columns than the limit"):
        read(tmp_path, bomb, ODS)


def test_a_member_that_unpacks_to_more_than_it_says_is_never_read(tmp_path: Path) -> None:
    whole = xlsx_of([["x"], *([n] for n in range(5000))])
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        said = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = whole.replace(said.to_bytes(4, "little"), (said // 2).to_bytes(4, "little"))
    assert lying != whole
    with pytest.raises(Malformed, match="cannot be read"):
        read(tmp_path, lying)


def test_members_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    content = changed(xlsx_of([["x"], [1]]), "xl/styles.xml", b"</styleSheet>", b" " * 2_000_000 + b"</styleSheet>")
    source = tmp_path / "source"
    source.write_bytes(content)
    limits = LIMITS.model_copy(update={"max_unpacked_bytes": 1_000_000})
    with pytest.raises(TooLarge, match="once it is unpacked"):
        read_sheet(source, XLSX, limits, Dialect(), Findings())


@pytest.mark.parametrize(
    ("member", "new"),
    [
        ("xl/worksheets/sheet1.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet'),
        ("xl/worksheets/sheet1.xml", b"<a>" * 300 + b"<worksheet"),
        ("xl/worksheets/sheet1.xml", b"<worksheet <"),
    ],
)
def test_xml_that_no_spreadsheet_has_is_refused(tmp_path: Path, member: str, new: bytes) -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        read(tmp_path, changed(xlsx_of([["x"], [1]]), member, b"<worksheet", new))


@pytest.mark.parametrize("form", [XLSX, XLS, ODS])
def test_a_damaged_spreadsheet_is_refused(tmp_path: Path, form: str) -> None:
    content = {XLS: FILES / "table.xls", ODS: FILES / "table.ods"}
    whole = content[form].read_bytes() if form in content else xlsx_of(ROWS)
    with pytest.raises(Malformed):
        read(tmp_path, whole[: len(whole) // 2], form)


def test_an_empty_sheet_is_no_table(tmp_path: Path) -> None:
    for rows in ([], [["x", "y"]]):
        with pytest.raises(Malformed, match="at least one row"):
            read(tmp_path, xlsx_of(rows), header=True)
