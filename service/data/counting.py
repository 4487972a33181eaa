"""Counts the values of a column in memory that grows with the number of distinct values, not of rows."""

from typing import Any

from service.allowance import expect

_AT_ONCE_BYTES, _BETWEEN_MERGES = 64 << 20, 1_000_000
_COUNTING = 3
"""Counting takes this many times the memory of the values."""


def counts_of(column: Any) -> Any:
    """Returns the count of each value in the form of pyarrow's `value_counts`."""
    import pyarrow as pa  # noqa: PLC0415 - only who has a table pays for it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if column.nbytes <= _AT_ONCE_BYTES:
        return pc.value_counts(column.drop_null())
    counted: list[Any] = []
    rows = merged_rows = 0
    for chunk in column.chunks:
        found = pc.value_counts(chunk.drop_null())
        counted.append(pa.table({"values": found.field("values"), "counts": found.field("counts")}))
        rows += len(found)
        if rows > 2 * merged_rows + _BETWEEN_MERGES:
            counted = [_merged(counted)]
            rows = merged_rows = len(counted[0])
    (batch,) = _merged(counted).combine_chunks().to_batches() or [None]
    return pc.value_counts(column.slice(0, 0)) if batch is None else batch.to_struct_array()


def _merged(counted: list[Any]) -> Any:
    """The sum of several counts, in the order in which the values come."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    together = pa.concat_tables(counted)
    expect(_COUNTING * together.nbytes)
    summed = together.group_by("values", use_threads=False).aggregate([("counts", "sum")])
    return pa.table({"values": summed["values"], "counts": summed["counts_sum"]})
