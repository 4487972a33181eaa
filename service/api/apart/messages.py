"""Messages between the server and a process for heavy requests: frames of a type and some bytes."""

import asyncio
import socket
import struct
from collections.abc import Iterable

HEAD = b"H"
"""The head of a request or of a response, as JSON."""

BODY = b"B"
"""A piece of a body."""

END = b"E"
"""The end of a response; with a byte in it, the process ends, too."""

_FRAME = struct.Struct(">cI")
_PIECE_BYTES = 1 << 20


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Headers as JSON has them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def send(connection: socket.socket, kind: bytes, content: bytes) -> None:
    """Sends one frame."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, _FRAME.pack(kind, len(content)))
    if content:
        await loop.sock_sendall(connection, content)


async def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """The kind and content of the next frame; `EOFError` when the other side is gone."""
    kind, size = _FRAME.unpack(await _exactly(connection, _FRAME.size))
    return kind, await _exactly(connection, size)


async def _exactly(connection: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    pieces, lacking = [], size
    while lacking:
        try:
            piece = await loop.sock_recv(connection, min(lacking, _PIECE_BYTES))
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError
        pieces.append(piece)
        lacking -= len(piece)
    return b"".join(pieces)
