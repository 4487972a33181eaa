"""Every snippet of Python in the client's pages runs as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fitd
from fitd.keras.models import close_clients
from tests.e2e.server import Server

ROOT = Path(__file__).parents[2]
PAGES = ["how-to/python-client.md", "how-to/scikit-learn.md", "tutorials/keras-script.md", "tutorials/command-line.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_run_one_after_the_other(
    page: str, service: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FITD_URL", service.url)
    monkeypatch.setenv("FITD_SERVICE", str(ROOT))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("http://127.0.0.1:8000", service.url)
    snippets = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert snippets
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(snippet, names)  # the snippets are the test
    client = names.get("client")
    if isinstance(client, fitd.Client):
        client.close()
    close_clients()


def test_the_session_of_the_command_line_runs_as_printed(service: Server, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorials" / "command-line.md").read_text(encoding="utf-8")
    (session,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    command = f'fitd() {{ "{sys.executable}" -m fitd.cli "$@"; }}\n'
    environment = {**os.environ, "FITD_URL": service.url, "PYTHONPATH": str(ROOT / "client")}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command + session], check=False, capture_output=True, text=True,
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert '"predicted_fruit"' in run.stdout
    assert '"status": "succeeded"' in run.stdout
    assert (tmp_path / "fruit.onnx").exists()
