"""The command line: `python -m service serve | api | worker | cluster | migrate | backup | keys`."""

import argparse
import logging
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service import logs
from service.config import RENAMED, Settings, explained, given_names, misspelt
from service.errors import FitdError
from service.processes import access, worker
from service.processes.lifeline import follow
from service.processes.schema import migrate
from service.processes.supervisor import serve
from service.storage import Database
from service.worker.dask import check_address

_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

_MOST = 1e9

_log = logging.getLogger("fitd")


def main() -> None:
    """Runs the command that the arguments name; exits with 1 and a sentence if it cannot."""
    arguments = command_line().parse_args()
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(f"fitd: these settings are wrong:\n{explained(error)}")
    logs.configure(settings.log_level, settings.log_format, shows_access=settings.shows_access)
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


def command_line() -> argparse.ArgumentParser:
    """Returns the parser of the commands and their options."""
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
        command.add_argument("--place", help=argparse.SUPPRESS)
    purpose = "copies a SQLite database that is in use, and the artifacts it refers to, to a directory"
    backup = commands.add_parser("backup", help=purpose, description=f"backup: {purpose}.")
    backup.add_argument("directory", type=Path)
    backup.set_defaults(run=_backup, parent=None)
    _add_keys(commands)
    return parser


def _add_keys(commands: Any) -> None:
    purpose = "makes, lists, revokes and rotates the keys of those who may call the service"
    keys = commands.add_parser("keys", help=purpose, description=f"keys: {purpose}.")
    keys.set_defaults(run=_keys, parent=None)
    actions = keys.add_subparsers(metavar="ACTION", dest="action", required=True)
    create = actions.add_parser("create", help="prints a new key, which is shown this once")
    create.add_argument("--name", required=True, help="who or what uses it")
    create.add_argument("--scopes", required=True, help="read, predict, data, train, metrics, admin, by commas")
    create.add_argument("--models", help="a pattern with * and ?: the key is only for models of such names")
    create.add_argument("--expires-days", type=_positive, help="days until it expires; never, if not given")
    actions.add_parser("list", help="prints a line for each key")
    for name, purpose in (
        ("revoke", "ends a key at once"),
        ("rotate", "prints a new key for an old one, which ends after the overlap"),
    ):
        action = actions.add_parser(name, help=purpose)
        action.add_argument("id", help="the key's id, as `list` prints it")
        if name == "rotate":
            action.add_argument("--overlap-seconds", type=_positive, default=86_400.0, help="a day, if not given")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MOST:.0f}")
    return number


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
    limit_threads(1)
    from service.processes import api  # noqa: PLC0415 - the supervisor has no use for what it loads

    api.run(settings, api.Inherited(arguments.socket, arguments.neighbours, arguments.rings, arguments.place))


def _worker(settings: Settings, arguments: argparse.Namespace) -> None:
    limit_threads(settings.worker_threads)
    worker.run(settings, hears=arguments.hears, owner=arguments.owner, place=arguments.place)


def _cluster(settings: Settings, arguments: argparse.Namespace) -> None:
    worker.run_cluster(_with_cluster(settings, arguments), hears=arguments.hears)


def _migrate(settings: Settings, _arguments: argparse.Namespace) -> None:
    with closing(Database.of(settings)) as database:
        migrate(database)
        access.make_first_key(settings, database)
        _log.info("The tables are those of this release")


def _backup(settings: Settings, arguments: argparse.Namespace) -> None:
    from service.storage.backup import back_up  # noqa: PLC0415 - only callers who ask for it

    with closing(Database.of(settings)) as database:
        artifacts = back_up(database, arguments.directory)
    _log.info("Copied the database and %d artifacts to %s", artifacts, arguments.directory)


def _keys(settings: Settings, arguments: argparse.Namespace) -> None:
    with closing(Database.of(settings)) as database:
        match arguments.action:
            case "create":
                more = {"models": arguments.models, "days": arguments.expires_days}
                access.create(settings, database, arguments.name, arguments.scopes, **more)
            case "list":
                access.show(database)
            case "revoke":
                access.revoke(database, arguments.id)
            case "rotate":
                access.rotate(database, arguments.id, arguments.overlap_seconds)


def limit_threads(count: int) -> None:
    """Limits the threads of matrix products in this process; NumPy reads the limit once, when it is loaded."""
    for name in _BLAS:
        os.environ[name] = str(count)


if __name__ == "__main__":
    main()
