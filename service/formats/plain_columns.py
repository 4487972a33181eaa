"""Plain columns: converts the columns of any file to the types of tables, and refuses those that have none."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.config import Limits
from service.errors import Findings, Malformed, TooLarge, pointer

_LONGEST_NAME = 200
LONGEST_TEXT = 10_000
"""The most bytes of a text in a table."""

_PART_BYTES = 32 << 20
INDEX = {b"fitd": b"index"}
"""What is noted of a column in which pandas has saved the index of its rows."""

EXACT_DIGITS, DIGITS = 15, 38
"""So many digits of any number come back from float64, and so many fit a decimal."""


def plain_schema(schema: Any, limits: Limits) -> Any:
    """The schema with plain types; `Invalid` for a column that has none or no name of its own, `TooLarge` for many."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    findings = Findings(limit=limits.max_errors_shown)
    if not len(schema):
        raise Malformed("Expected a table with at least one column; received none.", code="bad_table")
    check_size(1, len(schema), limits)
    for name, count in Counter(schema.names).items():
        if not name or len(name) > _LONGEST_NAME:
            expected = f"Expected a name of 1 to {_LONGEST_NAME} characters for each column"
            place = schema.names.index(name)
            hint = "" if name or place else " (pandas writes its index so, unless told index=False)"
            received = f"that of column {place + 1} has {len(name):,}{hint}"
            findings.error(pointer("columns", name), "bad_column_name", f"{expected}; {received}.")
        elif count > 1:
            findings.error(pointer("columns", name), "duplicate", "Expected each column's name once; it is repeated.")
    fields = []
    indices = _indices(schema)
    for field in schema:
        plain = _plain_type(field.type)
        if plain is None:
            expected = "Expected numbers, texts, booleans or dates; this column holds something else."
            findings.error(pointer("columns", field.name), "unsupported_column", expected)
        fields.append(pa.field(field.name, plain or pa.null(), metadata=INDEX if field.name in indices else None))
    findings.raise_errors()
    return pa.schema(fields)


def _indices(schema: Any) -> set[str]:
    """The columns that a file of pandas names as the index of its rows."""
    try:
        said = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        return {name for name in said.get("index_columns", ()) if isinstance(name, str)}
    except (AttributeError, TypeError, ValueError):
        return set()


def check_size(rows: int, columns: int, limits: Limits) -> None:
    """`TooLarge` for more rows, columns or cells than a table may have."""
    for number, limit, unit in (
        (columns, limits.max_columns, "columns"),
        (rows, limits.max_table_rows, "rows"),
        (rows * columns, limits.max_table_cells, "cells"),
    ):
        if number > limit:
            raise TooLarge(f"The table has more {unit} than the limit of {limit:,}.", limit=limit, unit=unit)


def plain_batches(batches: Iterable[Any], plain: Any) -> Iterator[Any]:
    """The batches with the types of a plain schema; `TooLarge` for a text that is too long."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = [name for name, kind in zip(plain.names, plain.types, strict=True) if pa.types.is_string(kind)]
    for batch in batches:
        for name in texts:
            _check_texts(batch.column(name), name)
        if batch.schema.equals(plain):
            yield batch
        else:
            yield from (_cast(part, plain) for part in _parts(batch, texts))


def without_remains(batch: Any) -> Any:
    """A plain batch with zeros behind its missing values, where files have anything: equal tables are equal bytes."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    columns = [_cleared(column) if column.null_count else column for column in batch.columns]
    return pa.record_batch(columns, schema=batch.schema)


def _cleared(column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if pa.types.is_null(column.type):
        return column
    zero = {pa.string(): "", pa.bool_(): False}.get(column.type, 0)
    filled = column.fill_null(pa.scalar(zero, column.type))
    return pc.if_else(column.is_valid(), filled, pa.scalar(None, column.type))


def is_text(arrow_type: Any) -> bool:
    """Whether a type is one of those that Arrow has for texts."""
    import pyarrow.types as is_  # noqa: PLC0415 - as above

    return bool(is_.is_string(arrow_type) or is_.is_large_string(arrow_type) or is_.is_string_view(arrow_type))


def _plain_type(arrow_type: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.types as is_  # noqa: PLC0415 - as above

    held = arrow_type.value_type if is_.is_dictionary(arrow_type) else arrow_type
    choices = {
        held: is_.is_boolean(held) or is_.is_null(held),
        pa.int64(): is_.is_integer(held) and not is_.is_uint64(held),
        pa.float64(): is_.is_floating(held) or (is_.is_decimal(held) and not _is_long(held)),
        # Names may be numbers: what float64 cannot tell apart stays a decimal.
        exact_type(held.scale if is_.is_decimal(held) else 0): is_.is_uint64(held)
        or (is_.is_decimal(held) and _is_long(held)),
        pa.timestamp("us"): is_.is_date(held) or is_.is_timestamp(held),
        pa.string(): is_text(held),
    }
    return next((plain for plain, fits in choices.items() if fits), None)


def _is_long(decimal: Any) -> bool:
    """Whether a type of decimals has digits that float64 may lose, and that `exact_type` keeps."""
    return bool(EXACT_DIGITS < decimal.precision <= DIGITS and 0 <= decimal.scale <= DIGITS)


def exact_type(scale: int) -> Any:
    """The type of decimals with so many digits behind the point, as all of them are stored."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.decimal128(DIGITS, min(max(scale, 0), DIGITS))


def _parts(batch: Any, texts: Iterable[str]) -> Iterator[Any]:
    """The batch in parts none of whose texts take much memory, though one may stand in it many times."""
    sizes = np.zeros(batch.num_rows, np.int64)
    for name in texts:
        sizes += _text_bytes(batch.column(name))
    ends = np.cumsum(sizes)
    start = 0
    while start < batch.num_rows:
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + _PART_BYTES, side="right")))
        yield batch.slice(start, end - start)
        start = end
    if not batch.num_rows:
        yield batch


def _text_bytes(column: Any) -> NDArray[np.int64]:
    """How many bytes the text in each row has, 0 where none is."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    is_dictionary = pa.types.is_dictionary(column.type)
    texts = column.dictionary if is_dictionary else column
    lengths = _lengths(texts).fill_null(0).cast(pa.int64())
    found = lengths.take(column.indices).fill_null(0) if is_dictionary else lengths
    sizes: NDArray[np.int64] = found.to_numpy(zero_copy_only=False)
    return sizes


def _lengths(texts: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return _lengths_of_views(texts) if pa.types.is_string_view(texts.type) else pc.binary_length(texts)


def _check_texts(column: Any, name: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not len(texts):
        return
    if (pc.max(_lengths(texts)).as_py() or 0) > LONGEST_TEXT:
        raise TooLarge(
            f"A text of the column {name[:40]!r} is longer than {LONGEST_TEXT:,} bytes.",
            limit=LONGEST_TEXT,
            unit="bytes",
        )


def _lengths_of_views(texts: Any) -> Any:
    """How long the texts are, many of which may be one in memory; the first four bytes of each view say it."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    _, views, *_ = texts.buffers()
    lengths = np.frombuffer(views, np.int32)[::4][texts.offset : texts.offset + len(texts)]
    return pa.array(lengths, mask=texts.is_null().to_numpy(zero_copy_only=False))


def _cast(batch: Any, plain: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    pairs = zip(batch.columns, plain.types, strict=True)
    columns = [column if column.type == kind else _cast_column(column, kind) for column, kind in pairs]
    return pa.record_batch(columns, schema=plain)


def _cast_column(column: Any, plain: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    if pa.types.is_dictionary(column.type) and pa.types.is_string_view(column.type.value_type):
        # pyarrow has no way from a dictionary of views.
        column = pa.DictionaryArray.from_arrays(column.indices, column.dictionary.cast(pa.string()))
    return column.cast(plain, safe=False)
