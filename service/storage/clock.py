"""What time it is, for SQL: `NOW` in a statement, and `Clock.now()` as its parameter `now`."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Double, bindparam, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _ServerClock(FunctionElement[float]):
    """The clock of the database server; SQLite has no server and leaves it NULL."""

    inherit_cache = True
    type = Double()


@compiles(_ServerClock)
def _no_server(_element: _ServerClock, _compiler: SQLCompiler, **_options: Any) -> str:
    return "NULL"


@compiles(_ServerClock, "postgresql")
def _postgres(_element: _ServerClock, _compiler: SQLCompiler, **_options: Any) -> str:
    # As a subquery it is evaluated once and not for each row, so that an index can be used.
    return "(SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION))"


NOW = func.coalesce(bindparam("now", type_=Double), _ServerClock(), type_=Double)
"""The present in seconds since 1970."""


class Clock:
    """The clock that all processes of a database share: PostgreSQL's own, or that of SQLite's only host."""

    def __init__(self, backend: str, read: Callable[[], float] | None = None) -> None:
        self._read = time.time if read is None and backend == "sqlite" else read

    def now(self) -> float | None:
        """The parameter `now`: None where the server knows it. To be read in the transaction, not before."""
        return None if self._read is None else self._read()
