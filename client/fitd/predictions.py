"""Rows to predict, and their predictions in the form that the rows had."""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fitd.errors import DataError
from fitd.payloads import ARROW, CSV, arrow_library, table_of

BODY_BYTES = 32 * 2**20
"""About so many bytes are sent in one request; more rows go in several."""

_HEADER = "Inference-Header-Content-Length"


def tensor_body(rows: np.ndarray[Any, Any]) -> tuple[bytes, dict[str, str]]:
    """Rows of numbers as the Open Inference Protocol takes them, in bytes and not in text; and the headers."""
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "input",
                    "datatype": "FP32",
                    "shape": list(rows.shape),
                    "parameters": {"binary_data_size": rows.nbytes},
                }
            ],
            "outputs": [{"name": "predictions", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {_HEADER: str(len(head)), "Content-Type": "application/octet-stream"}
    return head + rows.tobytes(), headers


def tensor_answer(content: bytes, head_bytes: str | None) -> np.ndarray[Any, Any]:
    """The predictions in an answer of the Open Inference Protocol."""
    length = len(content) if head_bytes is None else int(head_bytes)
    output = json.loads(content[:length])["outputs"][0]
    if head_bytes is None:
        return np.asarray(output["data"], np.float32).reshape(output["shape"])
    return np.frombuffer(content, "<f4", offset=length).reshape(output["shape"]).copy()


def array_pieces(rows: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The rows in pieces that are small enough to send."""
    count = max(1, BODY_BYTES // max(1, rows[:1].nbytes))
    return [rows[start : start + count] for start in range(0, max(len(rows), 1), count)]


def frame_pieces(frame: Any) -> list[tuple[bytes, str]]:
    """A frame as bodies that are small enough to send, and their media type."""
    pyarrow = arrow_library()
    if pyarrow is not None:
        table = table_of(frame, pyarrow)
        count = max(1, BODY_BYTES * max(table.num_rows, 1) // max(table.nbytes, 1))
        pieces = [table.slice(start, count) for start in range(0, max(table.num_rows, 1), count)]
        return [(_stream(pyarrow, piece), ARROW) for piece in pieces]
    if hasattr(frame, "write_ipc_stream"):
        count = max(1, BODY_BYTES * max(len(frame), 1) // max(frame.estimated_size(), 1))
        return [(_polars(frame.slice(start, count)), ARROW) for start in range(0, max(len(frame), 1), count)]
    if hasattr(frame, "to_csv") and hasattr(frame, "iloc"):
        count = 100_000
        pieces = [frame.iloc[start : start + count] for start in range(0, max(len(frame), 1), count)]
        return [(piece.to_csv(index=False).encode(), CSV) for piece in pieces]
    raise DataError("Expected pyarrow beside this kind of frame; run: pip install 'fitd[arrow]'")


def frame_of(contents: Sequence[bytes], like: Any) -> Any:
    """The tables in these answers as one frame of the kind, and with the index, of another."""
    library = type(like).__module__.partition(".")[0]
    pyarrow = arrow_library()
    if library == "polars":
        polars: Any = sys.modules["polars"]
        return polars.concat([polars.read_ipc_stream(io.BytesIO(content)) for content in contents])
    if pyarrow is None:
        pandas: Any = sys.modules["pandas"]
        found = pandas.concat([pandas.read_csv(io.BytesIO(content)) for content in contents])
        return found.set_axis(like.index)
    table = pyarrow.concat_tables([pyarrow.ipc.open_stream(content).read_all() for content in contents])
    return table.to_pandas().set_axis(like.index) if library == "pandas" else table


def frame_of_history(epochs: Sequence[Mapping[str, Any]]) -> Any:
    """The metrics of each epoch: a frame where pandas is installed, else a list for each name."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch["metrics"])
    columns = {name: [epoch["metrics"].get(name) for epoch in epochs] for name in names}
    try:
        import pandas as pd  # noqa: PLC0415 - where it is not installed, lists do
    except ImportError:
        return columns
    return pd.DataFrame(columns, index=pd.Index([epoch["epoch"] for epoch in epochs], name="epoch"))


def listed(answer: Mapping[str, Any], outputs: Sequence[str] | None, *, are_objects: bool) -> Any:
    """What was answered to a list: rows of outputs, what was asked for, or an object for each object."""
    singular = {
        "predictions": "prediction",
        "predicted_classes": "predicted_class",
        "probabilities": "probabilities",
        "top_k": "top_k",
    }
    known = {name: answer[name] for name in singular if answer.get(name) is not None}
    if are_objects:
        return [
            {singular[name]: value for name, value in zip(known, row, strict=True)}
            for row in zip(*known.values(), strict=True)
        ]
    if outputs is None:
        return known.get("predictions")
    return known[outputs[0]] if len(outputs) == 1 else known


def _stream(pyarrow: Any, table: Any) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _polars(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()
