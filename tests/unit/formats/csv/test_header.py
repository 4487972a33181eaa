"""Whether the first row is names is told by what is known of them, and by the values below it."""

import pytest

from service.formats.csv.header import found_header
from service.formats.csv.sample import rows_of, with_quotes

NAMES, DATA, GUESSED = (True, False), (False, False), (True, True)


def told(text: str, known: list[str] | None = None) -> tuple[bool, bool]:
    """Whether there is a header, and whether that was a guess."""
    found = found_header(with_quotes(rows_of(text, ",", '"', whole=True), text, ",", '"'), known)
    return found.is_there, found.guess is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("country,2019,2020,income\nFrance,67.1,67.3,high\nSpain,46.9,47.3,low\n", GUESSED),
        ("id,1,2\n5,0.1,0.2\n6,0.3,0.4\n", GUESSED),
        ("country,2019\nFrance,67.1\nSpain,46.9\n", GUESSED),
        ("0,1,2\n5.1,3.5,1.4\n", GUESSED),
        ("0,1,2\n7,8,9\n", GUESSED),
        ("a,b\nx,1\n", NAMES),
        ("a,b\nx,2024-01-02\n", NAMES),
        ("a,b\nx,$1\n", NAMES),
        ("a,b\nx,y\n", GUESSED),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", (False, True)),
        ("5.1,3.5\n4.9,3.0\n", DATA),
        ("1,1,x\n2,2,y\n", (False, True)),
        ("red,small\nblue,large\nred,tiny\n", (False, True)),
        ("NA,3.5\n2,4\n", DATA),
    ],
)
def test_the_first_row_is_names_or_data_by_the_types_below_it(text: str, expected: tuple[bool, bool]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize("first", ["2019,2020", "2020", "weight,2020", "weight,7"])
def test_a_row_that_has_a_known_name_is_names(first: str) -> None:
    assert told(f"{first}\n7,8\n", ["2019", "2020", "weight"]) == NAMES


@pytest.mark.parametrize("text", ['"2019","2020"\n"x",1.5\n', '"1","3"\n7,9\n', '1,3\n"x","y"\n'])
def test_quotes_that_only_the_first_row_has_or_lacks_tell_that_it_is_names(text: str) -> None:
    assert told(text) == NAMES
