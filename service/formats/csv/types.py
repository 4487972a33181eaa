"""The types of the columns of a delimited text, which are known only after reading all of it."""

from pathlib import Path
from typing import Any

from service.formats.csv.blocks import batches_of
from service.formats.csv.dialect import Dialect
from service.formats.csv.parsing import TEXT, gap_words

NOT_UTF8 = "invalid UTF8"
"""What pyarrow says of a text that is not UTF-8; where it sees that at once, it takes the column for bytes."""


def widest_types(source: Path, dialect: Dialect, names: list[str]) -> Any:
    """The schema that takes every row of a delimited text."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    types: list[Any] = [pa.null()] * len(names)
    doubtful: set[int] = set()
    quoted: set[int] = set()
    with source.open("rb") as text:
        for batch in batches_of(text, dialect, names, agree=False, has_odd_quotes=True):
            check_texts(batch.schema)
            quoted |= {place for place, field in enumerate(batch.schema) if field.metadata == TEXT}
            for place, found in enumerate(batch.schema.types):
                # Of whole numbers only 0 and 1 are booleans, too.
                doubtful |= {place} if {types[place], found} == {pa.int64(), pa.bool_()} else set()
                types[place] = _wider(types[place], found)
    doubtful = {place for place in doubtful if pa.types.is_boolean(types[place])}
    for place in doubtful - _booleans(source, dialect, names, doubtful) if doubtful else ():
        types[place] = pa.string()
    for place in quoted:
        types[place] = pa.string() if pa.types.is_null(types[place]) else types[place]
    return pa.schema(zip(names, types, strict=True))


def _booleans(source: Path, dialect: Dialect, names: list[str], places: set[int]) -> set[int]:
    """Those of the columns at these places whose texts are all booleans, by one reading however many they are."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import csv  # noqa: PLC0415 - as above

    options = csv.ConvertOptions()
    known = {*options.true_values, *options.false_values, *gap_words()}
    texts = pa.schema([(name, pa.string()) for name in names])
    with source.open("rb") as text:
        for batch in batches_of(text, dialect, names, types=texts, has_odd_quotes=True):
            for place in list(places):
                if not known.issuperset(batch.column(place).dictionary_encode().dictionary.to_pylist()):
                    places = places - {place}
    return places


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
    if {pa.types.is_decimal(one), pa.types.is_decimal(other)} == {True, False}:
        return max(one, other, key=pa.types.is_decimal) if pa.int64() in (one, other) else _of_decimal(one, other)
    if pa.types.is_decimal(one):
        return max(one, other, key=lambda kind: kind.scale)
    for order in (
        (pa.int64(), pa.float64()),
        (pa.int64(), pa.bool_()),
        (pa.date32(), pa.timestamp("s"), pa.timestamp("ns")),
    ):
        if one in order and other in order:
            return max(one, other, key=order.index)
    return pa.string()


def _of_decimal(one: Any, other: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.float64() if pa.float64() in (one, other) else pa.string()
