"""Tables on their way out: as CSV, Parquet or Arrow, piece by piece."""

import io
from collections.abc import Iterator
from typing import Any

from service.formats.tables import ARROW, CSV, PARQUET

FORMATS = {"csv": CSV, "parquet": PARQUET, "arrow": ARROW}
"""The media type of each format that a table can be had in."""

_BATCH_ROWS = 65_536


def encode_table(table: Any, media_type: str) -> Iterator[bytes]:
    """The bytes of a pyarrow table in this format; only a part of them is in memory at a time."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    sink = _Sink()
    out = pa.PythonFile(sink, mode="w")
    if media_type == CSV:
        writer: Any = csv.CSVWriter(out, table.schema)
    elif media_type == PARQUET:
        writer = parquet.ParquetWriter(out, table.schema)
    else:
        writer = pa.ipc.new_file(out, table.schema)
    for batch in table.to_batches(_BATCH_ROWS):
        writer.write_batch(batch)
        yield sink.taken()
    writer.close()
    yield sink.taken()


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
