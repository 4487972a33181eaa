"""Columns of a table are had as numbers or texts, and described."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from service.data.names import names_in_order
from service.data.tables import Table
from service.errors import Malformed
from service.formats.tables import open_table
from tests.support.tables import table_of


def test_numbers_as_texts_are_written_shortly(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a,b\n1.0,1\n2.0,2.5\n,3\n")
    assert table.encoded("a")[0] == ["1", "2"]
    assert table.encoded("b")[0] == ["1", "2.5", "3"]
    assert names_in_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert names_in_order(["b", "10", "a"]) == ["10", "a", "b"]


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        table_of(tmp_path, b"a,b\nx,1\n").numbers("a")


def test_every_column_can_be_had_as_numbers() -> None:
    table = Table(
        pa.table(
            {
                "large": [2**60 + 1, None, -(2**60)],
                "flag": [True, None, False],
                "none": pa.nulls(3),
                "day": pa.array([86_400_000_000, None, 0], pa.timestamp("us")),
                "beyond": [1e300, -1e300, np.nan],
            }
        )
    )
    expected = {
        "large": [2.0**60, np.nan, -(2.0**60)],
        "flag": [1, np.nan, 0],
        "none": [np.nan] * 3,
        "day": [1, np.nan, 0],
        "beyond": [np.inf, np.inf, np.nan],
    }
    for name, numbers in expected.items():
        np.testing.assert_array_equal(table.numbers(name), numbers)


def test_numbers_that_are_all_there_are_not_copied() -> None:
    values = pa.array([1.5, -2.0, float(np.finfo(np.float32).max)])
    numbers = Table(pa.table({"a": values})).numbers("a")
    assert np.shares_memory(numbers, values.to_numpy())
    assert numbers.tolist() == values.to_pylist()


@pytest.mark.parametrize(
    "values",
    [[0.5, -3.0, 2.0, 7.25], [0.5, None, 2.0, 7.25], [0.5, float("nan"), -1.0, 2.0], [float("nan"), None, None, None]],
)
def test_the_least_and_the_most_of_numbers_are_those_that_are_there(values: list[float | None]) -> None:
    column = pa.chunked_array([values[:2], [], values[2:]], pa.float64())
    there = [value for value in values if value is not None and not np.isnan(value)]
    (described,) = Table(pa.table({"a": column})).describe()
    assert described["missing"] == len(values) - len(there)
    assert (described["min"], described["max"]) == (min(there, default=None), max(there, default=None))


def test_what_is_no_arrow_file_is_not_opened() -> None:
    with pytest.raises(Malformed):
        open_table(b"rubbish")


@pytest.mark.parametrize(
    ("texts", "looks_like"),
    [
        (["1.234,50", "7", "12,5", None], "number"),
        (["3,14", "-2,7"], "number"),
        (["1,234.50", "1'234.50", "1 234,5"], "number"),
        (["31.03.2024", "1.4.24"], "date"),
        (["03/31/2024 10:00", "04/01/2024"], "date"),
        (["31-03-2024", "01-04-2024"], "date"),
        (["2024/03/31"], "date"),
        (["$1.50", "€ 20", "-£3"], "number"),
        (["10%", "7.5 %"], "number"),
        (["12", "?", "7"], "number"),
        (["1e-3", " - ", "2.5"], "number"),
        (["None", "12", "7", None], "number"),
        (["31.03.2024", "unknown"], "date"),
        (["?", "-"], None),
        (["Mr", "?"], None),
        (["12", "Nobody"], None),
        (["A+", "B-", "-"], None),
        (["3,14", "about 3"], None),
        ([*(f"{number},5" for number in range(200)), "word"], None),
        (["01234", "10115"], None),
        (["030 123 456"], None),
        (["192.168.0.1", "10.0.0.7"], None),
        (["31.13.2024x"], None),
        ([*map(str, range(9)), "many"], "mostly_number"),
        ([*["1.5", "-2e3", ".5"] * 3, "many"], "mostly_number"),
        ([*map(str, range(8)), "many", "few"], None),
        ([None], None),
    ],
)
def test_texts_that_look_like_numbers_or_dates_are_told(texts: list[str | None], looks_like: str | None) -> None:
    [described] = Table(pa.table({"a": pa.array(texts, pa.string())})).describe()
    assert (described["type"], described.get("looks_like")) == ("category", looks_like)
