"""What each room may import; the order of the rooms is import-linter's contract in `pyproject.toml`."""

import ast
import graphlib
import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).parents[2]
NN = sorted((ROOT / "service" / "nn").rglob("*.py"))
ALL = sorted((ROOT / "service").rglob("*.py"))


def imported_roots(source: str) -> set[str]:
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            roots.add(node.module.split(".")[0])
    return roots


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_nn_imports_only_numpy_and_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"numpy", "service"}
    strangers = {path.name: imported_roots(path.read_text(encoding="utf-8")) - allowed for path in NN}
    assert {name: roots for name, roots in strangers.items() if roots} == {}


def test_a_process_that_imports_nn_loads_no_web_and_no_database() -> None:
    loaded = loaded_by("import service.nn")
    assert "numpy" in loaded
    assert not loaded & {
        "pydantic",
        "sqlalchemy",
        "fastapi",
        "starlette",
        "uvicorn",
        "orjson",
        "safetensors",
        "httpx",
    }


def test_the_api_loads_no_library_of_files_before_a_file_is_asked_for() -> None:
    assert not loaded_by("import service.api.app") & {"h5py", "onnx", "pyarrow"}


def test_the_supervisor_loads_no_numpy() -> None:
    assert "numpy" not in loaded_by("import service.__main__")


def test_no_modules_import_each_other_in_a_circle_not_even_when_they_are_called() -> None:
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in ALL}
    tree = {name: imported_modules(path.read_text(encoding="utf-8"), paths) - {name} for name, path in paths.items()}
    graphlib.TopologicalSorter(tree).prepare()


def imported_modules(source: str, known: Collection[str]) -> set[str]:
    """The modules of the service that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & set(known) or {node.module}
    return found & set(known)


def test_what_a_layer_or_a_loss_is_outside_of_nn_is_told_by_itself_and_not_by_its_name() -> None:
    asks = re.compile(r"isinstance\([^()]*\b(Dense|Embedding|\w*Normalization|\w*entropy|\w*Hinge|MeanSquared\w*)\b")
    asking = [path.name for path in ALL if path not in NN and asks.search(path.read_text(encoding="utf-8"))]
    assert asking == []
