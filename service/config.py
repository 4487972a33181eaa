"""The settings: environment variables with the prefix `FITD_`, each described here once."""

import contextlib
import difflib
import ipaddress
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VERSION = "0.2.0"
"""The release, said here alone."""

LONGEST_LEASE_SECONDS = 300.0
"""No lease ends later than this from now, unless the clock was set back after it began."""

Count = Annotated[int, Field(ge=1)]
Days = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_HOST_NAME = r"\*|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?"
HostNames = Annotated[str, Field(pattern=rf"^\s*(({_HOST_NAME})\s*(,\s*({_HOST_NAME})\s*)*)?$")]
"""Names of hosts without scheme and port, separated by commas."""

_ORIGIN = r"https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?"
OriginNames = Annotated[str, Field(pattern=rf"^\s*({_ORIGIN}\s*(,\s*{_ORIGIN}\s*)*)?$")]
"""Origins, each a scheme, a host and maybe a port, separated by commas."""


def _sqlite_in(settings: dict[str, Any]) -> str:
    return f"sqlite:///{settings.get('data_dir', Path('data')).absolute() / 'fitd.db'}"


def _all_cores_but_one() -> int:
    return max(1, (os.cpu_count() or 1) - 1)


_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_here(cgroups: Sequence[str] = _CGROUPS) -> int:
    """The bytes of memory that this machine has, or its container may use, if that is less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in cgroups:
        with contextlib.suppress(OSError, ValueError):  # the word "max" among them
            found.append(int(Path(place).read_text(encoding="ascii")))
    return min(found)


class Limits(BaseModel):
    """How large a request may be before it is refused."""

    max_body_bytes: Count = Field(64 * 2**20, description="Largest request body, in bytes.")
    max_url_bytes: Count = Field(8192, description="Longest URL of a request, in bytes; longer ones get 414.")
    max_header_bytes: Count = Field(65_536, description="Most bytes of headers in a request; more get 431.")
    max_headers: Count = Field(100, description="Most headers in a request; more get 431.")
    max_rows: Count = Field(1_000_000, description="Most rows in the data of a request.")
    max_columns: Count = Field(10_000, description="Most features in a row, and most targets.")
    max_cells: Count = Field(20_000_000, description="Most numbers in the data of a request (rows times columns).")
    max_upload_bytes: Count = Field(2**30, description="Largest file uploaded as a dataset, in bytes.")
    max_unpacked_bytes: Count = Field(4 * 2**30, description="Largest such file once it is unpacked, in bytes.")
    max_table_rows: Count = Field(10_000_000, description="Most rows in an uploaded table.")
    max_table_cells: Count = Field(300_000_000, description="Most values in an uploaded table (rows times columns).")
    max_layers: Count = Field(100, description="Most layers in a network.")
    max_units: Count = Field(16_384, description="Most units in one layer.")
    max_parameters: Count = Field(20_000_000, description="Most weights and biases in a network.")
    max_memory_bytes: Count | None = Field(
        None,
        description="Most memory that a training may need, as `:validate` estimates it. Default: what this machine or "
        "container has; with PostgreSQL, whose workers may be elsewhere, no limit.",
    )
    max_request_memory_bytes: Count = Field(
        2**30, description="Most memory that one request may take, in bytes; one that needs more is refused with 413."
    )
    max_epochs: Count = Field(10_000, description="Most epochs in one training job.")
    max_errors_shown: Count = Field(20, description="Most mistakes that one response lists.")
    max_queued_jobs: Count = Field(10_000, description="Most jobs that wait at a time; more are refused with 429.")
    max_wait_seconds: float = Field(
        60.0, ge=0, description="Longest time that `Prefer: wait=N` keeps a request open, in seconds."
    )


class Settings(BaseSettings, Limits):
    """All settings, with defaults that suit one machine."""

    model_config = SettingsConfigDict(
        env_prefix="FITD_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, validate_by_name=True
    )

    @model_validator(mode="before")
    @classmethod
    def _bound_memory(cls, given: dict[str, Any]) -> dict[str, Any]:
        # SQLite's workers are on this machine.
        if str(given.get("database_url") or "sqlite").startswith("sqlite"):
            return {"max_memory_bytes": memory_here()} | given
        return given

    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port that the API listens on; 0 picks a free one.")
    allowed_hosts: HostNames = Field(
        "",
        description="Names by which the service is called, separated by commas, such as `fitd.example.com`; `*` for "
        "any. `localhost`, the name in FITD_HOST and IP addresses need no entry. A request by another name gets 421.",
    )
    auth: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether callers need a key: `auto`, unless FITD_HOST is this machine's loopback; `on`, always; "
        "`off`, never, so that whoever reaches the port can train and delete.",
    )
    first_key_file: Path | None = Field(
        None,
        description="File for the first key. While there is no key, `serve` and `migrate` make one with the scope "
        "`admin` and write it there, or keep the key that is there already. Default: none is made.",
    )
    cors_origins: OriginNames = Field(
        "",
        description="Origins of web pages that may call the service, separated by commas, such as "
        "`https://app.example.com`. Pages of all other origins are refused.",
    )
    max_connections: Count = Field(
        1000,
        description="Most connections of an API process. Fewer if it may not open so many files: a part of them, at "
        "most 256, is kept for other use. Idle connections make room for new ones.",
    )
    header_seconds: Seconds = Field(
        10.0, description="Time in which the headers of a request have to arrive; slower ones get 408."
    )
    body_seconds: Seconds = Field(
        30.0,
        description="Longest silence while a body is sent or a response is read; below 500 bytes a second in the long "
        "run counts as silence. Slower bodies get 408.",
    )
    keep_alive_seconds: Seconds = Field(75.0, description="Time after which a connection without a request is closed.")
    api_processes: Count = Field(1, description="API processes of `serve`; they share the port.")
    data_dir: Path = Field(Path("data"), description="Directory of everything that Fitd stores; created if missing.")
    database_url: str = Field(
        default_factory=_sqlite_in,
        repr=False,
        description="SQLAlchemy URL of the database (SQLite, PostgreSQL). Default: `fitd.db` in `data_dir`.",
    )
    artifacts_url: str | None = Field(
        None,
        repr=False,
        description="Directory or `s3://bucket/prefix` of what is too large for a row, for this database alone: what "
        "it does not refer to is removed there. Default: beside SQLite's file; with PostgreSQL, in its tables.",
    )
    workers: int = Field(
        default_factory=_all_cores_but_one,
        ge=0,
        description="Training processes on this machine. Default: one less than its cores, at least 1.",
    )
    cluster: str | None = Field(
        None,
        validation_alias=AliasChoices("FITD_CLUSTER", "FITD_ENGINE"),
        description="A Dask cluster that trains instead: `dask://host:8786`, or `dask://local`.",
    )
    worker_threads: Count = Field(1, description="Threads for matrix products in each training process.")
    lease_seconds: float = Field(
        15.0,
        gt=0,
        le=LONGEST_LEASE_SECONDS,
        description="Time without a sign of life after which a worker's job is taken over; at most 300.",
    )
    checkpoint_seconds: float = Field(
        2.0, ge=0, description="Shortest time between two checkpoints of a training; they take 2 % of it at most."
    )
    keep_results_seconds: float = Field(
        3600.0,
        ge=0,
        description="Longest time for which a worker keeps what it has trained while that cannot be stored, on a full "
        "disk for instance; then the job fails.",
    )
    keep_trash_days: Days = Field(
        7.0,
        description="Days that files without a reference stay in the trash of the artifacts before they are deleted.",
    )
    max_index_versions: Count = Field(
        1_000_000, description="Most versions that a response without pages lists, such as `/v2/repository/index`."
    )
    keep_jobs_days: Days = Field(90.0, description="Days after which a finished job is deleted; its version stays.")
    keep_events_days: Days = Field(30.0, description="Days after which the events and history of a job are deleted.")
    keep_checkpoints_days: Days = Field(1.0, description="Days for which a failed job's checkpoints are kept.")
    keep_datasets_days: Days = Field(1.0, description="Days for which data that no job refers to any more is kept.")
    model_cache_size: Count = Field(
        32,
        description="Model versions kept in memory for predictions, as long as they take no more than a quarter of it.",
    )
    max_memory_at_once_bytes: Count = Field(
        default_factory=lambda: memory_here() // 4,
        description="Most memory that all requests together may take; others wait, or get 503. Default: a quarter of "
        "what this machine or container has.",
    )
    max_memory_wait_seconds: float = Field(
        10.0, ge=0, description="Longest time that a request waits for memory that others have, in seconds."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe message that is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="Form of the lines of the log: `text` or `json`.")
    log_access: bool | None = Field(
        None, description="Whether each request is logged in a line. Default: where FITD_LOG_FORMAT is `json`."
    )

    @property
    def shows_access(self) -> bool:
        """Whether each request is logged in a line."""
        return self.log_format == "json" if self.log_access is None else self.log_access

    @property
    def model_cache_bytes(self) -> int:
        """The most bytes of weights that one API process keeps: all of them together a quarter of the memory here."""
        return memory_here() // (4 * self.api_processes)

    @property
    def host_names(self) -> frozenset[str]:
        """The names in `allowed_hosts` and `host`, in small letters."""
        return frozenset(name.strip().rstrip(".").lower() for name in (*self.allowed_hosts.split(","), self.host))

    @property
    def origins(self) -> frozenset[str]:
        """The origins in `cors_origins`, in small letters as browsers send them."""
        return frozenset(filter(None, (name.strip().lower() for name in self.cors_origins.split(","))))

    @property
    def is_loopback(self) -> bool:
        """Whether the service listens where only its own machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @property
    def asks_for_keys(self) -> bool:
        """Whether callers need a key."""
        return self.auth == "on" or (self.auth == "auto" and not self.is_loopback)

    @property
    def memory_at_once_bytes(self) -> int:
        """The part of `max_memory_at_once_bytes` that is for one API process."""
        return max(1, self.max_memory_at_once_bytes // self.api_processes)

    @property
    def request_memory_bytes(self) -> int:
        """The most memory that a request may take: never more than all of them together."""
        return min(self.max_request_memory_bytes, self.memory_at_once_bytes)

    @property
    def scratch(self) -> Path:
        """The directory of files that are needed for a moment."""
        return self.data_dir / "scratch"


def explained(error: ValidationError) -> str:
    """A line for each variable that is wrong, and for no other."""
    # A default that follows from another setting cannot be told while that is wrong, which is no second mistake.
    found = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
    return "\n".join(f"FITD_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in found)


RENAMED = {"FITD_ENGINE": "FITD_CLUSTER"}
"""Old names of settings, which are still read, and their new ones."""


def given_names() -> set[str]:
    """The names of all variables that settings are read from: the environment's and those of the file `.env`."""
    return {*os.environ, *dotenv_values(".env")}


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Of the names of variables those that are nearly that of a setting, and which."""
    known = [f"FITD_{name.upper()}" for name in Settings.model_fields]
    unknown = [name for name in names if name.upper().startswith("FITD_") and name.upper() not in {*known, *RENAMED}]
    close = {name: difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8) for name in unknown}
    return {name: nearest[0] for name, nearest in close.items() if nearest}
