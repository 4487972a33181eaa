"""Keys and what they allow: `fitd_<id>_<secret>_<checksum>`, of which the database holds nothing but a SHA-256."""

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SECRET_LENGTH = 52
_CHECKSUM_LENGTH = 7
_ID = slice(len("fitd_"), len("fitd_") + 26)
_KEY = re.compile(
    rf"(fitd_([{_ALPHABET}]{{26}})_[{_ALPHABET}]{{{_SECRET_LENGTH}}})_([{_ALPHABET}]{{{_CHECKSUM_LENGTH}}})"
)


class Scope(StrEnum):
    """What a key may be good for. Each but `metrics` includes `read`, and `admin` includes all."""

    READ = "read"
    PREDICT = "predict"
    DATA = "data"
    TRAIN = "train"
    METRICS = "metrics"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, and what that caller may do."""

    key: str | None
    """The id of the key; None where no key is asked for."""
    scopes: frozenset[Scope]
    """All that the key includes."""
    models: str | None = None
    """The pattern of the names of the only models that the caller reaches, if there is one."""

    def may(self, scope: Scope) -> bool:
        """Whether the caller has this scope."""
        return scope in self.scopes

    def reaches(self, model: str | None) -> bool:
        """Whether the caller may send a request about this model, or about no particular one."""
        return self.models is None or (model is not None and fnmatchcase(model, self.models))


def included(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes and all that they include."""
    given = frozenset(scopes)
    if Scope.ADMIN in given:
        return frozenset(Scope)
    return given | {Scope.READ} if given - {Scope.METRICS} else given


ANYBODY = Caller(None, frozenset(Scope))
"""Every caller of a service that asks for no key."""

NOBODY = Caller(None, frozenset())
"""A caller without a key, of what is open to everybody."""


class NewKey(NamedTuple):
    """A key that was just made: its id, and the text that is shown once."""

    id: str
    text: str


def new_key(identifier: str) -> NewKey:
    """A new key with this id, which is `key_` and what the key shows of it."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    body = f"fitd_{identifier.removeprefix('key_')}_{secret}"
    return NewKey(identifier, f"{body}_{_checksum(body)}")


def key_id(text: str) -> str | None:
    """The id in the text of a key; None for a text that is no key, or is not whole."""
    found = _KEY.fullmatch(text)
    return f"key_{found[2]}" if found is not None and _checksum(found[1]) == found[3] else None


def named_id(text: str) -> str:
    """The id that a text names at the place where keys have theirs, whatever the rest of it is."""
    return f"key_{text[_ID]}"


def digest(text: str) -> str:
    """What the database holds of a key. Its secret has 260 random bits, so that a fast digest is safe."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_CHECKSUM_LENGTH)))
