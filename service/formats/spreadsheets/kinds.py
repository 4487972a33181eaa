"""The kinds of spreadsheets that are read, and how a file tells which of them it is."""

import zipfile
from pathlib import Path

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS = "application/vnd.ms-excel"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
SPREADSHEETS = (XLSX, ODS, XLS)
"""Their media types."""

MEDIA_TYPES = {
    XLSX: XLSX,
    "application/vnd.ms-excel.sheet.macroenabled.12": XLSX,
    ODS: ODS,
    XLS: XLS,
    "application/x-msexcel": XLS,
}
"""Each media type by which one is sent, in lower case."""

OLE = b"\xd0\xcf\x11\xe0"
"""How a file of Excel's older kind begins, and one of any kind that a password protects."""


def spreadsheet_of(file: Path, start: bytes) -> str | None:
    """The kind of spreadsheet in a file that begins so; None if it is none."""
    if start.startswith(OLE):
        return XLS
    if not start.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    if any(name.lower().endswith("workbook.xml") for name in names):
        return XLSX
    return ODS if {"content.xml", "mimetype"} <= names else None
