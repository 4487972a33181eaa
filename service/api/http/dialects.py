"""The dialect of a table in the query of a request; what is not given is detected."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from service.api.http.queries import refuse
from service.api.http.uploads import charset_of
from service.formats.csv.dialect import Dialect

KINDS = ("number", "category", "boolean", "date")
_MOST_WORDS, _LONGEST_WORD = 100, 200

_Words = list[Annotated[str, Query(max_length=_LONGEST_WORD)]]


async def _dialect(
    request: Request,
    *,
    delimiter: Annotated[
        str | None, Query(min_length=1, max_length=1, description="Of CSV; found if not given.")
    ] = None,
    header: Annotated[
        bool | None,
        Query(description="Whether the first row of a CSV or sheet names the columns; found if not given."),
    ] = None,
    encoding: Annotated[str | None, Query(max_length=40, description="Of CSV; found if not given.")] = None,
    quotechar: Annotated[str | None, Query(min_length=1, max_length=1, description='Of CSV; `"` if not given.')] = None,
    quote: Annotated[str | None, Query(min_length=1, max_length=1, include_in_schema=False)] = None,  # its older name
    decimal: Annotated[
        Literal[".", ","] | None, Query(description="What a CSV writes before decimals; found if not given.")
    ] = None,
    thousands: Annotated[
        Literal[",", ".", " ", "'"] | None,
        Query(description="The thousands separator of a CSV; detected if not given and all numbers agree."),
    ] = None,
    na_values: Annotated[
        _Words | None,
        Query(
            max_length=_MOST_WORDS,
            description="A text that marks a missing value in a CSV or a sheet, in addition to those of pandas; "
            "repeat the parameter for several. Text in quotes is never missing.",
        ),
    ] = None,
    skip_rows: Annotated[
        int | None,
        Query(
            ge=0,
            le=10_000,
            description="The number of lines of a CSV, or rows of a sheet, to skip at the beginning.",
        ),
    ] = None,
    comment: Annotated[
        str | None,
        Query(min_length=1, max_length=1, description="What begins a comment in a CSV, which ends with its line."),
    ] = None,
    sheet: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=_LONGEST_WORD,
            description="The name of the sheet of a spreadsheet; the first visible sheet if not given.",
        ),
    ] = None,
    date_format: Annotated[
        _Words | None,
        Query(
            max_length=10,
            description="How dates are written besides ISO 8601, such as `%d.%m.%Y`; a column of texts "
            "all of which are so is one of dates. Give it once for each format.",
        ),
    ] = None,
    types: Annotated[
        _Words | None,
        Query(
            alias="type",
            max_length=10_000,
            description="What a column is to hold, as `name:type`; the type is one of `number`, "
            "`category`, `boolean` and `date`. Give it once for each column.",
        ),
    ] = None,
) -> Dialect:
    if encoding is None:
        encoding = charset_of(request.headers.get("content-type", ""))
    mark = quotechar or quote or '"'
    refuse((["thousands"] if thousands and thousands in (decimal, delimiter) else []), _clash)
    refuse((["comment"] if comment and comment in (delimiter, mark) else []), _clash)
    return Dialect(
        delimiter,
        header,
        encoding,
        mark,
        decimal,
        thousands=thousands,
        gaps=tuple(na_values or ()),
        skip_rows=skip_rows or 0,
        comment=comment,
        date_formats=tuple(date_format or ()),
        types=_types(types or []),
        sheet=sheet,
    )


Written = Annotated[Dialect, Depends(_dialect)]
"""How a table is written, as an argument of a route."""


Formulas = Annotated[
    Literal["text"] | None,
    Query(
        description="`text`: in CSV an apostrophe stands before each text that a spreadsheet would take for a formula, "
        "so that it shows it and calculates nothing."
    ),
]
"""What becomes of formulas in a CSV, as an argument of a route."""


def _clash(name: str) -> str:
    return f"Expected another mark for {name} than for what else the query names"


def _types(given: list[str]) -> dict[str, str]:
    types: dict[str, str] = {}
    for one in given:
        name, colon, kind = one.rpartition(":")
        refuse([] if colon and kind in KINDS else ["type"], lambda _name: f"Expected name:type with one of {_KINDS}")
        refuse(["type"] if types.setdefault(name, kind) != kind else [], lambda _name: "Expected one type of a column")
    return types


_KINDS = ", ".join(KINDS)
