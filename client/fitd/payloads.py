"""Data as the body of a request: whatever the caller has, in the form that costs least to send."""

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fitd.errors import DataError

ARROW = "application/vnd.apache.arrow.stream"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
NPZ = "application/x-npz"
ANY = "application/octet-stream"
SUFFIXES = {
    ".csv": CSV,
    ".tsv": CSV,
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".npz": NPZ,
    ".json": "application/json",
    ".ndjson": NDJSON,
    ".jsonl": NDJSON,
}
Progress = Callable[[int, int | None], None]
"""Called with the bytes sent so far and, where it is known, the bytes in all."""

_CHUNK_BYTES = 1 << 18
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Payload:
    """A body that can be sent any number of times: its type, its size where it is known, and its bytes anew."""

    media_type: str
    open: Callable[[], Iterator[bytes]]
    size: int | None = None

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        """The bytes from the beginning, told to `progress` as they go."""
        sent = 0
        for chunk in self.open():
            yield chunk
            sent += len(chunk)
            if progress is not None:
                progress(sent, self.size)


def payload_of(data: Any, y: Any = None, sample_weight: Any = None) -> Payload:
    """What to send for a path, an open file, a frame, arrays, or lists and dictionaries."""
    if y is not None:
        return of_arrays(data, y, sample_weight)
    if isinstance(data, Payload):
        return data
    if isinstance(data, str | Path):
        return of_path(Path(data))
    if isinstance(data, bytes | bytearray | memoryview) or hasattr(data, "read"):
        return of_bytes(_all_of(data), ANY)
    if is_frame(data):
        return of_frame(data)
    if isinstance(data, np.ndarray):
        raise DataError("Expected arrays x and y, or a frame; received one array, in which no column is the target.")
    return of_bytes(json.dumps(records_of(data), default=_plain).encode(), "application/json")


def of_path(path: Path) -> Payload:
    """The bytes of a file, read while they are sent; its name says what they are, or its first bytes."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    media_type = ANY if suffixes[-1:] in ([".gz"], [".zst"]) else SUFFIXES.get("".join(suffixes[-1:]), ANY)

    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    return Payload(media_type, read, path.stat().st_size)


def of_bytes(content: bytes, media_type: str) -> Payload:
    """Bytes that are there already."""

    def read() -> Iterator[bytes]:
        view = memoryview(content)
        for start in range(0, len(view), _CHUNK_BYTES):
            yield bytes(view[start : start + _CHUNK_BYTES])

    return Payload(media_type, read, len(content))


def of_arrays(x: Any, y: Any, sample_weight: Any = None) -> Payload:
    """Inputs and targets as NumPy's `.npz`; nothing in it is pickled."""
    arrays = {"x": _inputs(x), "y": _targets(y)}
    if sample_weight is not None:
        arrays["sample_weight"] = np.asarray(sample_weight, np.float32)
    if len({len(array) for array in arrays.values()}) != 1:
        told = ", ".join(f"{len(array):,} in {name}" for name, array in arrays.items())
        raise DataError(f"Expected as many rows in each array; received {told}.")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return of_bytes(buffer.getvalue(), NPZ)


def is_frame(data: Any) -> bool:
    """Whether it is a table of named columns: it speaks Arrow's PyCapsule interface, or writes itself as CSV."""
    return hasattr(data, "__arrow_c_stream__") or (hasattr(data, "columns") and hasattr(data, "to_csv"))


def of_frame(frame: Any) -> Payload:
    """A frame as an Arrow stream, written by pyarrow or polars; by neither, as CSV that is made while it is sent."""
    pyarrow = arrow_library()
    if pyarrow is not None:
        return of_bytes(_arrow_bytes(pyarrow, table_of(frame, pyarrow)), ARROW)
    if hasattr(frame, "write_ipc_stream"):
        buffer = io.BytesIO()
        frame.write_ipc_stream(buffer)
        return of_bytes(buffer.getvalue(), ARROW)
    if hasattr(frame, "to_csv") and hasattr(frame, "iloc"):
        return Payload(CSV, lambda: _csv_of(frame))
    raise DataError("Expected pyarrow beside this kind of frame; run: pip install 'fitd[arrow]'")


def table_of(frame: Any, pyarrow: Any) -> Any:
    """A frame as a table of pyarrow, without an index of its own."""
    if isinstance(frame, pyarrow.Table):
        return frame
    if _is_pandas(frame):
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    return pyarrow.RecordBatchReader.from_stream(frame).read_all()


def arrow_library() -> Any:
    """The module pyarrow, or None where it is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - it costs a fifth of a second, and not every caller has it
        import pyarrow.ipc  # noqa: PLC0415
    except ImportError:
        return None
    return pa


def records_of(data: Any) -> list[Any]:
    """A list of objects out of lists of them, or out of a dictionary of columns."""
    if isinstance(data, Mapping):
        columns = {str(name): list(values) for name, values in data.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise DataError("Expected columns of the same length.")
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if isinstance(data, Sequence) and not isinstance(data, str) and data and isinstance(data[0], Mapping):
        return [dict(row) for row in data]
    raise DataError(
        "Expected a path, a frame, arrays x and y, a dictionary of columns or a list of dictionaries; "
        f"received {type(data).__name__}."
    )


def plain(value: Any) -> Any:
    """A value with NumPy's arrays and numbers, and dates, as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise DataError(f"Expected numbers, texts, booleans and dates; received {type(value).__name__}.")


def _inputs(x: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise DataError("Expected numbers as inputs; a frame with a target takes texts as well.") from None
    return np.ascontiguousarray(array, np.float32)


def _targets(y: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(y)
    if array.dtype.kind == "O":
        array = np.asarray([str(value) for value in array.ravel()]).reshape(array.shape)
    return np.ascontiguousarray(array)


def _arrow_bytes(pyarrow: Any, table: Any) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _csv_of(frame: Any) -> Iterator[bytes]:
    for start in range(0, max(len(frame), 1), _ROWS_AT_ONCE):
        text: str = frame.iloc[start : start + _ROWS_AT_ONCE].to_csv(index=False, header=start == 0)
        yield text.encode()


def _is_pandas(frame: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(frame, pandas.DataFrame)


def _all_of(file: Any) -> bytes:
    content: Any = file.read() if hasattr(file, "read") else file
    return content.encode() if isinstance(content, str) else bytes(content)
