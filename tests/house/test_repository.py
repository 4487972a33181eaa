"""Rules about the files themselves."""

import ast
import hashlib
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "service").rglob("*.py"))
SWAGGER = ROOT / "service" / "api" / "static" / "swagger-ui"


def offenders(rule: Callable[[Path, str], object]) -> list[str]:
    """The modules of the service that break a rule."""
    return [str(path.relative_to(ROOT)) for path in MODULES if rule(path, path.read_text(encoding="utf-8"))]


def undocumented(_path: Path, source: str) -> list[ast.AST]:
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(source)
    public = [node for node in tree.body if isinstance(node, definitions) and not node.name.startswith("_")]
    return [node for node in (tree, *public) if not ast.get_docstring(node)]


def test_a_module_is_short_enough_to_read() -> None:
    assert offenders(lambda _path, source: len(source.splitlines()) > 300) == []


def test_public_things_say_what_they_are() -> None:
    assert offenders(undocumented) == []


def test_a_module_has_a_name_of_its_own() -> None:
    vague = {"common", "core", "helpers", "utils"}
    found = offenders(lambda path, _source: vague & {path.stem, path.parent.name})
    assert [path for path in found if not path.startswith("service/nn/utils")] == []  # Keras's own word


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-oracles.txt", "requirements-uv.txt"]
)
def test_a_lock_has_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-[^-]|^\s*--(?!hash=sha256:)", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_development_lock_holds_the_runtime_lock() -> None:
    pins = [
        set(re.findall(r"^[a-z][^ ]*==[^ ]+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    ]
    assert pins[0] <= pins[1]


def test_the_server_is_the_release_that_our_connections_were_written_for() -> None:
    (pinned,) = re.findall(
        r'^    "uvicorn==([0-9.]+)",$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version("uvicorn") == pinned


def test_the_vendored_pages_are_as_they_came() -> None:
    for line in (SWAGGER / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((SWAGGER / name).read_bytes()).hexdigest() == digest, name


def test_no_text_has_a_mark_of_a_merge_in_it() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.json"), *ROOT.glob("*.toml")]
    marked = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    assert [path.name for path in texts if marked.search(path.read_text(encoding="utf-8"))] == []
