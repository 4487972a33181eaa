"""The bytes of a connection, cut into heads and pieces of bodies."""

from service.api.wire.framing import Chunked, Counted, Framing
from service.api.wire.head import Head, Limits, end_of_head


class Reading:
    """Takes bytes as they arrive, and returns one head after another, each after the body before it was read."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = b""
        self._at = self._seen = 0
        """How far the buffer is read, and how far it was looked through for the end of a head."""
        self._framing: Framing | None = None

    @property
    def is_in_body(self) -> bool:
        """Whether the body of the last request is not read to its end."""
        return self._framing is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that have arrived and are not read."""
        return len(self._buffer) - self._at

    @property
    def is_between(self) -> bool:
        """Whether nothing of a request has come that is not read."""
        return self._framing is None and self._at == len(self._buffer)

    def add(self, data: bytes) -> None:
        """Adds bytes that have arrived."""
        if self._at == len(self._buffer):
            self._buffer, self._at, self._seen = data, 0, 0
        else:
            self._buffer = self._buffer[self._at :] + data
            self._seen, self._at = max(0, self._seen - self._at), 0

    def next_head(self) -> Head | None:
        """The head of the next request, None if it is not whole yet; `RefusedError` for what can become none."""
        while self._buffer.startswith(b"\r\n", self._at):  # some clients end a body with one (RFC 9112, 2.2)
            self._at += 2
        if self._at == len(self._buffer):
            return None
        end = end_of_head(self._buffer, self._at, self._seen, self._limits)
        if end < 0:
            self._seen = len(self._buffer)
            return None
        head = self._limits.read(self._buffer[self._at : end])
        self._at = end + 2
        if head.length is None:
            self._framing = Chunked(self._limits)
        elif head.length:
            self._framing = Counted(head.length)
        return head

    def next_piece(self) -> bytes | None:
        """The next piece of the body, None if more bytes have to come first; empty where only its end was read."""
        framing = self._framing
        if framing is None:
            return None
        piece, at = framing.take(self._buffer, self._at)
        has_read, self._at = at > self._at, at
        if framing.is_whole:
            self._framing = None
        return piece if has_read else None
