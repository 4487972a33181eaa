"""Escapes texts that a spreadsheet would execute as formulas, so that it shows them."""

from typing import Any

_BEGINS = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""How cells begin that spreadsheets calculate; the last four are the wide forms of the first."""


def without_formulas(table: Any) -> Any:
    """The pyarrow table with an apostrophe before each text and name that a spreadsheet would calculate."""
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    names = _shown(pa.array(table.column_names, pa.string())).to_pylist()
    columns = []
    for column in table.columns:
        is_packed = pa.types.is_dictionary(column.type)
        plain = column.cast(column.type.value_type) if is_packed else column
        columns.append(_shown(plain) if pa.types.is_string(plain.type) else column)
    return pa.table(columns, names=names)


def _shown(texts: Any) -> Any:
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return pc.if_else(pc.match_substring_regex(texts, _BEGINS), pc.binary_join_element_wise("'", texts, ""), texts)
