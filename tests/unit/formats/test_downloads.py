"""Tables go out in order, each encoded while the next is made, and texts are texts however they came."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from service.formats.downloads import FORMATS, encode_tables
from service.formats.tables import ARROW, CSV, PARQUET


def read(content: bytes, media_type: str) -> pa.Table:
    source = io.BytesIO(content)
    if media_type == CSV:
        return csv.read_csv(source)
    return parquet.read_table(source) if media_type == PARQUET else pa.ipc.open_file(source).read_all()


def tables_of(*rows: int) -> Iterator[pa.Table]:
    """Tables with so many rows, their texts as dictionaries."""
    for place, count in enumerate(rows):
        names = pa.DictionaryArray.from_arrays(pa.array([place % 2] * count, pa.int32()), pa.array(["no", "yes"]))
        yield pa.table({"answer": names, "place": [place] * count, "score": pa.array([0.5] * count, pa.float32())})


@pytest.mark.parametrize("media_type", FORMATS.values())
def test_tables_are_one_in_their_order_and_dictionaries_are_texts_again(media_type: str) -> None:
    table = read(b"".join(encode_tables(tables_of(3, 1, 2), media_type)), media_type)
    assert table["place"].to_pylist() == [0, 0, 0, 1, 2, 2]
    assert table["answer"].to_pylist() == ["no", "no", "no", "yes", "no", "no"]
    assert table["answer"].type == pa.string()
    assert table["score"].to_pylist() == [0.5] * 6


@pytest.mark.parametrize("media_type", FORMATS.values())
def test_the_same_tables_are_the_same_bytes(media_type: str) -> None:
    first, second = (b"".join(encode_tables(tables_of(5, 5), media_type)) for _ in range(2))
    assert first == second


def test_a_table_is_encoded_while_the_next_is_made_and_no_further_ahead() -> None:
    made = []

    def counted() -> Iterator[pa.Table]:
        for table in tables_of(1, 1, 1, 1):
            made.append(table)
            yield table

    pieces = encode_tables(counted(), ARROW)
    next(pieces)
    assert len(made) == 2
    next(pieces)
    assert len(made) == 3


def test_what_fails_among_the_tables_is_told() -> None:
    def broken() -> Iterator[pa.Table]:
        yield from tables_of(1, 1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        list(encode_tables(broken(), PARQUET))


def test_numbers_that_were_given_keep_their_least_and_most_in_parquet_and_outputs_have_none() -> None:
    content = b"".join(encode_tables(tables_of(2), PARQUET))
    group = parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    found = {group.column(place).path_in_schema: group.column(place).statistics for place in range(3)}
    assert found["score"] is None
    assert (found["place"].min, found["place"].max) == (0, 0)
