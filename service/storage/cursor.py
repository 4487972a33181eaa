"""Cursors: where the next page of a list begins. Opaque to clients, checked on their way back."""

from service.errors import Malformed


def bad_cursor(cursor: str) -> Malformed:
    """The refusal of a cursor that no page ever gave."""
    return Malformed(f"Expected a cursor from `next_cursor`, received {cursor[:50]!r}.", code="bad_cursor")
