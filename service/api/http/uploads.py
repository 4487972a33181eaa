"""Uploads: a file, recognized by its media type or its first bytes, becomes a dataset."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from service.allowance import expect_much
from service.api.http.problems import UnsupportedMediaType
from service.api.state import State
from service.config import Limits
from service.data.datasets import Dataset, dataset_of_arrays, read_dataset
from service.errors import Findings, Malformed
from service.formats.compression import compression_of, most_unpacked, unpacked
from service.formats.csv.blocks import exhaust
from service.formats.csv.dialect import Dialect
from service.formats.csv.streams import Readable
from service.formats.json_rows import read_whole
from service.formats.multipart import FORM, file_of_form
from service.formats.npz import NPZ, is_npz, read_npz
from service.formats.plain_rows import read_json_with_rows
from service.formats.spreadsheets import kinds as spreadsheets
from service.formats.tables import ARROW, ARROW_STREAM, CSV, JSON, MAGIC, NDJSON, PARQUET, write_table
from service.storage import NewDataset

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
OCTETS = "application/octet-stream"
MEDIA_TYPES = {
    CSV: CSV,
    "application/csv": CSV,
    "text/tab-separated-values": CSV,
    PARQUET: PARQUET,
    "application/parquet": PARQUET,
    "application/x-parquet": PARQUET,
    ARROW: ARROW,
    ARROW_STREAM: ARROW_STREAM,
    NPZ: NPZ,
    "application/zip": OCTETS,
    **spreadsheets.MEDIA_TYPES,
    JSON: JSON,
    NDJSON: NDJSON,
    "application/jsonl": NDJSON,
    "application/gzip": OCTETS,
    "application/zstd": OCTETS,
    OCTETS: OCTETS,
}
"""What may be uploaded, by each of its media types; of octets the first ones tell."""

TABLES = {name: media_type for name, media_type in MEDIA_TYPES.items() if media_type not in (JSON, NDJSON, NPZ)}
"""What of it may be sent to be predicted."""

ANSWERS = {name: media_type for name, media_type in TABLES.items() if media_type in (CSV, PARQUET, ARROW, ARROW_STREAM)}
"""In what of it the response may come."""

_FOREIGN = {
    rb"PK\x03\x04": "a zip file with neither arrays of NumPy nor a spreadsheet in it",
    rb"BZh[1-9]1AY&": "a file packed with bzip2; unpack it, or pack it with gzip or zstd",
    rb"\xfd7zXZ\0": "a file packed with xz; unpack it, or pack it with gzip or zstd",
    rb"\x1f\x8b|\x28\xb5\x2f\xfd": "a file that is packed twice",
    rb"\x93NUMPY": "a single array (.npy); send a table, or x and y in one .npz",
    rb"%PDF": "a PDF",
}
"""How files begin that may be taken for tables and are none, and what is said of them."""

UPLOADS = "/v1/datasets"

_LOOK_BYTES = 64 * 1024
_ONE_AFTER_ANOTHER = re.compile(rb"\}\s*\n\s*\{")
"""What no JSON text has in it, but objects on lines have."""


def is_upload(path: str, content_type: str) -> bool:
    """Whether a body goes to a file as it arrives: a dataset, or a table to predict."""
    return path == UPLOADS or (path.endswith(":predict") and is_table(content_type))


def is_table(content_type: str) -> bool:
    """Whether a body is said to be a table, and not JSON."""
    return content_type.partition(";")[0].strip().lower() in TABLES


def charset_of(content_type: str) -> str | None:
    """The character set that a Content-Type names; None where it is UTF-8, which many clients say of any text."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"')
        if name.strip().lower() == "charset" and charset.lower() not in ("", "utf-8", "utf8"):
            return charset
    return None


def media_type_of(request: Request, known: dict[str, str] = MEDIA_TYPES) -> str:
    """The media type of a body; `UnsupportedMediaType` for one that is not known here."""
    # A page of a stranger can send a body without a type, or with that of a form, to any address without being asked.
    named = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if named == FORM and known is MEDIA_TYPES:
        return FORM
    if named not in known:
        expected = ", ".join(sorted(set(known.values())))
        received = repr(named[:60]) if named else "none"
        hint = " The body is the file itself, as curl sends it with --data-binary." if named in _FORMS else ""
        raise UnsupportedMediaType(f"Expected a Content-Type of {expected}; received {received}.{hint}")
    if request.headers.get("content-encoding", "identity").strip().lower() not in (
        "identity",
        "gzip",
        "x-gzip",
        "zstd",
    ):
        raise UnsupportedMediaType("Expected a body in gzip or zstd, or uncompressed.")
    return known[named]


def told_apart(file: Path, arriving: Readable, media_type: str, limits: Limits) -> tuple[Path, Readable | None, str]:
    """The file without its compression, the stream of it if it is still arriving, and what it is.

    `Malformed` if nothing is in it, or what is taken for a table by mistake; `Heavy` as `expect_much` raises it.
    """
    text: Readable | None = arriving
    start = _start_of(file)
    if compression_of(start) is not None:
        exhaust(arriving)
        expect_much()
        file, text = unpacked(file, most_unpacked(file, limits)), None
        start = _start_of(file)
    if not start:
        raise Malformed("Expected a table with at least one row; received an empty body.", code="bad_table")
    if media_type in (OCTETS, *spreadsheets.SPREADSHEETS):  # Windows sends a CSV as one of Excel
        media_type = next((of for magic, of in MAGIC.items() if start.startswith(magic)), CSV)
        if start.startswith((b"PK", spreadsheets.OLE)):
            expect_much()
            media_type = spreadsheets.spreadsheet_of(file, start) or (NPZ if is_npz(file) else media_type)
        elif start.lstrip()[:1] in (b"{", b"["):
            media_type = NDJSON if _ONE_AFTER_ANOTHER.search(_start_of(file, _LOOK_BYTES)) else JSON
    if media_type not in (CSV, JSON, NDJSON):
        expect_much()  # only who has unpacked it knows how large it is
    if media_type == CSV:
        for pattern, received in _FOREIGN.items():
            if re.match(pattern, start):
                expected = "Expected a table in CSV, Parquet, Arrow, JSON or a spreadsheet"
                raise Malformed(f"{expected}; received {received}.", code="bad_table")
    return file, text, media_type


def read_upload(
    shared: State,
    file: Path,
    arriving: Readable,
    *,
    media_type: str,
    dialect: Dialect,
    name: str | None,
    content_type: str = "",
) -> NewDataset:
    """The dataset in an uploaded file, ready to be stored; `Malformed`, `Invalid` or `TooLarge` if it is none.

    Only a CSV is read before the stream `arriving`, of the same bytes, has come to its end. The `content_type` of a
    form says where its parts begin.
    """
    if media_type == FORM:
        file, media_type = _out_of_form(file, content_type)
        with file.open("rb") as whole:
            given = _Given(file, whole, media_type)
            return _read(shared, given, dialect=dialect, name=name)
    return _read(shared, _Given(file, arriving, media_type), dialect=dialect, name=name)


@dataclass(frozen=True, slots=True)
class _Given:
    """A file that was sent, the stream of its bytes, and what it is said to be."""

    file: Path
    arriving: Readable
    media_type: str


def _out_of_form(form: Path, content_type: str) -> tuple[Path, str]:
    """The file in a form, and its media type; of one that is not known the first bytes tell."""
    try:
        found = file_of_form(form, content_type)
    except Malformed as error:
        hint = "Or send the file itself, as curl does with --data-binary."
        raise UnsupportedMediaType(f"{error.detail}. {hint}") from None
    return found.file, MEDIA_TYPES.get(found.media_type or OCTETS, OCTETS)


def _read(shared: State, given: _Given, *, dialect: Dialect, name: str | None) -> NewDataset:
    limits = shared.settings
    file, text, media_type = told_apart(given.file, given.arriving, given.media_type, limits)
    if media_type == JSON and not _start_of(file).lstrip().startswith(b"["):
        dataset = _checked(read_json_with_rows(read_whole(file, limits)), shared)
        return NewDataset.of_arrays(dataset, shared.database.artifacts, name=name, uploaded=True)
    if media_type == NPZ:
        arrays = read_npz(file, limits, "x", "y", optional=("sample_weight",))
        findings = Findings(limit=limits.max_errors_shown)
        dataset = dataset_of_arrays(arrays["x"], arrays["y"], findings, arrays.get("sample_weight"))
        return NewDataset.of_arrays(dataset, shared.database.artifacts, name=name, uploaded=True)
    written = file.with_suffix(".arrow")
    guesses = write_table(file, media_type, written, limits, dialect, arriving=text)
    return NewDataset.of_table(written, shared.database.artifacts, name=name, uploaded=True, guesses=guesses)


def _start_of(file: Path, size: int = 8) -> bytes:
    with file.open("rb") as opened:
        return opened.read(size).removeprefix(codecs.BOM_UTF8)


def _checked(document: object, shared: State) -> Dataset:
    findings = Findings(limit=shared.settings.max_errors_shown)
    dataset = read_dataset(document, findings, shared.settings, at="#")
    if dataset is None or findings.total:
        raise findings.refusal()
    return dataset
