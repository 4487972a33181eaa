"""The command line against a real service: what it prints, what it makes, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import Server

ROOT = Path(__file__).parents[2]
TABLE = "length,species\n" + "".join(f"{n},{'small' if n < 20 else 'large'}\n" for n in range(40))


class Shell:
    """Runs `fitd` in a folder."""

    def __init__(self, url: str, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FITD_")}
        self.folder = folder
        self.environment = {
            **kept, "PYTHONPATH": str(ROOT / "client"),
            "FITD_URL": url, "FITD_PROFILE_FILE": str(folder / "p" / "p.toml"),
        }  # fmt: skip

    def run(self, *words: str, given: str = "", code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """The finished command; an assertion that it ends with this code."""
        run = subprocess.run(
            [sys.executable, "-m", "fitd.cli", *words], check=False, capture_output=True, text=True, input=given,
            cwd=self.folder, env={**self.environment, **environment}, timeout=120,
        )  # fmt: skip
        assert run.returncode == code, (run.stdout, run.stderr)
        assert "Traceback" not in run.stderr
        return run


@pytest.fixture
def shell(service: Server, tmp_path: Path) -> Shell:
    """A shell in which FITD_URL is the service's."""
    (tmp_path / "birds.csv").write_text(TABLE)
    return Shell(service.url, tmp_path)


def test_a_session_from_a_table_to_predictions(shell: Shell) -> None:
    trained = shell.run("train", "birds.csv", "--target", "species", "--preset", "plain", "--seed", "1")
    assert "succeeded  birds version" in trained.stdout
    assert "Next: fitd predict birds ROWS.csv" in trained.stdout
    assert trained.stderr == ""
    assert shell.run("predict", "birds", "birds.csv").stdout.splitlines()[1].startswith('"small"')
    assert shell.run("predict", "birds", given="length\n39\n").stdout.splitlines()[1].startswith('"large"')
    shell.run("predict", "birds", "birds.csv", "-o", "out.csv")
    assert len((shell.folder / "out.csv").read_text().splitlines()) == 41
    assert "accuracy 1" in shell.run("evaluate", "birds", "birds.csv").stdout
    job = json.loads(shell.run("jobs", "--json", "--model", "birds").stdout)[0]
    assert job["status"] == "succeeded"
    assert shell.run("jobs", "--model", "birds").stdout.splitlines()[1].split("\t")[:2] == [job["id"], "succeeded"]
    assert "birds" in shell.run("models").stdout
    assert shell.run("models", "birds").stdout.splitlines()[1].split("\t")[0] == "1"
    assert shell.run("labels", "birds", "stable", "--json").stdout == '{"stable": 1}\n'
    assert shell.run("predict", "birds", "birds.csv", "--at", "stable").stdout.count("\n") == 41
    assert shell.run("labels", "birds", "stable", "--remove", "--json").stdout == "{}\n"
    assert "Wrote birds.keras" in shell.run("export", "birds").stdout
    assert json.loads(shell.run("import", "birds.keras", "--model", "copy", "--json").stdout)["model"] == "copy"
    assert "birds" in shell.run("datasets", "birds.csv", "--name", "birds").stdout
    events = [json.loads(line) for line in shell.run("watch", job["id"], "--json").stdout.splitlines()]
    assert [event["event"] for event in events if "event" in event][-1] == "done"
    assert events[-1]["id"] == job["id"]


def test_a_job_is_detached_from_and_cancelled(shell: Shell) -> None:
    words = ("train", "-", "--target", "species", "--preset", "tabm", "--epochs", "10000", "--detach", "--json")
    job = json.loads(shell.run(*words, given=TABLE).stdout)
    cancelled = json.loads(shell.run("cancel", job["id"], "--keep", "best", "--json").stdout)
    assert cancelled["status"] in {"cancelling", "cancelled"}
    shell.run("watch", job["id"], code=6)


def test_mistakes_end_with_a_code_for_their_kind_and_say_what_is_right(shell: Shell) -> None:
    refused = shell.run("train", "birds.csv", "--target", "specis", code=4).stderr
    assert "Did you mean 'species'?" in refused
    told = json.loads(shell.run("train", "birds.csv", "--target", "specis", "--json", code=4).stderr)
    assert (told["kind"], told["pointer"]) == ("Invalid", "#/data/target")
    assert "There is no file nowhere.csv" in shell.run("train", "nowhere.csv", "--target", "x", code=4).stderr
    shell.run("watch", "job_00000000000000000000000000", code=5)
    shell.run("train", code=2)
    assert "No service can be reached" in shell.run("doctor", code=3, FITD_URL="http://127.0.0.1:9").stderr


def test_login_keeps_an_address_and_never_shows_the_key(shell: Shell, service: Server) -> None:
    kept = shell.run("login", service.url, given="fitd_secret\n")
    assert "secret" not in kept.stdout + kept.stderr
    assert (shell.folder / "p" / "p.toml").stat().st_mode & 0o077 == 0
    ready = json.loads(shell.run("doctor", "--json", FITD_URL="").stdout)
    assert (ready["address"], ready["key"]) == (service.url, True)


def test_it_completes_and_explains_itself(shell: Shell) -> None:
    assert "_FITD_COMPLETE" in shell.run("completion", "bash").stdout
    assert "6 the job did not succeed" in shell.run("--help").stdout
