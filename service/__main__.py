"""The command line: `python -m service serve | api | worker | cluster | migrate | backup`."""

import argparse
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError

from service.config import RENAMED, Settings, explained, given_names, misspelt
from service.errors import Conflict, FitdError, Unavailable, WrongSchema
from service.processes.lifeline import follow
from service.processes.sockets import listen, warn_if_open
from service.processes.supervisor import PATIENCE_SECONDS, migrate, serve
from service.storage import Bell, Database
from service.worker.dask import Cluster, check_address

_GRACE_SECONDS = 5
_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_log = logging.getLogger("fitd")


def main() -> None:
    """Runs the command that the arguments name; exits with 1 and a sentence if it cannot."""
    arguments = _parser().parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"fitd: these settings are wrong:\n{explained(error)}")
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for talkative in ("alembic", "uvicorn"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    if arguments.parent is not None:
        follow(arguments.parent, arguments.lifeline)
    else:
        _warn_of_names(arguments)
    try:
        arguments.run(settings, arguments)
    except FitdError as error:
        sys.exit(f"fitd: {error.detail}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Fitd trains and serves dense neural networks over HTTP.",
        epilog="Settings are environment variables such as FITD_PORT and FITD_DATA_DIR; see .env.example.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, run, purpose in (
        ("serve", _serve, "everything on this machine: migrates, then runs the API and its workers"),
        ("api", _api, "only the API; needs a migrated database and workers elsewhere"),
        ("worker", _worker, "only one worker; run as many as you like on one database"),
        ("cluster", _cluster, "only what keeps a Dask cluster at work, instead of workers"),
        ("engine", _cluster, "the old name of `cluster`"),
        ("migrate", _migrate, "brings the database's tables to this release's, and ends"),
    ):
        command = commands.add_parser(name, help=purpose, description=f"{name}: {purpose}.")
        command.set_defaults(run=run)
        if name in ("serve", "cluster", "engine"):
            command.add_argument("--cluster", help="a Dask cluster that trains: dask://host:8786, or dask://local")
            command.add_argument("--engine", dest="old_cluster", help="the old name of --cluster")
        # How the supervisor speaks to its children.
        for option in ("parent", "lifeline", "socket", "rings", "hears"):
            command.add_argument(f"--{option}", type=int, help=argparse.SUPPRESS)
        command.add_argument("--neighbours", type=int, nargs="*", default=[], help=argparse.SUPPRESS)
        command.add_argument("--owner", help=argparse.SUPPRESS)
    purpose = "copies a SQLite database that is in use, and the artifacts it refers to, to a directory"
    backup = commands.add_parser("backup", help=purpose, description=f"backup: {purpose}.")
    backup.add_argument("directory", type=Path)
    backup.set_defaults(run=_backup, parent=None)
    return parser


def _serve(settings: Settings, arguments: argparse.Namespace) -> None:
    settings = _with_cluster(settings, arguments)
    if settings.cluster is not None:
        check_address(settings.cluster)
    serve(settings)


def _with_cluster(settings: Settings, arguments: argparse.Namespace) -> Settings:
    cluster = arguments.cluster or arguments.old_cluster
    return settings if cluster is None else settings.model_copy(update={"cluster": cluster})


def _warn_of_names(arguments: argparse.Namespace) -> None:
    """Logs a warning for each setting, option or command with an old name or one that is nearly a setting's."""
    names = given_names()
    for name, nearest in misspelt(names).items():
        _log.warning("%s is no setting and changes nothing; the nearest is %s", name, nearest)
    renamed = {old: new for old, new in RENAMED.items() if old in names}
    if arguments.command == "engine":
        renamed["The command engine"] = "cluster"
    if getattr(arguments, "old_cluster", None) is not None:
        renamed["The option --engine"] = "--cluster"
    for old, new in renamed.items():
        _log.warning("%s has a new name, %s; the old one will be removed in a later release", old, new)


def _api(settings: Settings, arguments: argparse.Namespace) -> None:
    _limit_threads(1)
    import uvicorn  # noqa: PLC0415 - the supervisor has no use for it

    from service.api.app import create_app  # noqa: PLC0415
    from service.api.serving.server import Server  # noqa: PLC0415
    from service.api.wire.connection import Connection  # noqa: PLC0415
    from service.api.wire.shared import Wire  # noqa: PLC0415

    _end_on_signals()
    with (
        closing(Database.of(settings, bell=Bell(write_fd=arguments.rings))) as database,
        closing(_listener(settings, arguments)) as listener,
    ):
        _await_schema(database)
        app = create_app(settings, database)
        http: Any = partial(Connection, Wire(settings, app.state.ways))
        config = uvicorn.Config(
            app,
            http=http,
            log_config=None,
            access_log=False,
            # No answer says who asked or by which name, so nothing that a proxy tells is needed.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = Server(config, [socket.socket(fileno=number) for number in arguments.neighbours])
        stop: Callable[[int, FrameType | None], None] = server.handle_exit

        def close_and_stop(number: int, frame: FrameType | None) -> None:
            # Who watches events would keep the server from ending.
            app.state.fitd.watch.close()
            stop(number, frame)

        server.__dict__["handle_exit"] = close_and_stop
        # What is there now stays: no search for garbage goes through it while somebody waits.
        gc.collect()
        gc.freeze()
        _keep_freed_memory()
        server.run(sockets=[listener])


def _worker(settings: Settings, arguments: argparse.Namespace) -> None:
    _limit_threads(settings.worker_threads)
    from service.worker import process  # noqa: PLC0415 - it loads NumPy, which reads the limit once

    _end_on_signals()
    with closing(Database.of(settings, bell=Bell(read_fd=arguments.hears))) as database:
        _await_schema(database)
        process.run(settings, database, arguments.owner)


def _cluster(settings: Settings, arguments: argparse.Namespace) -> None:
    settings = _with_cluster(settings, arguments)
    check_address(settings.cluster or "")
    leaving = threading.Event()
    with closing(Database.of(settings, bell=Bell(read_fd=arguments.hears))) as database:
        _await_schema(database)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: leaving.set())
        Cluster(settings, database, settings.cluster or "", leaving).run()


def _migrate(settings: Settings, _arguments: argparse.Namespace) -> None:
    with closing(Database.of(settings)) as database:
        migrate(database)
        _log.info("The tables are those of this release")


def _backup(settings: Settings, arguments: argparse.Namespace) -> None:
    from service.storage.backup import back_up  # noqa: PLC0415 - only who asks for it

    with closing(Database.of(settings)) as database:
        artifacts = back_up(database, arguments.directory)
    _log.info("Copied the database and %d artifacts to %s", artifacts, arguments.directory)


def _limit_threads(count: int) -> None:
    for name in _BLAS:
        os.environ[name] = str(count)


def _keep_freed_memory() -> None:
    """Keeps some megabytes for the next request, where glibc would give them back and fetch them again page by page."""
    with suppress(AttributeError):  # another library has no such call, and need not have this habit
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, 16 << 20)
        mallopt(_M_MMAP_THRESHOLD, 4 << 20)


def _end_on_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _listener(settings: Settings, arguments: argparse.Namespace) -> socket.socket:
    if arguments.socket is not None:
        return socket.socket(fileno=arguments.socket)
    listener = listen(settings.host, settings.port)
    warn_if_open(listener.getsockname()[0])
    return listener


def _await_schema(database: Database) -> None:
    """Waits for the database and its tables, which somebody else may just be bringing up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_ready(database):
        _log.info("Waiting for the database and its tables")
        if time.monotonic() > deadline:
            raise Conflict("The database's tables are not those of this release; run `python -m service migrate`.")
        time.sleep(1.0)


def _is_ready(database: Database) -> bool:
    try:
        return database.schema_is_current()
    except (Unavailable, WrongSchema):
        return False


if __name__ == "__main__":
    main()
