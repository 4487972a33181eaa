"""The scope that each route asks for. A route that is not listed here keeps the application from starting."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount

from service.access import Scope
from service.api.access.refusals import Unrouted

_CONVERTOR = re.compile(r":[a-z]+\}")
_REMEMBERED = 1000
_LONGEST_REMEMBERED = 400

OPEN = ("/livez", "/readyz", "/", "/docs")
"""The paths that may be read without a key, beside the files of the pages: they hold no data."""

_GROUPS = {
    Scope.READ: """
        openapi static get_metadata get_version_metadata get_label_metadata
        get_server_metadata get_server_live get_server_ready get_all_statistics get_repository_index
        get_inference_model get_inference_version get_model_ready get_version_ready get_model_config get_version_config
        get_model_statistics get_version_statistics
        list_training_jobs get_training_job watch_training_job get_training_history
        list_prediction_jobs get_prediction_job watch_prediction_job
        list_datasets get_dataset list_models get_model list_versions get_version
        list_evaluations list_version_evaluations list_label_evaluations list_labels get_label get_label_history
        export_model export_version export_label livez readyz root docs
    """,
    Scope.PREDICT: """
        predict predict_with_version predict_with_label classify classify_with_version classify_with_label
        regress regress_with_version regress_with_label infer_with_model infer_with_version load_model unload_model
        create_prediction_job delete_prediction_job cancel_prediction_job
    """,
    Scope.DATA: "create_dataset delete_dataset download_dataset",
    Scope.TRAIN: """
        evaluate evaluate_version evaluate_label create_training_job create_training_jobs validate_training_job
        delete_training_job cancel_training_job import_model delete_model delete_version put_label delete_label
    """,
    Scope.METRICS: "metrics",
    Scope.ADMIN: "list_keys create_key get_key revoke_key rotate_key",
}
SCOPES = {name: scope for scope, names in _GROUPS.items() for name in names.split()}
"""The scope of each route by its name, which is the operation's id in the OpenAPI document."""


class Need(NamedTuple):
    """What a request asks of its caller: a scope, and that its key reaches the model that the path names, if any."""

    scope: Scope
    model: str | None = None
    route: str = "unknown"
    """The path of the route as it is declared."""
    status: int = 200
    """404 or 405 if no route answers the request."""

    def check_route(self) -> None:
        """Raises `Unrouted` if no route answers the request."""
        if self.status != 200:
            raise Unrouted(self.status)


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    methods: frozenset[str]
    scope: Scope
    route: str


class Rules:
    """Finds what a request needs by the same patterns, in the same order, as the router finds its route."""

    def __init__(self, routes: Iterable[BaseRoute], files: Path) -> None:
        """`files` is the directory of the pages' files, all of which are open; `LookupError` for a route without scope.

        What no rule speaks of is not let through to the router, whoever sends it.
        """
        self._rules = [_rule_of(route) for route in iter_route_contexts(list(routes))]
        found = (path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())
        self.open = frozenset((*OPEN, *(f"/static/{name}" for name in found)))
        self._remembered = lru_cache(_REMEMBERED)(self._find)

    def is_open(self, method: str, path: str) -> bool:
        """Whether this may be read without a key."""
        return path in self.open and method in ("GET", "HEAD")

    def find(self, method: str, path: str) -> Need:
        """What a request with this method and path, without its query, needs."""
        return (self._remembered if len(path) <= _LONGEST_REMEMBERED else self._find)(method, path)

    def _find(self, method: str, path: str) -> Need:
        status = 404
        for rule in self._rules:
            found = rule.pattern.match(path)
            if found is not None and ("GET" if method == "HEAD" else method) in rule.methods:
                return Need(rule.scope, found.groupdict().get("name") if "/models/" in rule.route else None, rule.route)
            if found is not None:
                status = 405
        return Need(Scope.READ, status=status)


def _rule_of(route: object) -> _Rule:
    name, path = getattr(route, "name", None), str(getattr(route, "path", ""))
    if name not in SCOPES:
        raise LookupError(f"The route {name!r} has no scope; add its name to one in service/api/access/scopes.py.")
    methods = getattr(route, "methods", None)
    if methods is None and not isinstance(getattr(route, "original_route", route), Mount):
        raise LookupError(f"The route {name!r} has no methods.")
    pattern: re.Pattern[str] = route.path_regex  # type: ignore[attr-defined]
    return _Rule(pattern, frozenset(methods or ("GET",)), SCOPES[name], _CONVERTOR.sub("}", path))
