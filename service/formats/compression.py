"""Compressed files: recognised by their first bytes, and unpacked no further than a limit."""

from pathlib import Path
from typing import Any

from service.config import Limits
from service.errors import Malformed, TooLarge

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_PIECE_BYTES = 1 << 20
_FLOOR_BYTES, _MOST_EXPANSION = 256 << 20, 1000
"""No table that means anything is packed better than a thousand times, unless it is small."""


def compression_of(start: bytes) -> str | None:
    """How bytes that begin so are compressed: "gzip", "zstd" or not at all."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def most_unpacked(file: Path, limits: Limits) -> int:
    """So many bytes a file may have once it is unpacked: what is set, and a thousand times its own size."""
    return min(limits.max_unpacked_bytes, max(_FLOOR_BYTES, _MOST_EXPANSION * file.stat().st_size))


def too_large(limit_bytes: int) -> TooLarge:
    """The error of a file that is larger once it is unpacked."""
    detail = f"The file is larger than the limit of {limit_bytes:,} bytes once it is unpacked."
    return TooLarge(detail, limit=limit_bytes, unit="bytes")


def unpacked(file: Path, limit_bytes: int) -> Path:
    """Returns the file itself, or a new file with its decompressed content; raises `TooLarge` beyond the limit."""
    with file.open("rb") as opened:
        compression = compression_of(opened.read(4))
    if compression is None:
        return file
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    target = file.with_suffix(".unpacked")
    size = 0
    try:
        with (
            pa.OSFile(str(file)) as source,
            pa.CompressedInputStream(source, compression) as pieces,
            target.open("wb") as into,
        ):
            while piece := _next(pieces):
                size += len(piece)
                if size > limit_bytes:
                    raise too_large(limit_bytes)
                into.write(piece)
    except (OSError, pa.ArrowInvalid) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Malformed(f"The file is {compression} and cannot be unpacked to its end.", code="bad_table") from None
    return target


def _next(pieces: Any) -> bytes:
    piece: bytes = pieces.read(_PIECE_BYTES)
    return piece
