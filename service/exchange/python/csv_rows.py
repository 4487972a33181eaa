"""The rows of a CSV file in a script, on the standard library alone.

The source of these functions goes into the script as it stands here.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GAPS = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL",
        "NaN", "n/a", "nan", "null")  # fmt: skip
"""What stands in a CSV where nothing is."""

DELIMITERS = (",", ";", "\t", "|")


def read(paths: Sequence[str], names: Sequence[str]) -> Any:
    """The rows of a CSV file, or of JSON on standard input; in a file only texts that look like a gap are no bytes."""
    if not paths:
        return json.load(sys.stdin)
    text = Path(paths[0]).read_bytes().decode("utf-8-sig")
    header, *rows = max((records(text, mark) for mark in DELIMITERS), key=lambda found: len({*found[0]} & {*names}))
    for place, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"Row {place}: expected {len(header)} values; received more or fewer.")
    return [dict(zip(header, row, strict=True)) for row in rows]


def records(text: str, delimiter: str) -> list[list[Any]]:
    """The names and the values of a CSV, without the spaces around values where each has some."""
    gaps, ends = "|".join(map(re.escape, GAPS)), re.escape(delimiter) + r"\r\n"
    text = re.sub(rf'(?<![^{ends} ])"({gaps})"(?![^{ends} ])', r'"\0\1"', text)  # in quotes it is a text
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row] or [[]]
    others = [cell for row in rows for cell in row[1:] if cell]
    if others and all(cell.startswith(" ") for cell in others):
        found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        rows = [[cell.rstrip(" ") for cell in row] for row in found if row]
    names = [name.strip("\0 ") for name in rows[0]]
    return [names, *([cell[1:] if cell[:1] == "\0" else cell.encode() for cell in row] for row in rows[1:])]
