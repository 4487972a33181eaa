"""Scripts that predict with NumPy alone, run where there is nothing of Fitd."""

import ast
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from service import nn
from service.exchange.python.layers import LAYERS
from service.exchange.python.script import rows_of, write_script
from tests.support.architectures import ARCHITECTURES, made, rows_for

DRIVER = """
import runpy, sys
from pathlib import Path
import numpy as np
for folder in sorted(Path(sys.argv[1]).iterdir()):
    predict = runpy.run_path(folder / "predictor.py")["predict"]
    np.save(folder / "y.npy", predict(np.load(folder / "x.npy").tolist()))
assert "service" not in sys.modules
"""


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each architecture, with what its script answered."""
    root = tmp_path_factory.mktemp("scripts")
    for name in ARCHITECTURES:
        model = made(name)
        np.save(
            unpacked(write_script(model, name, rows_of(model.input_shape[-1])), root / name) / "x.npy", rows_for(model)
        )
    subprocess.run([sys.executable, "-I", "-W", "error", "-c", DRIVER, str(root)], check=True, cwd=root)
    return root


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_script_predicts_what_the_network_predicts(folder: Path, name: str) -> None:
    model = made(name)
    predicted = np.load(folder / name / "y.npy")
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, model.predict(rows_for(model)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_script_imports_numpy_and_the_standard_library(folder: Path, name: str) -> None:
    tree = ast.parse((folder / name / "predictor.py").read_text())
    roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert roots <= {"__future__", "json", "math", "numpy", "pathlib", "sys"}


def test_a_script_answers_in_a_shell(tmp_path: Path) -> None:
    model = made("dense")
    unpacked(write_script(model, "digits, version 3", rows_of(model.input_shape[-1]), ["a", "b", "c"]), tmp_path)
    x = rows_for(model)
    command = [sys.executable, "-I", str(tmp_path / "predictor.py")]
    done = subprocess.run(command, input=json.dumps(x.tolist()), capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), model.predict(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "received"),
    [
        ("[[1, 2, 3]]", "the shape (1, 3)"),
        ("[1, 2]", "the shape (2,)"),
        ("[]", "the shape (0,)"),
        ("5", "the shape ()"),
        ("null", "the shape ()"),
        ("[[NaN, 1]]", "NaN, Infinity, or a number beyond float32"),
        ("[[1e39, 1]]", "NaN, Infinity, or a number beyond float32"),
        ("[[1, 2], [1]]", "rows of different widths"),
        ('[["one", 2]]', "something that is no number"),
        (f"[[1{'0' * 400}, 2]]", "something that is no number"),
        ('[{"a": 1}]', "something that is no number"),
    ],
)
def test_a_script_says_in_a_line_what_it_expected_and_received(tmp_path: Path, rows: str, received: str) -> None:
    unpacked(write_script(nn.Sequential([nn.Input((2,)), nn.layers.Dense(1)]), "sums", rows_of(2)), tmp_path)
    command = [sys.executable, "-I", "-W", "error", str(tmp_path / "predictor.py")]
    done = subprocess.run(command, input=rows, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("Expected rows of 2 numbers each; received ")
    assert received in done.stderr


def test_what_users_name_is_never_code() -> None:
    evil = '"""\nimport os; os.abort() #'
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(2, name=evil)], name=evil)
    with zipfile.ZipFile(
        io.BytesIO(write_script(model, "digits, version 3", rows_of(model.input_shape[-1]), [evil, "\u2028'"]))
    ) as archive:
        text = archive.read("predictor.py").decode("ascii")
    assignments = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    assert ast.literal_eval(assignments[-1].value) == [evil, "\u2028'"]
    assert "abort" not in text.replace(ascii(evil), "")


def test_there_are_words_for_every_layer() -> None:
    assert set(nn.layers.REGISTRY.classes().values()) - {nn.layers.InputLayer} == set(LAYERS)
