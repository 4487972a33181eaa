"""How the numbers of a column are written, which a table notes of a column, and a version of what it learnt from."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

SPACES = r"[\s\x{a0}\x{2009}\x{202f}]"
BETWEEN = {" ": SPACES, "'": r"['\x{2019}]"}
_KEY = b"fitd.written"


@dataclass(frozen=True, slots=True)
class Written:
    """What stands between thousands, before decimals, and beside each number: a currency or percent."""

    thousands: str = ""
    decimal: str = "."
    sign: str = ""

    def pattern(self) -> str:
        """A regular expression of pyarrow's that texts match from end to end which may be so written."""
        between = BETWEEN.get(self.thousands, re.escape(self.thousands))
        whole = rf"(\d+|[1-9]\d{{0,2}}({between}\d{{3}})+)" if self.thousands else r"\d+"
        number = rf"[+-]?{whole}({re.escape(self.decimal)}\d+)?"
        mark = re.escape(self.sign)
        return rf"^([+-]?({mark}{SPACES}*)?{number}|{number}{SPACES}*{mark})$" if self.sign else f"^{number}$"

    def to_json_dict(self) -> dict[str, str]:
        """What of it is not as Python writes numbers; empty if nothing is."""
        plain = asdict(Written())
        told = {key: value for key, value in asdict(self).items() if key in plain and value != plain[key]}
        return told | {"decimal": self.decimal} if told else {}

    def note(self) -> dict[bytes, bytes] | None:
        """The note of a column in an Arrow file; None if its numbers are written as Python writes them."""
        told = self.to_json_dict()
        return {_KEY: json.dumps(told, sort_keys=True).encode()} if told else None

    @classmethod
    def noted(cls, metadata: Mapping[bytes, bytes] | None) -> Self:
        """How numbers are written in a column with this note."""
        told: dict[str, Any] = json.loads((metadata or {}).get(_KEY, b"{}"))
        return cls(**told)
