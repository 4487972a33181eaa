"""What is distinct is counted alike however large a column is."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from service.data import counting


def test_what_is_distinct_in_a_large_column_is_counted_as_in_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pa.chunked_array([[str(i % n) for i in range(1000)] + [None] for n in (3, 700, 11, 5)])
    wanted = {one["values"]: one["counts"] for one in pc.value_counts(texts.drop_null()).to_pylist()}
    monkeypatch.setattr(counting, "_AT_ONCE_BYTES", 0)
    monkeypatch.setattr(counting, "_BETWEEN_MERGES", 100)
    found = counting.counts_of(texts).to_pylist()
    assert {one["values"]: one["counts"] for one in found} == wanted
    assert len(found) == len(wanted)
    assert len(counting.counts_of(pa.chunked_array([], pa.string()))) == 0
    assert len(counting.counts_of(pa.chunked_array([pa.nulls(3, pa.string())]))) == 0
