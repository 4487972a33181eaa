"""Numbers with marks are read as what they are where a whole column agrees, and it is told."""

from pathlib import Path
from typing import Any

import pytest

from service.config import Limits
from service.data.tables import Table
from service.errors import Invalid
from service.formats.csv.dialect import Dialect
from service.formats.tables import CSV, write_table


def read(directory: Path, text: str, dialect: Dialect | None = None) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The columns of a CSV, and the warnings about them."""
    source, target = directory / "source", directory / "target"
    source.write_text(text)
    warnings = write_table(source, CSV, target, Limits(), dialect)
    return Table.from_file(target).arrow.to_pydict(), {one.pointer: one.code for one in warnings}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["950", "1,050", "12,400"], [950, 1050, 12400]),
        (["950", "1.050", "12.400"], [950, 1050, 12400]),
        (["950", "1,234,567"], [950, 1234567]),
        (["1,234,567", "5,000"], [1234567, 5000]),
        (["1.234,50", "7,00"], [1234.5, 7.0]),
        (["1 234,5", "7,5"], [1234.5, 7.5]),
        (["1\u00a0234", "17"], [1234, 17]),
        (["1'234.5", "17"], [1234.5, 17.0]),
        (["$1,234.50", "$5"], [1234.5, 5.0]),
        (["-$5", "$1"], [-5, 1]),
        (["5 €", "1.050 €"], [5, 1050]),
        (["12%", "7.5 %"], [12.0, 7.5]),
    ],
)
def test_a_column_in_which_all_values_have_the_same_marks_is_numbers_and_it_is_told(
    tmp_path: Path, values: list[str], expected: list[float]
) -> None:
    columns, warnings = read(tmp_path, "a;b\n" + "".join(f"{value};1\n" for value in values))
    assert columns["a"] == expected
    assert warnings == {"#/columns/a": "marks_read"}
    texts, _ = read(tmp_path, "a;b\n" + "".join(f"{value};1\n" for value in values), Dialect(types={"a": "category"}))
    assert texts["a"] == values


@pytest.mark.parametrize("values", [["$5", "€6"], ["$5", "6"], ["12%", "0.5"], ["$5", "many"], ["1,23,4", "5"]])
def test_a_column_whose_values_differ_in_their_marks_stays_one_of_texts(tmp_path: Path, values: list[str]) -> None:
    assert read(tmp_path, "a;b\n" + "".join(f"{value};1\n" for value in values))[0]["a"] == values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1,050"], [1.05]),
        (["1.125", "2", "3.625"], [1.125, 2.0, 3.625]),
    ],
)
def test_marks_that_may_be_those_of_decimals_or_thousands_are_warned_of(
    tmp_path: Path, values: list[str], expected: list[float]
) -> None:
    text = "a;b\n" + "".join(f"{value};1\n" for value in values)
    assert read(tmp_path, text) == ({"a": expected, "b": [1] * len(values)}, {"#/columns/a": "unclear_thousands"})
    mark = "," if "," in values[0] else "."
    assert read(tmp_path, text, Dialect(decimal=mark)) == ({"a": expected, "b": [1] * len(values)}, {})
    said = [float(value.replace(mark, "")) for value in values]
    assert read(tmp_path, text, Dialect(thousands=mark))[0]["a"] == said


def test_decimals_without_doubt_are_not_warned_of(tmp_path: Path) -> None:
    text = "a,b,c,d\n0.125,1.25,1.001,1.0\n1.250,2,2.002,2.0\n"
    assert read(tmp_path, text)[1] == {}


def test_thousands_are_found_wherever_they_begin(tmp_path: Path) -> None:
    rows = ["950"] * 1_000_000 + ["1.050"]
    columns, warnings = read(tmp_path, "a\n" + "\n".join(rows) + "\n")
    assert columns["a"][-2:] == [950, 1050]
    assert warnings == {"#/columns/a": "marks_read"}


def test_what_is_said_of_a_file_is_done(tmp_path: Path) -> None:
    text = 'exported today\n# by hand\nday,n,x  # names\n31.03.2024,-,1\n# a line\n01.04.2024,5,"a # b"\n'
    dialect = Dialect(skip_rows=1, comment="#", gaps=("-",), date_formats=("%d.%m.%Y",), types={"n": "number"})
    columns, warnings = read(tmp_path, text, dialect)
    assert [str(day.date()) for day in columns["day"]] == ["2024-03-31", "2024-04-01"]
    assert (columns["n"], columns["x"], warnings) == ([None, 5], ["1", "a # b"], {})


@pytest.mark.parametrize(
    ("types", "code"),
    [({"a": "number"}, "wrong_type"), ({"b": "boolean"}, "wrong_type"), ({"c": "date"}, "unknown_column")],
)
def test_a_type_that_a_column_cannot_have_is_refused(tmp_path: Path, types: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(tmp_path, "a,b\nx,2\n", Dialect(types=types))
    assert [one.code for one in refused.value.findings] == [code]


def test_types_are_what_is_said(tmp_path: Path) -> None:
    text = "a,b,c,d\n007,1,yes,$1\n8,0,no,$2\n"
    columns, _ = read(tmp_path, text, Dialect(types={"a": "category", "b": "boolean", "c": "boolean", "d": "number"}))
    assert columns == {"a": ["007", "8"], "b": [True, False], "c": [True, False], "d": [1, 2]}
