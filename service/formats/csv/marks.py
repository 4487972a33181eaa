"""Marks in numbers: of a currency, of percent, and between thousands, where a whole column has the same ones."""

import re
from dataclasses import dataclass
from typing import Any

from service.allowance import expect
from service.formats.csv.dialect import Dialect
from service.formats.csv.numbers import Grouped
from service.formats.csv.parsing import meaning_of_column
from service.formats.csv.written import BETWEEN, SPACES, Written
from service.formats.plain_columns import exact_type

_SIGNS = "$€£¥%"
_STYLES = ((",", "."), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("'", ","))
"""Pairs of a thousands separator and a decimal mark."""

_NAMES = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
_FIRST_LOOK = 100
_COPIES = 4
"""How often the texts of a column that may be numbers are in memory at most."""


@dataclass(frozen=True, slots=True)
class Marks(Written):
    """How the numbers of a column are found to be written."""

    unclear: bool = False
    """Whether its decimals may as well be thousands."""

    def numbers(self, texts: Any, kind: Any) -> Any:
        """The numbers, of this type, that texts in a pyarrow array are."""
        import pyarrow.compute as pc  # noqa: PLC0415 - it takes time and memory that only tables need

        bare = pc.replace_substring_regex(
            texts, rf"[{re.escape(self.sign)}]|{SPACES}|^\s*\+" if self.sign else rf"{SPACES}|^\+", ""
        )
        if self.thousands:
            bare = pc.replace_substring_regex(bare, BETWEEN.get(self.thousands, re.escape(self.thousands)), "")
        return pc.replace_substring(bare, self.decimal, ".").cast(kind)

    def kind(self, texts: Any) -> Any:
        """The type of the numbers that a pyarrow column of texts holds: whole where none has decimals."""
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        distinct = texts.drop_null().unique()
        if pc.any(pc.match_substring(distinct, self.decimal)).as_py():
            return pa.float64()
        for kind in (pa.int64(), exact_type(0)):
            try:
                self.numbers(distinct, kind)
            except pa.ArrowInvalid:
                continue
            return kind
        return pa.float64()

    def said(self) -> str:
        """What of it was found, in words."""
        found = []
        if self.sign:
            found.append(f"each value has {self.sign}")
        if self.thousands:
            found.append(f"{_NAMES.get(self.thousands, 'marks')} stand between thousands")
        return " and ".join(found)


def found_marks(texts: Any, dialect: Dialect, *, asked: bool = False) -> Marks | None:
    """The marks in a pyarrow column of texts all of which are numbers; None if they are not.

    Numbers without a mark are those of other texts only where somebody has `asked` for numbers.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    found = None
    for some in (texts.slice(0, _FIRST_LOOK), texts):
        expect(_COPIES * some.nbytes)
        there = pc.utf8_trim_whitespace(some.drop_null().unique())
        if len(there):
            sign = next((one for one in str(there[0].as_py()) if one in _SIGNS), "")
            found = _fitting(there, dialect, sign)
            if found is None:
                return None
    if found is None or asked or found.sign or found.thousands or found.unclear:
        return found
    return found if found.decimal == dialect.decimal else None


def known_marks(texts: Any, written: Written) -> Marks | None:
    """The marks in a pyarrow column of texts all of which may be so written; None if one may not."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    there = pc.utf8_trim_whitespace(texts.drop_null().unique())
    if not len(there) or not pc.all(pc.match_substring_regex(there, written.pattern())).as_py():
        return None
    return Marks(written.thousands, written.decimal, written.sign)


def _fitting(texts: Any, dialect: Dialect, sign: str) -> Marks | None:
    """The marks by which all of these texts, which have this sign, are numbers."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    mark = re.escape(sign)
    before, behind = (f"{mark}{SPACES}*", f"{SPACES}*{mark}") if sign else ("", "")

    def fits(body: str) -> bool:
        either = "|".join(rf"[+-]?{first}[+-]?{body}{last}" for first, last in {(before, ""), ("", behind)})
        return bool(pc.all(pc.match_substring_regex(texts, f"^({either})$")).as_py())

    decimals = [dialect.decimal] if dialect.is_decimal_told else sorted(",.", key=lambda one: one != dialect.decimal)
    for decimal in decimals if dialect.thousands is None else ():
        if fits(rf"\d+({re.escape(str(decimal))}\d+)?"):
            return _told_apart(texts, str(decimal), sign, dialect)
    for thousands, decimal in _STYLES:
        is_meant = dialect.thousands in (None, thousands) and decimal in decimals
        between = BETWEEN.get(thousands, re.escape(thousands))
        whole = rf"(\d+|[1-9]\d{{0,2}}({between}\d{{3}})+)"
        if (is_meant or dialect.thousands == thousands) and fits(rf"{whole}({re.escape(decimal)}\d+)?"):
            return Marks(thousands, decimal, sign)
    return None


def _told_apart(texts: Any, decimal: str, sign: str, dialect: Dialect) -> Marks:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    bare = pc.replace_substring_regex(texts, rf"[{re.escape(sign)}]|{SPACES}", "") if sign else texts
    means = Grouped.DECIMALS if dialect.is_decimal_told else meaning_of_column(bare, decimal)
    if means is Grouped.THOUSANDS:
        return Marks(decimal, "." if decimal == "," else ",", sign)
    return Marks("", decimal, sign, unclear=means is Grouped.UNCLEAR)
