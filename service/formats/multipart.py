"""Forms with a file in them, as browsers and `curl -F` send them (RFC 7578): the file is cut out of its envelope."""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

from service.errors import Malformed

FORM = "multipart/form-data"
_LONGEST_HEAD = 16 * 1024
_MOST_PARTS = 20
_PIECE_BYTES = 1 << 20
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data\b[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([^\s;]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FormFile:
    """The one file of a form, cut out, and its media type in lower case, if the form says one."""

    file: Path
    media_type: str | None


def file_of_form(form: Path, content_type: str) -> FormFile:
    """The file in a form; `Malformed` if there is none, several, or something else beside it."""
    found = _BOUNDARY.search(content_type)
    if found is None or not form.stat().st_size:
        raise _malformed("a boundary in the Content-Type, as RFC 7578 has it, and a body; received none")
    mark = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    with form.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        parts = _parts(content, mark)
        if len(parts) != 1:
            raise _malformed(f"one part with a file; received {len(parts)}. The query says everything else")
        head, start, end = parts[0]
        disposition = _DISPOSITION.search(head)
        if disposition is None or b"filename" not in disposition[0]:
            raise _malformed("a part with a file; received a field. With curl it is -F file=@table.csv")
        cut = form.with_suffix(".part")
        with cut.open("wb") as target:
            for place in range(start, end, _PIECE_BYTES):
                target.write(content[place : min(place + _PIECE_BYTES, end)])
    said = _TYPE.search(head)
    return FormFile(cut, None if said is None else said[1].decode("latin-1").lower())


def _parts(content: mmap.mmap, mark: bytes) -> list[tuple[bytes, int, int]]:
    """The head of each part, and where its content begins and ends."""
    parts: list[tuple[bytes, int, int]] = []
    place = 0 if content[: len(mark)] == mark else content.find(b"\r\n" + mark) + 2
    if place == 1:
        raise _malformed("the boundary that the Content-Type names; the body does not have it")
    while content[place + len(mark) : place + len(mark) + 2] != b"--":
        head_start = place + len(mark)
        head_end = content.find(b"\r\n\r\n", head_start, head_start + _LONGEST_HEAD)
        end = content.find(b"\r\n" + mark, max(head_start, head_end + 2))
        if head_end < 0 or end < 0 or len(parts) == _MOST_PARTS:
            raise _malformed("a whole form of a few parts; received one that breaks off, or has more")
        parts.append((content[head_start:head_end], head_end + 4, end))
        place = end + 2
    return parts


def _malformed(expected: str) -> Malformed:
    return Malformed(f"Expected {expected}", code="unsupported_media_type")
