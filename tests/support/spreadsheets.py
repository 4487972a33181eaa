"""What tests of spreadsheets share: workbooks by openpyxl, and packages that nobody's program would write."""

import io
import zipfile
from typing import Any

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx_of(rows: list[list[Any]], *, at: tuple[int, int] = (1, 1), sheets: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            sheet.cell(at[0] + row, at[1] + column, value)
    for name in sheets:
        book.create_sheet(name)["A1"] = "other"
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def changed(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    """The package with other bytes in one of its members."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as into:
        for name in archive.namelist():
            held = archive.read(name)
            assert name != member or old in held
            into.writestr(name, held.replace(old, new) if name == member else held)
    return sink.getvalue()


def with_sheet(xml: str, texts: str = "") -> bytes:
    """A workbook with these rows of XML in its sheet, and these shared texts."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = f'<sheets><sheet name="S" sheetId="1" r:id="worksheet" xmlns:r="{office}"/></sheets>'
    related = {
        "_rels/.rels": {"officeDocument": "xl/workbook.xml"},
        "xl/_rels/workbook.xml.rels": {"worksheet": "sheet.xml", "sharedStrings": "sharedStrings.xml"},
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        into.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}">{sheet}</workbook>')
        for member, targets in related.items():
            said = "".join(
                f'<Relationship Id="{kind}" Type="{office}/{kind}" Target="{target}"/>'
                for kind, target in targets.items()
            )
            into.writestr(member, f'<Relationships xmlns="{package}/relationships">{said}</Relationships>')
        into.writestr("xl/sheet.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{xml}</sheetData></worksheet>')
        into.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{texts}</sst>')
    return sink.getvalue()
