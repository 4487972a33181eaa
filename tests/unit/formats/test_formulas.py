"""A spreadsheet that opens a CSV calculates nothing of what a stranger wrote into a table."""

import pyarrow as pa
import pytest

from service.formats.downloads import encode_table
from service.formats.tables import ARROW, CSV

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
PLAIN = ["1=1", "a", "", " =1", "'=1", None]


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_each_text_that_would_be_calculated_is_shown(kind: pa.DataType) -> None:
    table = pa.table({"a": pa.array(FORMULAS + PLAIN, pa.string()).cast(kind), "n": range(-1, 16)})
    kept = b"".join(encode_table(table, CSV))
    shown = b"".join(encode_table(table, CSV, shows_formulas=True)).decode()
    assert "'" not in kept.decode().replace('"\'=1"', "")
    for text in FORMULAS:
        assert f'"\'{text}"' in shown
    for plain in PLAIN[:4]:
        assert f'"{plain}",' in shown
    assert shown.count("'") == len(FORMULAS) + 1
    assert ",-1\n" in shown  # a number is no text


def test_names_of_columns_are_texts_too() -> None:
    table = pa.table({"=cmd()": [1], "b": [2]})
    assert b"".join(encode_table(table, CSV, shows_formulas=True)).startswith(b'"\'=cmd()","b"')


def test_other_formats_are_not_read_by_spreadsheets() -> None:
    table = pa.table({"a": FORMULAS})
    assert b"".join(encode_table(table, ARROW, shows_formulas=True)) == b"".join(encode_table(table, ARROW))
