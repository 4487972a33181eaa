"""Queries: a parameter that means nothing to the route that gets it is a mistake, and told."""

import difflib
from collections.abc import Callable, Iterable, Sequence

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query

_LONGEST_SHOWN = 60


async def check_query(request: Request) -> None:
    """Refuses the query parameters that the route of a request does not know, and names those that it does."""
    if request.scope["query_string"]:
        declared = get_flat_params(request.scope["route"].dependant)  # codespell:ignore
        known = [one.alias for one in declared if isinstance(one.field_info, Query)]
        refuse((name for name in request.query_params if name not in known), lambda name: _about(name, known))


def refuse(names: Iterable[str], say: Callable[[str], str]) -> None:
    """Answers 422 with a sentence, without its full stop, about each of these query parameters, if there are any."""
    shown = [name[:_LONGEST_SHOWN] for name in names]
    if shown:
        raise RequestValidationError([{"type": "query", "loc": ("query", name), "msg": say(name)} for name in shown])


def _about(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"Unknown parameter.{hint} Known: {', '.join(known) or 'none'}"
