"""Verbs of a version: each has a route for the latest version, for one by its number, and for one by a label."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter

from service.api.http.paths import LabelName, VersionNumber

Route = Callable[..., Any]


class _Form(NamedTuple):
    path: str
    argument: str
    annotation: Any
    words: str


_FORMS = (
    _Form("/{name:word}", "", None, "the latest version"),
    _Form("/{name:word}/versions/{number:number}", "number", VersionNumber, "one version"),
    _Form("/{name:word}/labels/{label:word}", "label", LabelName, "the version that a label points at"),
)


def verb(
    router: APIRouter, method: str, ending: str, names: Sequence[str], **described: Any
) -> Callable[[Route], Route]:
    """Adds three routes that end in `ending` (":predict", "/export") for one function.

    The function takes the version as `which`: None for the latest, its number, or a label. `names` are those of the
    three operations; `{version}` in its docstring becomes the words for the version of each.
    """

    def add(function: Route) -> Route:
        for name, form in zip(names, _FORMS, strict=True):
            router.add_api_route(
                form.path + ending, _of_form(function, form, name), methods=[method], name=name, **described
            )
        return function

    return add


def _of_form(function: Route, form: _Form, name: str) -> Route:
    """The function with an argument for the number or the label, if any, in the place of `which`."""

    def called(arguments: dict[str, Any]) -> dict[str, Any]:
        which = arguments.pop(form.argument) if form.argument else None
        return {**arguments, "which": which}

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def route(**arguments: Any) -> Any:
            return await function(**called(arguments))

    else:

        @functools.wraps(function)
        def route(**arguments: Any) -> Any:
            return function(**called(arguments))

    signature = inspect.signature(function, eval_str=True)
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name != "which":
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        elif form.argument:
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter(form.argument, kind, annotation=form.annotation))
    route.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    route.__name__ = name
    route.__doc__ = (inspect.getdoc(function) or "").replace("{version}", form.words)
    return route
