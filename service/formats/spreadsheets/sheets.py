"""Sheets of spreadsheets as tables: calamine reads the cells, once it is known that they fit."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from service.allowance import expect, expect_much
from service.config import Limits
from service.errors import Findings, Malformed
from service.formats.csv.dialect import Dialect
from service.formats.csv.header import found_header
from service.formats.plain_columns import check_size
from service.formats.spreadsheets.cells import column_of, text_of
from service.formats.spreadsheets.extent import unreadable
from service.formats.spreadsheets.kinds import ODS, XLS
from service.formats.spreadsheets.package import unpack

_SAMPLE_ROWS = 100
_CELL_BYTES, _TEXT_COPIES = 128, 3
"""What a cell takes in the reader, as a value and in its column, and how often its text is in memory."""

_LISTED = 20


def read_sheet(source: Path, media_type: str, limits: Limits, dialect: Dialect, findings: Findings) -> Any:
    """The pyarrow record batch of a sheet: of the one that the dialect names, else of the first that is to be seen.

    `TooLarge` before its cells are read where they are too many, `Malformed` for a file that cannot be read; what was
    a guess goes to the findings as a warning.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    rows = _rows(_measured(source, media_type, limits), dialect)
    if not rows:
        raise Malformed("Expected a table with at least one row; received an empty sheet.", code="bad_table")
    check_size(len(rows), max(map(len, rows)), limits)
    sample = [[text_of(value) or "" for value in row] for row in rows[:_SAMPLE_ROWS]]
    header = dialect.header
    if header is None:
        found = found_header(sample, dialect.known)
        header = found.is_there
        if found.guess is not None:
            other = "false" if header else "true"
            findings.warn("#", "guessed_header", f"{found.guess}; ?header={other} says that it is not.")
    names = [name.strip() for name in sample[0]] if header else [f"column_{n + 1}" for n in range(len(sample[0]))]
    body = rows[1:] if header else rows
    if not body:
        raise Malformed("Expected a table with at least one row; received none.", code="bad_table")
    columns = dict(enumerate(zip(*body, strict=True)))
    kept = [place for place in columns if (header and names[place]) or any(one is not None for one in columns[place])]
    made = [column_of(names[place], columns[place], dialect, findings) for place in kept]
    return pa.record_batch(made, names=[names[place] for place in kept])


def _measured(source: Path, media_type: str, limits: Limits) -> Path:
    """The file to be read; `TooLarge` if its cells would not fit, counted where the form of the file allows it.

    An `.xls` has no more than 65,536 rows of 256 columns in a sheet; its texts are bounded by the memory of the
    process that reads it.
    """
    expect_much()
    if media_type == XLS:
        return source
    unpacked = source.with_suffix(".sheets")
    extents = unpack(source, unpacked, media_type, limits)
    for one in extents:
        check_size(one.rows, one.columns, limits)
    sizes = [one.rows * one.columns * _CELL_BYTES + one.characters * _TEXT_COPIES for one in extents]
    expect(sum(sizes) if media_type == ODS else max(sizes, default=0))
    return unpacked


def _rows(file: Path, dialect: Dialect) -> list[list[Any]]:
    """The rows of the sheet that hold something, all as long as it is wide, None where a cell holds nothing."""
    import python_calamine as calamine  # noqa: PLC0415 - only spreadsheets need it

    try:
        with calamine.CalamineWorkbook.from_path(file) as book:
            sheet = book.get_sheet_by_name(_chosen(book, dialect.sheet))
            return [] if sheet.start is None else list(_filled(sheet.iter_rows(), dialect.skip_rows))
    except calamine.PasswordError:
        raise Malformed("The spreadsheet is protected by a password; save it without one.", code="bad_table") from None
    except (calamine.CalamineError, ValueError, OSError):
        raise unreadable() from None


def _chosen(book: Any, wanted: str | None) -> str:
    names: Sequence[str] = book.sheet_names
    if wanted is None:
        seen = [one.name for one in book.sheets_metadata if _holds_cells(one)]
        if not seen:
            raise Malformed("Expected a spreadsheet with a sheet of cells; received none.", code="bad_table")
        return str(seen[0])
    if wanted not in names:
        listed = ", ".join(repr(name[:40]) for name in names[:_LISTED])
        raise Malformed(f"There is no sheet of this name; the sheets are {listed}.", code="unknown_sheet")
    return wanted


def _holds_cells(sheet: Any) -> bool:
    import python_calamine as calamine  # noqa: PLC0415 - as above

    is_visible = sheet.visible == calamine.SheetVisibleEnum.Visible
    return bool(is_visible and sheet.typ == calamine.SheetTypeEnum.WorkSheet)


def _filled(rows: Iterator[list[Any]], skipped: int) -> Iterator[list[Any]]:
    texts: dict[str, str] = {}
    for row in islice(rows, skipped, None):
        cells = [_cell(value, texts) for value in row]
        if any(cell is not None for cell in cells):
            yield cells


def _cell(value: Any, texts: dict[str, str]) -> Any:
    """A value without what the reader has for a gap; equal texts are one in memory."""
    if isinstance(value, str):
        return texts.setdefault(value, value) if value.strip() else None
    return value
