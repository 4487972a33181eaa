"""Request bodies: read raw, because FastAPI's own way costs four times as much on data."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request

from service.api.http.problems import UnsupportedMediaType
from service.errors import Findings, pointer
from service.formats.arrays import kind_of
from service.formats.json_keys import check_keys
from service.formats.jsontext import read_json
from service.nn.suggestions import hint


async def json_bytes(request: Request) -> bytes:
    """The bytes of a JSON body; 415 for any other media type, 413 over the limit."""
    check_json(request.headers)
    return await whole_body(request)


async def whole_body(request: Request) -> bytes:
    """The bytes of a body, which are at hand if the request has to be answered by another process."""
    body = request.scope["fitd.body"] = await request.body()
    return body


def check_json(headers: Mapping[str, str], *others: str) -> None:
    """Refuses a body that its headers do not call plain JSON; `others` are what it might have been as well."""
    given = headers.get("content-type", "")
    if given != "application/json":
        _check_media_type(given, others)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Expected a body without Content-Encoding; compressed bodies are not read.")


def is_plain_json(headers: Mapping[bytes, bytes]) -> bool:
    """Whether headers call a body JSON in the words that nearly everybody uses."""
    return headers.get(b"content-type") == b"application/json" and b"content-encoding" not in headers


def _check_media_type(given: str, others: Sequence[str]) -> None:
    media_type, _, parameters = given.partition(";")
    kind = media_type.strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        received = repr(kind[:60]) if kind else "none"
        expected = " or ".join(("application/json", *others))
        raise UnsupportedMediaType(f"Expected the Content-Type {expected}; received {received}.")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType("Expected JSON in UTF-8.")


JsonBytes = Annotated[bytes, Depends(json_bytes)]
"""`json_bytes` as an argument of a route."""


def described(schema: str, examples: dict[str, Any] | None = None, *, required: bool = True) -> dict[str, Any]:
    """The OpenAPI description of a raw JSON body whose schema is the component `schema`."""
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if examples:
        content["examples"] = examples
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def read_object(body: bytes, *keys: str, required: tuple[str, ...] = (), exact: bool = False) -> dict[str, Any]:
    """The JSON object in a body, with no key but these; `Malformed` or `Invalid` if it is anything else.

    Whole numbers are `exact` beyond 64 bits, too, where they may be names.
    """
    check_keys(body)
    document = read_json(body, exact=exact)
    findings = Findings()
    if not isinstance(document, dict):
        expected = f"Expected an object with some of the keys {', '.join(keys)}"
        findings.error("#", "wrong_type", f"{expected}; received {kind_of(document)}.")
        raise findings.refusal()
    for key in document.keys() - set(keys):
        meant = hint(key, keys) if findings.total < findings.limit else ""
        findings.error(pointer(key), "unknown_key", f"Unknown key.{meant} Known: {', '.join(keys)}.")
    for key in set(required) - document.keys():
        findings.error(pointer(key), "missing", f"{key!r} is missing.")
    findings.raise_errors()
    return document
