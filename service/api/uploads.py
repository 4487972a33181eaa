"""Uploads: a file, told apart by its media type or its beginning, becomes a dataset."""

from pathlib import Path

from fastapi import Request

from service.api.problems import UnsupportedMediaType
from service.api.state import State
from service.api.submission import LARGEST_ROW_BYTES
from service.datasets import Dataset, dataset_of_arrays, read_dataset
from service.errors import Findings, Malformed
from service.formats.compression import compression_of, unpacked
from service.formats.csv_blocks import Readable, exhaust
from service.formats.delimited import Dialect
from service.formats.json_rows import read_whole
from service.formats.jsontext import read_json
from service.formats.npz import NPZ, read_npz
from service.formats.tables import ARROW, ARROW_STREAM, CSV, JSON, MAGIC, NDJSON, PARQUET, write_table
from service.storage import NewDataset
from service.tables import Table

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
    "application/zip": NPZ,
    JSON: JSON,
    NDJSON: NDJSON,
    "application/jsonl": NDJSON,
    "application/gzip": OCTETS,
    "application/zstd": OCTETS,
    OCTETS: OCTETS,
}
"""What may be uploaded, by each of its media types; of octets the first ones tell."""


def media_type_of(request: Request, known: dict[str, str] = MEDIA_TYPES) -> str:
    """The media type of a body; `UnsupportedMediaType` for one that is not known here."""
    named = request.headers.get("content-type", OCTETS).partition(";")[0].strip().lower()
    if named not in known:
        expected = ", ".join(sorted(set(known.values())))
        raise UnsupportedMediaType(f"Expected a Content-Type of {expected}; received {named[:60]!r}.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in (
        "identity",
        "gzip",
        "x-gzip",
        "zstd",
    ):
        raise UnsupportedMediaType("Expected a body in gzip or zstd, or uncompressed.")
    return known[named]


def read_upload(
    shared: State, file: Path, arriving: Readable, *, media_type: str, dialect: Dialect, name: str | None
) -> NewDataset:
    """The dataset in an uploaded file, ready to be stored; `Malformed`, `Invalid` or `TooLarge` if it is none.

    Only a CSV is read before the stream `arriving`, of the same bytes, has come to its end.
    """
    limits = shared.settings
    text: Readable | None = arriving
    start = _start_of(file)
    if compression_of(start) is not None:
        exhaust(arriving)
        file, text = unpacked(file, limits.max_unpacked_bytes), None
        start = _start_of(file)
    if not start:
        raise Malformed("Expected a table with at least one row; received an empty body.", code="bad_table")
    if media_type == OCTETS:
        media_type = next((of for magic, of in MAGIC.items() if start.startswith(magic)), CSV)
        media_type = NPZ if start.startswith(b"PK") else JSON if start.lstrip()[:1] in (b"{", b"[") else media_type
    if media_type == JSON and not start.lstrip().startswith(b"["):
        return _of_arrays(shared, _checked(read_json(read_whole(file, limits)), shared), name)
    if media_type == NPZ:
        arrays = read_npz(file, limits, "x", "y")
        findings = Findings(limit=limits.max_errors_shown)
        return _of_arrays(shared, dataset_of_arrays(arrays["x"], arrays["y"], findings), name)
    written = file.with_suffix(".arrow")
    write_table(file, media_type, written, limits, dialect, arriving=text)
    return _of_table(shared, written, name)


def _start_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(8)


def _of_table(shared: State, written: Path, name: str | None) -> NewDataset:
    size_bytes = written.stat().st_size
    table = Table.from_file(written)
    described = table.describe()
    is_small = size_bytes <= LARGEST_ROW_BYTES
    return NewDataset(
        table.rows,
        len(table.names),
        content=written.read_bytes() if is_small else None,
        artifact=None if is_small else shared.database.artifacts.put_file("ds", written),
        size_bytes=size_bytes,
        form="table",
        name=name,
        meta={"columns": described},
        uploaded=True,
    )


def _of_arrays(shared: State, dataset: Dataset, name: str | None) -> NewDataset:
    content = dataset.to_bytes()
    artifact = None if len(content) <= LARGEST_ROW_BYTES else shared.database.artifacts.put("ds", content)
    return NewDataset(
        dataset.rows,
        dataset.columns,
        content=None if artifact else content,
        artifact=artifact,
        size_bytes=len(content),
        name=name,
        meta={"classes": dataset.classes and list(dataset.classes)},
        uploaded=True,
    )


def _checked(document: object, shared: State) -> Dataset:
    findings = Findings(limit=shared.settings.max_errors_shown)
    dataset = read_dataset(document, findings, shared.settings, at="#")
    if dataset is None or findings.total:
        raise findings.refusal()
    return dataset
