"""Small and large bodies that would take gigabytes if they were built before they are counted, by route."""

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from service.formats.spreadsheets.kinds import ODS, XLSX
from tests.support.spreadsheets import with_sheet

PREDICT, INFER, UPLOAD, IMPORT = "/v1/models/xor:predict", "/v2/models/xor/infer", "/v1/datasets", "/v1/models:import"
ITEMS = 6_000_000
"""Of JSON: as many empty lists take half a gigabyte."""


class Hostile(NamedTuple):
    """A request by its path and Content-Type, what its body is made by, and the statuses that are right."""

    path: str
    content_type: str
    body: Callable[[], bytes]
    statuses: tuple[int, ...] = (413,)
    encoding: str = "identity"


def _listed(before: bytes, item: bytes, after: bytes) -> Callable[[], bytes]:
    return lambda: before + item * (ITEMS - 1) + item[:-1] + after


def _lines(rows: int, separator: bytes = b"\n") -> bytes:
    return separator.join(b'{"k%d":1}' % row for row in range(rows))


def _header_of(names: int) -> bytes:
    return b",".join(b"name%06d" % number for number in range(names)) + b"\n" + b"1," * (names - 1) + b"1\n"


def _npz(**arrays: Any) -> bytes:
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()


def _texts() -> pa.Table:
    return pa.table({"a": pa.array(["x" * 9000] * 60_000)})


def _repeated() -> pa.Table:
    places = pa.array(np.zeros(3_000_000, np.int8))
    return pa.table({"a": pa.DictionaryArray.from_arrays(places, pa.array(["x" * 9000]))})


def _parquet(table: pa.Table, **options: Any) -> bytes:
    written = io.BytesIO()
    parquet.write_table(table, written, compression="zstd", **options)
    return written.getvalue()


def _arrow(table: pa.Table, new: Any = pa.ipc.new_file) -> bytes:
    written = io.BytesIO()
    with new(written, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return written.getvalue()


def _keras() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(300_000_000))
    return written.getvalue()


JSON, LINES, CSV, NPZ = "application/json", "application/x-ndjson", "text/csv", "application/x-npz"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"
STREAM = "application/vnd.apache.arrow.stream"
OCTETS = "application/octet-stream"
LISTS = _listed(b'{"inputs":[', b"[],", b"]}")


def _cell(place: str) -> str:
    return f'<row><c r="{place}"><v>1</v></c></row>'


def _shared_text() -> bytes:
    cells = "".join(f'<row><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 60_000))
    return with_sheet(cells, f"<si><t>{'x' * 9000}</t></si>")


def _repeated_cells() -> bytes:
    written = io.BytesIO()
    table = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    cell = '<t:table-cell t:number-columns-repeated="1000" o:value-type="float" o:value="1"/>'
    row = f'<t:table-row t:number-rows-repeated="9000">{cell}</t:table-row>'
    sheet = f'<o:body><o:spreadsheet><t:table t:name="a">{row}</t:table></o:spreadsheet></o:body>'
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("mimetype", ODS)
        into.writestr(
            "content.xml", f'<o:document-content xmlns:o="{office}" xmlns:t="{table}">{sheet}</o:document-content>'
        )
    return written.getvalue()


HOSTILE = {
    "lists to :predict": Hostile(PREDICT, JSON, _listed(b'{"instances":[', b"[],", b"]}")),
    "objects to :predict": Hostile(PREDICT, JSON, _listed(b'{"instances":[', b"{},", b"]}")),
    "texts to :predict": Hostile(PREDICT, JSON, _listed(b'{"instances":[', b'"",', b"]}")),
    "NaN after lists to :predict": Hostile(PREDICT, JSON, _listed(b'{"inputs":[NaN],"instances":[', b"[],", b"]}")),
    "keys to :predict": Hostile(
        PREDICT, JSON, lambda: b'{"instances":[{' + _lines(2_000_000, b",")[1:-1] + b"}]}", (400, 413)
    ),
    "depth to :predict": Hostile(PREDICT, JSON, lambda: b"[" * ITEMS + b"]" * ITEMS, (400, 413)),
    "lists to :evaluate": Hostile("/v1/models/xor:evaluate", JSON, _listed(b'{"data":{"x":[', b"[],", b"]}}")),
    "lists to :classify": Hostile("/v1/models/xor:classify", JSON, _listed(b'{"examples":[', b"[],", b"]}")),
    "lists to :regress": Hostile("/v1/models/xor:regress", JSON, _listed(b'{"examples":[', b"{},", b"]}")),
    "lists to infer": Hostile(INFER, JSON, LISTS),
    "packed lists to infer": Hostile(INFER, JSON, lambda: gzip.compress(LISTS(), 1), (413,), "gzip"),
    "a training on lists": Hostile("/v1/training-jobs", JSON, _listed(b'{"data":{"x":[[1]],"y":[', b"[],", b"]}}")),
    "many trainings": Hostile("/v1/training-jobs:batch", JSON, _listed(b'{"jobs":[', b"{},", b"]}")),
    "an import of lists": Hostile(IMPORT, JSON, _listed(b'{"weights":[', b"[],", b"]}")),
    "a prediction job of lists": Hostile("/v1/prediction-jobs", JSON, _listed(b'{"include":[', b"[],", b"]}")),
    "a packed import": Hostile(IMPORT, "application/zip", _keras),
    "a key for each line": Hostile(UPLOAD, LINES, lambda: _lines(9000)),
    "many keys on lines": Hostile(UPLOAD, LINES, lambda: _lines(100_000)),
    "many keys in a list": Hostile(UPLOAD, JSON, lambda: b"[" + _lines(100_000, b",") + b"]"),
    "empty lines": Hostile(UPLOAD, LINES, lambda: b"{}\n" * ITEMS),
    "packed lines": Hostile(UPLOAD, LINES, lambda: gzip.compress(b"{}\n" * ITEMS, 1)),
    "names in a CSV": Hostile(UPLOAD, CSV, lambda: _header_of(1_000_000)),
    "names in a packed CSV": Hostile(UPLOAD, CSV, lambda: gzip.compress(_header_of(1_000_000), 1)),
    "a value of a CSV": Hostile(UPLOAD, CSV, lambda: b"a,b\n1," + b"x" * 50_000_000 + b"\n", (400, 413)),
    "texts in an npz": Hostile(UPLOAD, NPZ, lambda: _npz(x=np.zeros((500, 1)), y=np.zeros(500, "U250000"))),
    "zeros in an npz": Hostile(UPLOAD, OCTETS, lambda: _npz(x=np.zeros((70_000_000, 1), "f4"), y=np.zeros(9))),
    "far cells in a workbook": Hostile(UPLOAD, XLSX, lambda: with_sheet(_cell("A1") + _cell("XFD1048576"))),
    "far cells to :predict": Hostile(PREDICT, XLSX, lambda: with_sheet(_cell("A1") + _cell("XFD1048576"))),
    "many cells in a workbook": Hostile(UPLOAD, OCTETS, lambda: with_sheet(_cell("A1") + _cell("CV90000"))),
    "one text in a workbook": Hostile(UPLOAD, XLSX, _shared_text),
    "zeros in a workbook": Hostile(UPLOAD, XLSX, lambda: with_sheet(" " * 300_000_000)),
    "repeated cells in an open document": Hostile(UPLOAD, ODS, _repeated_cells),
    "texts in Parquet": Hostile(UPLOAD, PARQUET, lambda: _parquet(_texts(), use_dictionary=False)),
    "one text in Parquet": Hostile(UPLOAD, PARQUET, lambda: _parquet(_repeated())),
    "texts in Arrow": Hostile(UPLOAD, ARROW, lambda: _arrow(_texts())),
    "texts in a stream": Hostile(UPLOAD, STREAM, lambda: _arrow(_texts(), pa.ipc.new_stream)),
    "one text in Arrow": Hostile(UPLOAD, OCTETS, lambda: _arrow(_repeated())),
    "one text in Arrow to :predict": Hostile(PREDICT, ARROW, lambda: _arrow(_repeated()), (413, 422)),
    "texts in Parquet to :predict": Hostile(PREDICT, PARQUET, lambda: _parquet(_texts()), (413, 422)),
}
