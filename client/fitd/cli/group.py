"""The group of the commands: their options, and how they end."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import click

from fitd.cli.output import EXIT_CODES, Screen
from fitd.errors import FitdError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--url", envvar="FITD_URL", help="Address of the service; else the profile, or http://127.0.0.1:8000.")
@click.option("--profile", envvar="FITD_PROFILE", help="Profile that `fitd login` has written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def cli(context: click.Context, url: str | None, profile: str | None, as_json: bool) -> None:
    r"""Train Dense networks on a Fitd service, and ask them.

    The key comes from FITD_API_KEY or a profile, and never from an argument, which others on the machine could read.

    \b
    It ends with 0, or:
      1 another error      5 not found
      2 wrong usage        6 the job did not succeed
      3 no service         7 key missing or not enough
      4 refused            8 the service is busy or failed
    """
    context.obj = Screen(as_json, url, profile)


def command(name: str, *decorators: Any) -> Callable[[Callable[..., None]], click.Command]:
    """A command that takes a screen and a client, takes `--json` as well, and ends as its error says."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(as_json_here: bool, **options: Any) -> None:
            screen: Screen = click.get_current_context().find_object(Screen) or Screen(False)
            screen.as_json = screen.as_json or as_json_here
            try:
                with screen.client() as client:
                    function(screen, client, **options)
            except FitdError as error:
                end(screen, error)

        found: Any = click.option("--json", "as_json_here", is_flag=True, help="Print JSON, for programs.")(run)
        for one in reversed(decorators):
            found = one(found)
        made: click.Command = cli.command(name)(found)
        return made

    return decorate


def end(screen: Screen, error: FitdError) -> None:
    """Prints the error, and ends the command with the code of its kind."""
    code = next(code for kinds, code in EXIT_CODES if isinstance(error, kinds))
    if screen.as_json:
        told = {name: getattr(error, name) for name in ("code", "pointer", "request_id", "reason", "job_id")
                if getattr(error, name, None) is not None}  # fmt: skip
        click.echo(json.dumps({"error": str(error), "kind": type(error).__name__, **told}), err=True)
    else:
        click.echo(f"fitd: {error}", err=True)
    sys.exit(code)
