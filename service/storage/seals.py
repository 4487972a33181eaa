"""Seals: the SHA-256 of what a row describes, by which rot shows when the row is read back."""

import hashlib
from typing import Any

import orjson

from service.errors import Damaged

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Unreadable(dict[str, Any]):
    """What a text reads as that should be JSON and is not: an empty object that no seal fits."""


def to_json(value: Any) -> str:
    """JSON as every reader takes it: NaN and infinity become null."""
    return orjson.dumps(value, option=_OPTIONS).decode()


def seal(*values: Any) -> str:
    """The SHA-256 of values as they come back from JSON columns, in whatever order their keys are."""
    as_read = orjson.loads(orjson.dumps(values, option=_OPTIONS))
    return hashlib.sha256(orjson.dumps(as_read, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_seal(what: str, sha256: str | None, *values: Any) -> None:
    """`Damaged` if these are not the values that were sealed; rows of earlier releases have no seal and pass."""
    if any(isinstance(value, Unreadable) for value in values) or (sha256 is not None and seal(*values) != sha256):
        raise Damaged(f"The description of {what} does not match its SHA-256.")


def check_bytes(what: str, sha256: str | None, content: bytes) -> None:
    """`Damaged` if these are not the bytes of this hash; rows of earlier releases have none and pass."""
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"The bytes of {what} do not match their SHA-256.")
