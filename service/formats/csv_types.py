"""The types of the columns of a delimited text, which only who reads all of it knows."""

from pathlib import Path
from typing import Any

from service.formats.csv_blocks import batches_of
from service.formats.delimited import Dialect

NOT_UTF8 = "invalid UTF8"
"""What pyarrow says of a text that is not UTF-8; where it sees that at once, it takes the column for bytes."""


def widest_types(source: Path, dialect: Dialect, names: list[str]) -> Any:
    """The schema that takes every row of a delimited text."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    types: list[Any] = [pa.null()] * len(names)
    doubtful: set[int] = set()
    with source.open("rb") as text:
        for batch in batches_of(text, dialect, names, agree=False, has_odd_quotes=True):
            check_texts(batch.schema)
            for place, found in enumerate(batch.schema.types):
                # Of whole numbers only 0 and 1 are booleans, too.
                doubtful |= {place} if {types[place], found} == {pa.int64(), pa.bool_()} else set()
                types[place] = _wider(types[place], found)
    for place in doubtful:
        trial = [pa.bool_() if place == one else pa.string() for one in range(len(names))]
        if pa.types.is_boolean(types[place]) and not _fits(source, dialect, names, trial):
            types[place] = pa.string()
    return pa.schema(zip(names, types, strict=True))


def _fits(source: Path, dialect: Dialect, names: list[str], types: list[Any]) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - as above

    schema = pa.schema(zip(names, types, strict=True))
    try:
        with source.open("rb") as text:
            return all(
                batch.num_columns for batch in batches_of(text, dialect, names, types=schema, has_odd_quotes=True)
            )
    except pa.ArrowInvalid:
        return False


def check_texts(schema: Any) -> None:
    """pyarrow's error for bytes that are no UTF-8, where a column of this schema holds some."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if any(pa.types.is_binary(field.type) for field in schema):
        raise pa.ArrowInvalid(NOT_UTF8)


def _wider(one: Any, other: Any) -> Any:
    """The type of a column that has texts of either: the first of those that pyarrow tries which takes all."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    for order in (
        (pa.int64(), pa.float64()),
        (pa.int64(), pa.bool_()),
        (pa.date32(), pa.timestamp("s"), pa.timestamp("ns")),
    ):
        if one in order and other in order:
            return max(one, other, key=order.index)
    return pa.string()
