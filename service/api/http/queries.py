"""Queries: a parameter that the route does not know, or that is repeated, is a mistake."""

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError

from service.nn.suggestions import hint

_LONGEST_SHOWN = 60
_QUERY, _DEPENDS = type(Query()), type(Depends())


async def check_query(request: Request) -> None:
    """Refuses query parameters that the route of a request does not know, naming those that it does, and repetitions.

    Of a parameter that is no list and comes twice, the route would read the last and pass over the others. NUL is
    in no name: PostgreSQL could not even look for it.
    """
    if request.scope["query_string"]:
        known = parameters_of(request.scope["endpoint"])
        given = Counter(name for name, _ in request.query_params.multi_items())
        refuse((name for name in given if name not in known), lambda name: _about(name, list(known)))
        texts = {name for name, value in request.query_params.multi_items() if "\0" in value}
        refuse(texts, lambda _name: "Expected a text without the character NUL")
        refuse(
            (name for name, times in given.items() if times > 1 and not _is_list(known[name])),
            lambda name: f"Expected one value; received {given[name]}",
        )


@functools.cache
def parameters_of(endpoint: Callable[..., Any]) -> Mapping[str, Any]:
    """The query parameters of a route's function and of what it depends on, with the type of each.

    Each is declared as `Annotated[type, Query(...)]`.
    """
    own: dict[str, Any] = {}
    inherited: dict[str, Any] = {}
    declared: Any = endpoint.__init__ if inspect.isclass(endpoint) else endpoint
    for name, annotation in get_type_hints(declared, include_extras=True).items():
        for note in getattr(annotation, "__metadata__", ()):
            if isinstance(note, _QUERY):
                own[note.alias or name] = annotation.__origin__
            elif isinstance(note, _DEPENDS):
                inherited |= parameters_of(note.dependency or annotation.__origin__)
    return own | inherited


def refuse(names: Iterable[str], say: Callable[[str], str]) -> None:
    """Raises a 422 for each of these query parameters, if any; `say` returns the sentence, without a full stop."""
    shown = [name[:_LONGEST_SHOWN] for name in names]
    if shown:
        raise RequestValidationError([{"type": "query", "loc": ("query", name), "msg": say(name)} for name in shown])


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _about(name: str, known: Sequence[str]) -> str:
    return f"Unknown parameter.{hint(name, known)} Known: {', '.join(known) or 'none'}"
