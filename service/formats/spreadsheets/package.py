"""Packages of XML, unpacked into one that holds what was counted and nothing else."""

import zipfile
import zlib
from collections import deque
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from service.config import Limits
from service.formats.compression import most_unpacked, too_large
from service.formats.spreadsheets.extent import Counter, Extent, unreadable
from service.formats.spreadsheets.kinds import ODS
from service.formats.spreadsheets.office import OfficeCounter
from service.formats.spreadsheets.open_document import OpenDocumentCounter

_PIECE_BYTES = 1 << 20
_MOST_MEMBERS = 10_000
_READ = (".xml", ".rels", "mimetype")
"""How the names of members end that a reader of tables looks at; pictures and programs it does not."""


def unpack(source: Path, target: Path, media_type: str, limits: Limits) -> list[Extent]:
    """Writes the members that hold tables, without compression, and returns the extent of each sheet.

    A reader of the written package finds the bytes that were counted, whatever the first one says of its members.
    `TooLarge` beyond the limits, `Malformed` if it is no such package.
    """
    counter: Counter = OpenDocumentCounter() if media_type == ODS else OfficeCounter()
    try:
        with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as into:
            members = {one.filename: one for one in archive.infolist() if one.filename.lower().endswith(_READ)}
            most_bytes = most_unpacked(source, limits)
            if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members.values()) > most_bytes:
                raise too_large(most_bytes)
            for name, member in members.items():
                with closing(_copied(archive, into, member)) as pieces:
                    if _is_counted(name, media_type):
                        counter.count(pieces)
                    deque(pieces, maxlen=0)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError):
        raise unreadable() from None
    return counter.extents()


def _is_counted(name: str, media_type: str) -> bool:
    return name == "content.xml" if media_type == ODS else name.lower().endswith(".xml")


def _copied(archive: zipfile.ZipFile, into: zipfile.ZipFile, member: zipfile.ZipInfo) -> Generator[bytes, None, None]:
    """The content of a member, piece by piece, each written once it has been looked at."""
    large = member.file_size > zipfile.ZIP64_LIMIT // 2
    with archive.open(member) as packed, into.open(member.filename, "w", force_zip64=large) as written:
        while piece := packed.read(_PIECE_BYTES):
            yield piece
            written.write(piece)
