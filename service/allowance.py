"""The memory that a request may use, reserved before anything large is built.

A request that needs little is handled where it arrives. One that needs more is handled by a process of its own
(`service/api/apart`), and one that needs more than any request may take is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from service.errors import TooLarge

HERE_BYTES = 8 << 20
"""The most memory for what one request builds in the process that answers all of them: about 20 ms of parsing."""

HERE_BODY_BYTES = 4 << 20
"""The largest text that is parsed in that process: a parser holds the interpreter until it has finished."""


class Heavy(Exception):
    """The request takes too much memory or time for the process that answers all the others."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most memory that a request may take, and whether this process is only there for requests that take much."""

    most_bytes: int
    is_apart: bool = False


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowing(allowance: Allowance) -> Iterator[None]:
    """Applies the allowance inside the `with` block, and in threads that are started with its context."""
    token = _allowance.set(allowance)
    try:
        yield
    finally:
        _allowance.reset(token)


def expect(size_bytes: int, *, text_bytes: int = 0) -> None:
    """Checks that memory, and the parsing of a text of this length, are within the allowance.

    `Heavy` if another process has to take it, `TooLarge` if no request may. Where nothing was allowed, as in a worker,
    nothing is refused.
    """
    allowance = _allowance.get()
    if allowance is None:
        return
    if not allowance.is_apart and (size_bytes > HERE_BYTES or text_bytes > HERE_BODY_BYTES):
        raise Heavy
    if size_bytes > allowance.most_bytes:
        raise too_much_memory(allowance.most_bytes)


def expect_much() -> None:
    """Says that the memory for what comes next cannot be told in advance: `Heavy`, unless this process is for that."""
    expect(0, text_bytes=HERE_BODY_BYTES + 1)


def is_allowed(size_bytes: int) -> bool:
    """Whether a request may take so much memory, in whichever process."""
    allowance = _allowance.get()
    return allowance is None or not allowance.is_apart or size_bytes <= allowance.most_bytes


def too_much_memory(limit: int) -> TooLarge:
    """The error of a request that needs more memory than any may take."""
    said = f"Answering this takes more memory than a request may take, {limit:,} bytes; send it in smaller parts."
    return TooLarge(said, limit=limit, unit="bytes")
