"""Queries: a parameter that means nothing to the route that gets it, or two things, is a mistake, and told."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import get_args, get_origin

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query

from service.nn.suggestions import hint

_LONGEST_SHOWN = 60


async def check_query(request: Request) -> None:
    """Refuses query parameters that the route of a request does not know, naming those that it does, and repetitions.

    Of a parameter that is no list and comes twice, the route would read the last and pass over the others. NUL is
    in no name: PostgreSQL could not even look for it.
    """
    if request.scope["query_string"]:
        declared = get_flat_params(request.scope["route"].dependant)  # codespell:ignore
        known = {one.alias: one.field_info.annotation for one in declared if isinstance(one.field_info, Query)}
        given = Counter(name for name, _ in request.query_params.multi_items())
        refuse((name for name in given if name not in known), lambda name: _about(name, list(known)))
        texts = {name for name, value in request.query_params.multi_items() if "\0" in value}
        refuse(texts, lambda _name: "Expected a text without the character NUL")
        refuse(
            (name for name, times in given.items() if times > 1 and not _is_list(known[name])),
            lambda name: f"Expected one value; received {given[name]}",
        )


def refuse(names: Iterable[str], say: Callable[[str], str]) -> None:
    """Answers 422 with a sentence, without its full stop, about each of these query parameters, if there are any."""
    shown = [name[:_LONGEST_SHOWN] for name in names]
    if shown:
        raise RequestValidationError([{"type": "query", "loc": ("query", name), "msg": say(name)} for name in shown])


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _about(name: str, known: Sequence[str]) -> str:
    return f"Unknown parameter.{hint(name, known)} Known: {', '.join(known) or 'none'}"
