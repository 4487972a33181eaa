"""Responses of the most frequent calls, ready to be sent."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

Headers = Mapping[bytes, bytes]
"""Headers as they arrive and leave, their names in small letters."""

JSON: Headers = {b"content-type": b"application/json"}
"""The headers of a response in JSON."""


class Answered(NamedTuple):
    """A response with status 200: its bytes, and the headers that describe them."""

    content: bytes
    headers: Headers

    def response(self) -> Response:
        """The same from a route."""
        return Response(self.content, headers={name.decode(): value.decode() for name, value in self.headers.items()})
