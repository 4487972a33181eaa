"""Parameters in paths and queries: names that cannot swallow a verb such as `:predict`, and how lists are cut."""

import re
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response
from starlette.convertors import Convertor, register_url_convertor  # codespell:ignore

WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
NUMBER = "[0-9]{1,9}"
VERSIONED = rf"/(?P<name>{WORD})(?:/versions/(?P<number>{NUMBER})|/labels/(?P<label>{WORD}))?"
"""The part of a path that names a model, or one version of it by its number or a label."""

VERSIONED_TEXT = rf"/(?P<name>{WORD})(?:/versions/(?:(?P<number>{NUMBER})|(?P<label>{WORD})))?"
"""The same in the Open Inference Protocol, where a version is a text: a number, or else a label."""


class _Word(Convertor[str]):  # codespell:ignore
    regex = WORD

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Number(Convertor[int]):  # codespell:ignore
    regex = NUMBER

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class _Version(Convertor[int | str]):  # codespell:ignore
    regex = WORD

    def convert(self, value: str) -> int | str:
        return int(value) if re.fullmatch(NUMBER, value) else value

    def to_string(self, value: int | str) -> str:
        return str(value)


register_url_convertor("word", _Word())
register_url_convertor("number", _Number())
register_url_convertor("version", _Version())


ModelName = Annotated[str, Path(description="The model's name.", examples=["xor"])]
VersionNumber = Annotated[int, Path(description="The version's number, from 1.", examples=[1])]
LabelName = Annotated[str, Path(description="The label's name.", examples=["stable"])]
VersionOrLabel = Annotated[int | str, Path(description="The version's number, or a label.", examples=[1])]
JobId = Annotated[str, Path(description="The job's id.", examples=["job_1n2v5jz4q9s0mxjrkpt8c7w3ye"])]

Limit = Annotated[int, Query(ge=1, le=200, description="Most items of one page.")]
Cursor = Annotated[str | None, Query(pattern="^[!-~]{1,200}$", description="`next_cursor` of the page before.")]


class Page:
    """Which part of a list is asked for, and how the response names the next one (RFC 8288)."""

    def __init__(self, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None) -> None:
        self._request = request
        self._response = response
        self.limit = limit
        self.cursor = cursor

    def link(self, next_cursor: str | None) -> None:
        """Names the next page in the header `Link`."""
        if next_cursor is not None:
            url = self._request.url.include_query_params(cursor=next_cursor)
            self._response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


Paging = Annotated[Page, Depends()]
"""A page of a list as an argument of a route."""
