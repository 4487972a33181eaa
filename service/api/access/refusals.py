"""What the door says to a caller who is not let in."""

from service.access import Scope
from service.errors import FitdError


class Unauthenticated(FitdError):
    """The request has no key, or one that is not good."""

    code = "unauthenticated"

    def __init__(self, *, has_key: bool) -> None:
        super().__init__(
            "The key is unknown, revoked, expired or not complete. Whoever runs the service can make another with "
            "`python -m service keys create`."
            if has_key
            else "Expected a key, as `Authorization: Bearer fitd_...`. Whoever runs the service can make one with "
            "`python -m service keys create`."
        )
        self.challenge = 'Bearer realm="fitd"' + (', error="invalid_token"' if has_key else "")
        """The value of `WWW-Authenticate` (RFC 6750)."""


class InsufficientScope(FitdError):
    """The key is good, and not for this request."""

    code = "insufficient_scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"Expected a key with the scope {scope.value}; the key of this request has other scopes.")
        self.challenge = f'Bearer realm="fitd", error="insufficient_scope", scope="{scope.value}"'


class OtherModels(FitdError):
    """The key is good for some models alone, and the request is about others."""

    code = "model_not_allowed"

    def __init__(self) -> None:
        super().__init__(
            "The key is for models whose names match a pattern, and for paths that name one of them; this request is "
            "about something else."
        )
        self.challenge = 'Bearer realm="fitd", error="insufficient_scope"'


class Unrouted(FitdError):
    """Nothing is at this path, or nothing that answers to this method; the caller may know."""

    code = "not_found"

    def __init__(self, status: int) -> None:
        super().__init__("There is nothing at this path.")
        self.status = status
