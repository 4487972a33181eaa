"""Identifiers that sort by time and cannot be guessed."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_BITS, _RANDOM_BITS = 52, 78
_LENGTH = (_TIME_BITS + _RANDOM_BITS) // 5


def new_id(prefix: str, seconds: float | None = None) -> str:
    """A new id such as `job_0c4f...`: ids made later sort later, to the microsecond."""
    microseconds = round((time.time() if seconds is None else seconds) * 1e6)
    number = (microseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    digits = (_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return f"{prefix}_{''.join(digits)}"


def looks_like_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of an id with this prefix; says nothing about whether it exists."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _LENGTH and all(digit in _ALPHABET for digit in tail)
