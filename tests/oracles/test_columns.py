"""Our `.keras` files of versions that learnt from tables, judged by real Keras: its layers do what our columns do."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.data.features import Encoder
from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn
from service.data.features.records import Records
from service.exchange.exporting import export
from service.prediction import LoadedVersion
from tests.support.encoders import COLUMNS, predicted, rows_for, stored

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-oracles/bin/python"

TABLES: Mapping[str, Sequence[AnyColumn]] = {
    "every kind": COLUMNS,
    "only a place": [CategoryColumn("zone", "integer", "indicator", None, ["3", "7"])],
    "only one number": [NumberColumn("age", "standardize", "mean", 40.5, 40.5, 12.0)],
    "names of layers": [
        NumberColumn(name, "standardize", "indicator", 1.0, 1.0, 2.0)
        for name in ("dense", "sequential", "inputs", "functional", "a/b", "a_b", "a_b:filled", "höhe über 0")
    ],
    "large means": [NumberColumn("year", "standardize", "mean", 2007.1, 2007.1, 5.5)],
    "small deviations": [NumberColumn("farad", "standardize", "indicator", 1e-12, 1e-12, 3e-13)],
}

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make .venv-oracles/.ready` brings Keras")


def arrays(columns: Sequence[AnyColumn], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as the file takes them: numbers, places of categories, dates as the inputs that they become."""
    names = {column.name: column.name.replace("/", "_") for column in columns}
    if "a/b" in names and "a_b" in names:
        names["a_b"] = "a_b_"
    columns_of = {column.name: [row[column.name] for row in rows] for column in columns}
    records = Records(columns_of, [column.name for column in columns if isinstance(column, DateColumn)])
    made: dict[str, Any] = {}
    for column in columns:
        if isinstance(column, NumberColumn) and column.encoding != "quantile":
            array = column.read(records).reshape(-1, 1).astype(np.float32)
        elif isinstance(column, CategoryColumn):
            places = column.read(records)
            array = np.where(places < 0, column.absent, places).reshape(-1, 1)
        else:
            array = Encoder([column]).encode(records)[0]
        made[names[column.name]] = array
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each table, with what Keras predicted."""
    root = tmp_path_factory.mktemp("columns")
    for name, columns in TABLES.items():
        (root / name).mkdir()
        (root / name / "model.keras").write_bytes(export(*stored(columns), "keras").content)
        np.savez(root / name / "x.npz", **arrays(columns, rows_for(columns)))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}
    command = [str(PYTHON), str(Path(__file__).with_name("judge.py")), str(root)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.parametrize("name", TABLES)
def test_keras_makes_of_columns_what_the_service_makes_of_them(folder: Path, name: str) -> None:
    version, weights = stored(TABLES[name])
    expected = predicted(version, weights, rows_for(TABLES[name]))
    np.testing.assert_allclose(np.load(folder / name / "y.npy"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", TABLES)
def test_keras_finds_the_network_behind_its_columns_compiled_the_same(folder: Path, name: str) -> None:
    said: dict[str, Any] = json.loads((folder / name / "said.json").read_text(encoding="utf-8"))
    version, weights = stored(TABLES[name])
    assert said["parameters"] == LoadedVersion(version, weights).model.count_params()
    assert (said["loss"], said["optimizer"]) == ("categorical_crossentropy", "RMSprop")
    assert [warning for warning in said["warnings"] if "optimizer" not in warning] == []
