"""What tests of tables share: the table in a file."""

from pathlib import Path

from service.config import Limits
from service.data.tables import Table
from service.formats.csv.dialect import Dialect
from service.formats.tables import CSV, write_table

LIMITS = Limits()


def table_of(
    directory: Path, content: bytes, media_type: str = CSV, dialect: Dialect | None = None, **limits: int
) -> Table:
    source, target = directory / "source", directory / "target"
    source.write_bytes(content)
    write_table(source, media_type, target, LIMITS.model_copy(update=limits), dialect)
    return Table.from_file(target)
