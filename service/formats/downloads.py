"""Tables on their way out: as CSV, Parquet or Arrow, piece by piece."""

import io
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from service.formats.formulas import without_formulas
from service.formats.tables import ARROW, ARROW_STREAM, CSV, PARQUET

FORMATS = {"csv": CSV, "parquet": PARQUET, "arrow": ARROW}
"""The media type of each format that a table can be had in."""

_BATCH_ROWS = 65_536
_STRUCTURAL = re.compile('[",\r\n]|^\\s|\\s$')


def encode_table(table: Any, media_type: str, *, shows_formulas: bool = False) -> Iterator[bytes]:
    """The bytes of a pyarrow table in this format; only a part of them is in memory at a time."""
    parts = (table.slice(start, _BATCH_ROWS) for start in range(0, len(table), _BATCH_ROWS))
    return encode_tables(parts, media_type, shows_formulas=shows_formulas)


def encode_tables(tables: Iterable[Any], media_type: str, *, shows_formulas: bool = False) -> Iterator[bytes]:
    """The bytes of pyarrow tables of the same columns, at least one, as one table in this format.

    Texts may come as dictionaries of them and are texts again. A thread encodes each table while the next one is made.
    With `shows_formulas` a spreadsheet that opens a CSV calculates nothing in it.
    """
    if shows_formulas and media_type == CSV:
        tables = map(without_formulas, tables)
    sink = _Sink()
    writer: Any = None

    def written(table: Any) -> bytes:
        writer.write_table(table if media_type == PARQUET else table.cast(_plain_schema(table.schema)))
        return sink.taken()

    with ThreadPoolExecutor(1, "fitd-encode") as beside:
        encoding: Future[bytes] | None = None
        for table in tables:
            writer = writer or _writer(sink, table.schema, media_type)
            if encoding is not None:
                yield encoding.result()
            encoding = beside.submit(written, table)
        if encoding is not None:
            yield encoding.result()
    writer.close()
    yield sink.taken()


def _writer(sink: "_Sink", schema: Any, media_type: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    out = pa.PythonFile(sink, mode="w")
    if media_type == PARQUET:
        # Numbers seldom repeat, and looking for repetitions takes five times as long as the rest. Minimum and
        # maximum of outputs help no reader to find a row, and take half of the time.
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)]
        given = [field.name for field in schema if field.type != pa.float32()]
        # A schema of Arrow's beside Parquet's own would say that texts are dictionaries.
        return parquet.ParquetWriter(out, schema, use_dictionary=texts, write_statistics=given, store_schema=False)
    schema = _plain_schema(schema)
    if media_type == CSV:
        return csv.CSVWriter(out, schema, write_options=csv.WriteOptions(quoting_header=_header_quotes(schema)))
    return pa.ipc.new_stream(out, schema) if media_type == ARROW_STREAM else pa.ipc.new_file(out, schema)


def _header_quotes(schema: Any) -> str:
    """Whether names stand in quotes; where all values do, that they do not tells who reads them that they are names."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    are_texts = all(pa.types.is_string(kind) or pa.types.is_null(kind) for kind in schema.types)
    return "none" if are_texts and not any(_STRUCTURAL.search(name) for name in schema.names) else "needed"


def _plain_schema(schema: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    types = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in schema.types]
    return pa.schema(zip(schema.names, types, strict=True))


class _Sink(io.RawIOBase):
    """A file that forgets what was taken from it, and remembers how long it is."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
