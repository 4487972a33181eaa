"""Seals: SHA-256 hashes of rows, which reveal damage when a row is read back."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from service.errors import Damaged

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Unreadable(dict[str, Any]):
    """What a text reads as that should be JSON and is not: an empty object that no seal fits."""


def to_json(value: Any) -> str:
    """JSON as every reader takes it: NaN and infinity become null."""
    return orjson.dumps(value, option=_OPTIONS).decode()


def seal(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The SHA-256 of columns of a row as they arrive back, in whatever order the keys of their JSON are."""
    as_read = orjson.loads(orjson.dumps({name: row[name] for name in columns}, option=_OPTIONS))
    return hashlib.sha256(orjson.dumps(as_read, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_seal(what: str, sha256: str | None, row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """`Damaged` if these are not the columns that were sealed; rows of earlier releases have no seal and pass."""
    is_unreadable = any(isinstance(row[name], Unreadable) for name in columns)
    if is_unreadable or (sha256 is not None and seal(row, columns) != sha256):
        raise Damaged(f"The description of {what} does not match its SHA-256.")


def check_bytes(what: str, sha256: str | None, content: bytes) -> None:
    """`Damaged` if these are not the bytes of this hash; rows of earlier releases have none and pass."""
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"The bytes of {what} do not match their SHA-256.")
