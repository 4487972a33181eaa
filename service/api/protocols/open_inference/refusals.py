"""Refusals: every error of a path of the protocol is `{"error": text}`, because its clients read nothing else."""

from typing import Any

_TITLES = {
    400: "The request is wrong",
    404: "There is no such thing",
    409: "The present state does not allow it",
    413: "The request is too large",
    415: "The encoding is not supported",
    500: "The service failed",
    503: "The service is not available",
}


def is_of_protocol(path: str) -> bool:
    """Whether a path is one of the protocol's, known or not."""
    return path == "/v2" or path.startswith("/v2/")


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route of the protocol that may refuse with these (500 is always one of them)."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {status: {"description": _TITLES[status], "content": content} for status in sorted({*statuses, 500})}
