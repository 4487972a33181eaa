"""The encoding of a delimited text: as it is named, else found from its first bytes."""

import codecs
import io
import re
from typing import IO

from service.errors import Finding, Invalid, Malformed

_PIECE_BYTES = 64 * 1024
_BROKEN = "\ufffd"
"""What a decoder puts where bytes are no letter."""

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK_ENCODING = "cp1252"
"""What text is taken for that is not UTF-8: Windows' Western European, which has a letter for nearly every byte."""

_ENCODINGS = re.compile("utf-(8|16|32)|ascii|iso|cp[0-9]|koi8|mac-|gb|big5|shift_jis|euc_|tis-620")
"""How Python's names of character sets begin; it has others, bz2 and punycode among them, that grow without limit."""


def found_encoding(sample: bytes, given: str | None) -> str:
    """Python's name of the encoding that is given, else of the one that the first bytes have; `Invalid` for none."""
    encoding = _encoding(sample) if given is None else _known(given)
    return "utf-8-sig" if encoding == "utf-8" and sample.startswith(codecs.BOM_UTF8) else encoding


def _encoding(sample: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if sample.startswith(mark):
            return encoding
    nuls = [sample[place::2].count(0) for place in (0, 1)]
    if min(nuls) == 0 and max(nuls) > len(sample) / 4:
        # Latin letters, digits and delimiters have a NUL in UTF-16.
        return "utf-16-be" if nuls[0] else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        check_fallback(io.BytesIO(sample))
        return FALLBACK_ENCODING
    return "utf-8"


def check_fallback(source: IO[bytes]) -> None:
    """`Malformed` for a text that is not all UTF-8, but most of whose letters beyond ASCII are."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    line, letters, broken = 1, 0, 0
    while piece := source.read(_PIECE_BYTES):
        text = decoder.decode(piece)
        line += 0 if broken else text.partition(_BROKEN)[0].count("\n")
        broken += text.count(_BROKEN)
        letters += len(text) - len(text.encode("ascii", "ignore"))
    if letters > 2 * broken:
        said = f"Expected a text in UTF-8, as most of it is; received other bytes, first in line {line:,}."
        raise Malformed(said, code="bad_table")


def _known(encoding: str) -> str:
    """Python's name of an encoding."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        name = ""
    if not _ENCODINGS.match(name):
        expected = "Expected the name of a character set, such as utf-8, windows-1252 or iso-8859-15."
        raise Invalid([Finding("encoding", "unknown_name", expected)])
    return name


def decoded(sample: bytes, encoding: str, expected: str) -> str:
    """The text of some bytes, which may end within a letter; `Malformed` if they are in no such encoding."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        raise Malformed(f"Expected a text in {expected}; received other bytes.", code="bad_table") from None
    if "\0" in text:
        raise Malformed(f"Expected a text in {expected}; received one with NULs.", code="bad_table")
    return text
