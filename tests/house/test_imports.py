"""What each room may import; the order of the rooms is import-linter's contract in `pyproject.toml`."""

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NN = sorted((ROOT / "service" / "nn").rglob("*.py"))


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
