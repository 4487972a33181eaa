"""Every snippet of Python in the client's pages runs as it is printed."""

import re
from pathlib import Path

import pytest

from tests.e2e.server import Server

ROOT = Path(__file__).parents[2]
PAGES = ["how-to/python-client.md", "how-to/scikit-learn.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_run_one_after_the_other(
    page: str, service: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FITD_URL", service.url)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("http://127.0.0.1:8000", service.url)
    snippets = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert snippets
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(snippet, names)  # the snippets are the test
    client = names.get("client")
    if hasattr(client, "close"):
        client.close()
