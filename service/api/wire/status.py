"""The heads of responses."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus


@cache
def status_line(status: int) -> bytes:
    """The line of a status, with the phrase that is registered for it."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %s\r\n" % (status, phrase.encode())


def head_of_answer(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The status line, a line for each header, and the empty line behind them."""
    return b"".join([status_line(status), *[b"%s: %s\r\n" % header for header in headers], b"\r\n"])
