"""Tables to predict: a body that is a table is answered with a table, a row for each row."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, get_args

from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.api.http.dialects import Formulas, Written
from service.api.http.negotiation import quality
from service.api.http.problems import UnsupportedMediaType
from service.api.http.streamed_body import received
from service.api.http.uploads import ANSWERS, TABLES, media_type_of, told_apart
from service.api.serving.version_cache import Which
from service.api.state import state_of
from service.errors import Finding
from service.formats.csv.dialect import Dialect
from service.formats.csv.streams import Readable
from service.formats.tables import CSV
from service.prediction.files import FilePrediction
from service.prediction.outputs import Asked
from service.spec.prediction import Output

_PIECE_BYTES = 1 << 20


def _known(outputs: str) -> str:
    if not set(outputs.split(",")) <= set(get_args(Output)):
        expected = f"Expected some of {', '.join(get_args(Output))}, with commas between them"
        raise PydanticCustomError("unknown_name", "{expected}", {"expected": expected})
    return outputs


_OUTPUT = f"({'|'.join(get_args(Output))})"
_Outputs = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "pattern": f"^{_OUTPUT}(,{_OUTPUT})*$"})
]


@dataclass(frozen=True, slots=True)
class TableQuery:
    """What the query of a request, and its `Accept`, say about a table in its body and about the response."""

    asked: Asked
    include: list[str]
    dialect: Dialect
    accept: str
    shows_formulas: bool = False


async def _query(
    request: Request,
    dialect: Written,
    *,
    outputs: Annotated[
        _Outputs | None,
        Query(
            description="What to tell of each row of a table: some of `predictions`, `predicted_classes` and "
            "`probabilities`, with commas between them.",
        ),
    ] = None,
    top_k: Annotated[
        int | None, Query(ge=1, description="Of a table: so many of the likeliest classes of each row.")
    ] = None,
    interval: Annotated[
        float | None,
        Query(
            gt=0,
            lt=1,
            description="Of a table: the probability with which the truth lies in an interval, such as 0.9. Adds the "
            "columns `_low` and `_high` for each number, or for each class `in_set_` with its name.",
        ),
    ] = None,
    include: Annotated[
        list[str] | None, Query(description="Columns of a table to repeat in the answer; give it once for each.")
    ] = None,
    formulas: Formulas = None,
) -> TableQuery:
    asked = Asked(frozenset(outputs.split(",") if outputs else ()), top_k, interval)
    return TableQuery(asked, include or [], dialect, request.headers.get("accept", ""), formulas == "text")


Queried = Annotated[TableQuery, Depends(_query)]
"""What is asked of a table, as an argument of a route; of JSON the body says it."""


async def answer_table(request: Request, name: str, which: Which, query: TableQuery) -> Response:
    """The response to a table: of its own media type, or of one that `Accept` asks for.

    It is sent when all of it is predicted, so that a wrong cell in the last row is still refused.
    """
    shared = state_of(request)
    media_type = media_type_of(request, TABLES)
    served = await run_in_threadpool(shared.serving.find, name, which)

    prediction = FilePrediction(
        served.loaded, query.asked, query.include, query.dialect, shared.settings, query.shows_formulas
    )

    def read(file: Path, arriving: Readable) -> tuple[BinaryIO, str, list[Finding]]:
        file, text, given = told_apart(file, arriving, media_type, shared.settings)
        if given not in TABLES.values():
            raise UnsupportedMediaType(f"Expected a table in CSV, Parquet, Arrow or a spreadsheet; received {given}.")
        wanted = _wanted(query.accept, given)
        content, guesses = prediction.answer(file, text, given, wanted)
        return content, wanted, guesses

    made = await received(request, shared.settings.scratch, read, ahead=media_type == CSV)
    if isinstance(made, Response):
        return made
    content, wanted, guesses = made
    version = f"/v1/models/{served.version.model}/versions/{served.version.number}"
    size = os.fstat(content.fileno()).st_size
    headers = {"Content-Length": str(size), "Link": f'<{version}>; rel="describedby"'}
    response = StreamingResponse(_pieces(content), media_type=wanted, headers=headers)
    for guess in guesses:
        response.headers.append("Fitd-Warning", f"{guess.code}: {guess.detail}".encode("ascii", "replace").decode())
    return response


def _wanted(accept: str, given: str) -> str:
    """The media type that `Accept` prefers among those of answers; if it names none, that of the body, or CSV."""
    given = given if given in ANSWERS else CSV
    best, choice = 0.0, given
    for part in accept.lower().split(","):
        name, _, weight = part.partition(";")
        media_type = given if name.strip() == "*/*" else ANSWERS.get(name.strip())
        if media_type is not None and quality(weight) > best:
            best, choice = quality(weight), media_type
    return choice


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE_BYTES):
            yield piece
