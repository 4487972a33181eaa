"""The door: the one place that decides whether a request is let in, and as whose."""

from collections.abc import Mapping
from typing import Any, Protocol

from service.access import ANYBODY, NOBODY, Caller
from service.api.access.key_table import KeyTable
from service.api.access.refusals import InsufficientScope, OtherModels, Unauthenticated
from service.api.access.scopes import Need, Rules
from service.api.http.callers import Callers

Headers = Mapping[bytes, bytes]

_SCHEME = b"bearer "


class Door(Protocol):
    """Lets requests in, or raises why not."""

    async def admit(self, scope: Mapping[str, Any], headers: Headers) -> Caller:
        """Who sends a request, which goes to its route now; raises the refusal if it is to be refused."""

    def admit_at_once(self, path: bytes, headers: Headers) -> Caller:
        """The same for a POST, without waiting; raises for all that has to wait or is refused."""


class OpenDoor:
    """Lets everybody in but web pages of others: for a service that only its own machine reaches."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def admit(self, scope: Mapping[str, Any], headers: Headers) -> Caller:
        """Anybody."""
        return self.admit_at_once(scope["path"].encode("latin-1", "replace"), headers)

    def admit_at_once(self, path: bytes, headers: Headers) -> Caller:
        """Anybody."""
        self._callers.judge(path, headers)
        return ANYBODY


class LockedDoor:
    """Lets in who has a key for the request; what is listed as open, everybody may read."""

    def __init__(self, callers: Callers, keys: KeyTable, rules: Rules) -> None:
        self._callers = callers
        self._keys = keys
        self._rules = rules

    async def admit(self, scope: Mapping[str, Any], headers: Headers) -> Caller:
        """The caller whose key came with the request; `Unrouted` where there is no route, but for nobody else."""
        method, path = scope["method"], scope["path"]
        self._callers.judge(path.encode("latin-1", "replace"), headers)
        text = _key_in(headers)
        if self._rules.is_open(method, path):
            return NOBODY
        caller = None if text is None else await self._keys.find_now(text)
        need = self._rules.find(method, path)
        checked = _checked(caller, need, has_key=text is not None)
        need.check_route()
        return checked

    def admit_at_once(self, path: bytes, headers: Headers) -> Caller:
        """The caller whose key is known here already."""
        self._callers.judge(path, headers)
        text = _key_in(headers)
        caller = None if text is None else self._keys.find(text)
        return _checked(caller, self._rules.find("POST", path.decode("latin-1")), has_key=text is not None)


class InnerDoor:
    """The door of a process behind another, which has let the request in and says as whose."""

    async def admit(self, scope: Mapping[str, Any], headers: Headers) -> Caller:  # noqa: ARG002
        """The caller that was let in."""
        caller: Caller = scope["state"]["caller"]
        return caller

    def admit_at_once(self, path: bytes, headers: Headers) -> Caller:  # noqa: ARG002
        """Nobody: there is no short way here."""
        return NOBODY


def _checked(caller: Caller | None, need: Need, *, has_key: bool) -> Caller:
    if caller is None:
        raise Unauthenticated(has_key=has_key)
    if not caller.may(need.scope):
        raise InsufficientScope(need.scope)
    if not caller.reaches(need.model):
        raise OtherModels
    return caller


def _key_in(headers: Headers) -> str | None:
    """The key of a request, None if it has none; text of another scheme is a key that nobody has."""
    given = headers.get(b"authorization")
    if given is None:
        given = headers.get(b"x-api-key")
    elif given[: len(_SCHEME)].lower() == _SCHEME:
        given = given[len(_SCHEME) :].strip(b" ")
    return None if given is None else given.decode("latin-1")
