"""The command line: `fitd` (needs the extra `cli`)."""

import sys


def main() -> None:
    """Runs the command; a sentence and not a traceback where click or rich is missing."""
    try:
        from fitd.cli import commands, group  # noqa: PLC0415 - what it needs may be missing
    except ImportError as error:
        if error.name not in {"click", "rich"}:
            raise
        sys.exit(f"The command fitd needs {error.name}; run: pip install 'fitd[cli]'")
    del commands  # it has put its commands into the group
    group.cli(prog_name="fitd")


if __name__ == "__main__":
    main()
