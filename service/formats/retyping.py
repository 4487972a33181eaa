"""Columns of a written table that become what they were meant to be: by a type that is asked for, or by their marks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.errors import Findings, pointer
from service.formats.csv.dialect import Dialect
from service.formats.csv.marks import Marks, found_marks, known_marks

_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "t": True, "f": False, "1": True, "0": False}
_TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$"
_FIRST_LOOK = 100
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a column becomes, batch by batch."""

    kind: Any
    convert: Callable[[Any], Any]
    marks: Marks | None = None


def retype(file: Path, dialect: Dialect, findings: Findings, *, has_marks: bool) -> None:
    """Rewrites an Arrow file where columns become something else; mistakes and guesses go to the findings.

    `has_marks` says that texts with marks in them are numbers, as they are where no type says what a text is.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes time and memory that only tables need

    with pa.memory_map(str(file)) as source:
        table = pa.ipc.open_file(source).read_all()
        for name in dialect.types:
            if name not in table.column_names:
                findings.error(pointer("columns", name), "unknown_column", f"There is no column {name[:40]!r}.")
        changes = {
            name: change
            for name in table.column_names
            if (change := _change(name, table[name], dialect, findings, has_marks=has_marks)) is not None
        }
        if changes and not findings.total:
            _write(table, changes, file.with_suffix(".retyped"))
    if changes and not findings.total:
        file.with_suffix(".retyped").replace(file)


def _write(table: Any, changes: dict[str, _Change], target: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above

    schema = table.schema
    for name, change in changes.items():
        schema = schema.set(
            schema.get_field_index(name), pa.field(name, change.kind, metadata=change.marks and change.marks.note())
        )
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in table.to_batches():
            pairs = zip(batch.schema.names, batch.columns, strict=True)
            columns = [changes[name].convert(column) if name in changes else column for name, column in pairs]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _change(name: str, column: Any, dialect: Dialect, findings: Findings, *, has_marks: bool) -> _Change | None:
    import pyarrow as pa  # noqa: PLC0415 - as above

    asked, kind = dialect.types.get(name), column.type
    if asked is None and pa.types.is_decimal(kind):
        return _narrowed(column)
    if has_marks and dialect.known is None and dialect.decimal == "," and pa.types.is_float64(kind):
        return _Change(kind, lambda numbers: numbers, Marks(decimal=","))
    if pa.types.is_null(kind) or asked == "category" or (asked is None and name in dialect.texts):
        return _as_texts(column) if asked == "category" and not pa.types.is_null(kind) else None
    if asked is None:
        return _found(name, column, dialect, findings, has_marks=has_marks) if pa.types.is_string(kind) else None
    change, is_right = _asked(column, asked, dialect)
    if not is_right:
        expected = f"Expected values that can be read as {asked}, as `type` says, in each row of {name[:40]!r}"
        findings.error(pointer("columns", name), "wrong_type", f"{expected}; some are others.")
    return change


def _found(name: str, column: Any, dialect: Dialect, findings: Findings, *, has_marks: bool) -> _Change | None:
    """What a column of texts is found to be, with a warning where that was a guess."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    by_format = _by_formats(column, dialect)
    if by_format is not None or not has_marks:
        return by_format
    if _are_times(column):
        return _Change(pa.timestamp("us"), lambda texts: texts.cast(pa.timestamp("us")))
    known = dialect.written.get(name)
    marks = None if known is None else known_marks(column, known)
    if marks is not None:
        return _of_marks(column, marks)
    marks = found_marks(column, dialect)
    if marks is None:
        return None
    at, undo = pointer("columns", name), f"?type={name[:40]}:category keeps the texts."
    if marks.sign or marks.thousands:
        findings.warn(at, "marks_read", f"The column {name[:40]!r} is read as numbers: {marks.said()}. {undo}")
    elif marks.unclear:
        said = f"The marks in {name[:40]!r} are taken for those of decimals, and may stand between thousands"
        findings.warn(
            at, "unclear_thousands", f"{said}: ?thousands={marks.decimal} says so, ?decimal= that they do not."
        )
    return _of_marks(column, marks)


def _of_marks(column: Any, marks: Marks) -> _Change:
    kind = marks.kind(column)
    return _Change(kind, lambda texts: marks.numbers(texts, kind), marks)


def _asked(column: Any, asked: str, dialect: Dialect) -> tuple[_Change | None, bool]:
    """How a column becomes the type that is asked for, if it is another; and whether it can."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    is_date = pa.types.is_timestamp(column.type)
    if asked == "date":
        by_format = None if is_date else _by_formats(column, dialect)
        return by_format, is_date or by_format is not None
    if is_date:
        return None, False
    return _as_numbers(column, dialect) if asked == "number" else _as_booleans(column)


def _as_numbers(column: Any, dialect: Dialect) -> tuple[_Change | None, bool]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    if pa.types.is_boolean(column.type):
        return _Change(pa.int64(), lambda values: values.cast(pa.int64())), True
    if not pa.types.is_string(column.type):
        return None, True
    marks = found_marks(column, dialect, asked=True)
    if marks is None:
        return None, False
    return _of_marks(column, marks), True


def _as_booleans(column: Any) -> tuple[_Change | None, bool]:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if pa.types.is_boolean(column.type):
        return None, True
    words = pa.array(_BOOLEANS, pa.string())
    values = pa.array(_BOOLEANS.values(), pa.bool_())

    def read(texts: Any) -> Any:
        return values.take(pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(texts.cast(pa.string()))), words))

    distinct = column.drop_null().unique()
    return _Change(pa.bool_(), read), read(distinct).null_count == 0


def _by_formats(column: Any, dialect: Dialect) -> _Change | None:
    """Dates, where each text is one in one of the formats."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if not pa.types.is_string(column.type):
        return None
    distinct = column.drop_null().unique()
    for form in dialect.date_formats:

        def read(texts: Any, form: str = form) -> Any:
            return pc.strptime(pc.utf8_trim_whitespace(texts), form, unit="us", error_is_null=True)

        try:
            is_read = len(distinct) and read(distinct).null_count == 0
        except pa.ArrowException:
            continue
        if is_read:
            return _Change(pa.timestamp("us"), read)
    return None


def _are_times(column: Any) -> bool:
    """Whether all texts are times with microseconds, of which pyarrow finds only those that nanoseconds reach."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    for some in (column.slice(0, _FIRST_LOOK), column):
        if some.null_count == len(some) or not pc.all(pc.match_substring_regex(some, _TIME)).as_py():
            return False
    return True


def _as_texts(column: Any) -> _Change | None:
    """The texts of a column that is to be one of categories: whole numbers without decimals."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if pa.types.is_string(column.type):
        return None
    whole = pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py()
    steps = [pa.int64(), pa.string()] if whole else [pa.string()]

    def read(values: Any) -> Any:
        for step in steps:
            values = values.cast(step, safe=False)
        return values

    return _Change(pa.string(), read)


def _narrowed(column: Any) -> _Change | None:
    """Whole numbers of 64 bits, where a column of decimals holds no others."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    extremes = pc.min_max(column).as_py()
    if column.type.scale or extremes["min"] is None:
        return None
    fits = extremes["min"] >= _SMALLEST and extremes["max"] <= _LARGEST
    return _Change(pa.int64(), lambda values: values.cast(pa.int64())) if fits else None
