"""Versions that learnt from tables become files that take the columns and answer what the service answers."""

import csv
import io
import json
import math
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from service.config import Limits
from service.data.features import Encoder
from service.data.features.columns import AnyColumn, CategoryColumn, NumberColumn
from service.errors import Invalid, Malformed
from service.exchange.exporting import export
from service.exchange.importing import import_file, import_json
from service.exchange.keras.file import read_keras_file
from service.exchange.python.columns import category, date, number
from service.formats.weights import unpack
from service.prediction import LoadedVersion
from tests.support.encoders import CLASSES, COLUMNS, predicted, rows_for, stored, tensors


def session_of(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of the version with every kind of column."""
    folder = tmp_path_factory.mktemp("script")
    with zipfile.ZipFile(io.BytesIO(export(*stored(), "python").content)) as archive:
        archive.extractall(folder)
    return folder / "predictor.py"


@pytest.mark.parametrize("units", [1, 3])
def test_an_onnx_file_takes_columns_and_predicts_what_the_service_predicts(units: int) -> None:
    version, weights = stored(units=units)
    rows = rows_for()
    session = session_of(export(version, weights, "onnx").content)
    assert [one.name for one in session.get_inputs()] == [column.name for column in COLUMNS]
    outputs, labels = session.run(None, tensors(COLUMNS, rows))
    expected = predicted(version, weights, rows)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6, atol=1e-6)
    assert labels.tolist() == LoadedVersion(version, weights).meaning.named(expected)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.type} {column.encoding} {column.missing}")
def test_one_column_is_enough_for_an_onnx_file(column: AnyColumn) -> None:
    version, weights = stored([column])
    rows = rows_for([column])
    (outputs, _) = session_of(export(version, weights, "onnx").content).run(None, tensors([column], rows))
    np.testing.assert_allclose(outputs, predicted(version, weights, rows), rtol=1e-6, atol=1e-6)


def test_a_number_that_must_not_be_missing_makes_onnx_answer_nan() -> None:
    column = NumberColumn("age", "standardize", "reject", 3.0, 3.0, 1.0)
    session = session_of(export(*stored([column]), "onnx").content)
    (outputs, _) = session.run(None, {"age": np.array([[np.nan], [3.0]])})
    assert np.isnan(outputs).all(axis=1).tolist() == [True, False]


def test_an_onnx_file_tells_what_the_version_knows() -> None:
    version, weights = stored()
    model = onnx.load_from_string(export(version, weights, "onnx").content)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["classes"]) == CLASSES
    assert json.loads(told["features"]) == version.input["features"]
    assert json.loads(told["targets"]) == ["fruit"]


def test_a_column_may_be_called_like_anything_in_an_onnx_file() -> None:
    names = ["output", "label", "input", "constant_0", "constant_0_", "rows", "concat_0", "sub_3"]
    columns = [NumberColumn(name, "standardize", "indicator", 1.0, 1.0, 2.0) for name in names]
    version, weights = stored(columns)
    session = session_of(export(version, weights, "onnx").content)
    assert [one.name for one in session.get_outputs()] == ["output_", "label_"]
    rows = rows_for(columns)
    (outputs, _) = session.run(None, tensors(columns, rows))
    np.testing.assert_allclose(outputs, predicted(version, weights, rows), rtol=1e-6, atol=1e-6)


def run(script: Path, *arguments: str, given: str = "") -> Any:
    command = [sys.executable, "-I", "-W", "error", str(script), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout))


def test_a_script_takes_rows_by_column_name_and_predicts_what_the_service_predicts(script: Path) -> None:
    version, weights = stored()
    rows = rows_for()
    answered = run(script, given=json.dumps([{**row, "name": "another column"} for row in rows]))
    np.testing.assert_allclose(answered, predicted(version, weights, rows), rtol=1e-6, atol=1e-6)


def test_a_script_takes_a_csv_file(script: Path, tmp_path: Path) -> None:
    version, weights = stored()
    rows = rows_for()
    file = tmp_path / "rows.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, [column.name for column in COLUMNS])
        writer.writeheader()
        writer.writerows(rows)
    np.testing.assert_allclose(run(script, str(file)), predicted(version, weights, rows), rtol=1e-6, atol=1e-6)


def refused(script: Path, *arguments: str, given: str = "") -> str:
    """The one line that a script says of rows that it cannot take."""
    command = [sys.executable, "-I", "-W", "error", str(script), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr.strip()


def test_a_script_says_in_a_line_what_it_expected_and_received(script: Path, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = rows_for()[:2]
    first = COLUMNS[0].name
    numbers, dates = (next(one.name for one in COLUMNS if one.type == kind) for kind in ("number", "date"))
    wrong: dict[str, Any] = {
        "Expected a list of one row or more; received int.": 5,
        "Expected a list of one row or more; received NoneType.": None,
        "Expected a list of one row or more; received dict.": rows[0],
        "Expected a list of one row or more; received str.": "rows",
        "Expected a list of one row or more; received none.": [],
        f"Row 0, column {numbers!r}: expected a number; received inf.": [rows[0] | {numbers: math.inf}],
        f"Row 0, column {numbers!r}: expected a number; received 1e+39.": [rows[0] | {numbers: 1e39}],
        f"Row 1: expected the column {first!r}; received 'other'.": [rows[0], {"other": 1}],
        f"Row 0: expected the column {first!r}; received no object.": [[1, 2]],
        f"Row 1, column {numbers!r}: expected a number; received 'heavy'.": [rows[0], rows[1] | {numbers: "heavy"}],
        f"Row 0, column {numbers!r}: expected a number; received [1].": [rows[0] | {numbers: [1]}],
        f"Row 0, column {dates!r}: expected a date in ISO 8601; received 5.": [rows[0] | {dates: 5}],
    }
    for said, given in wrong.items():
        assert refused(script, given=json.dumps(given)) == said
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n1\n")
    assert refused(script, str(file)) == "Row 1: expected 2 values; received more or fewer."
    file.write_text("a,b\n1,2,3\n")
    assert refused(script, str(file)) == "Row 0: expected 2 values; received more or fewer."
    file.write_text("a,b\n")
    assert refused(script, str(file)) == "Expected a list of one row or more; received none."
    assert "No such file" in refused(script, str(tmp_path / "nowhere.csv"))
    assert "line 1 column 1" in refused(script, given="not JSON")
    assert "recursion" in refused(script, given="[" * 100_000)


@pytest.mark.parametrize("nothing", [None, math.nan, ""])
def test_nothing_is_what_json_pandas_and_csv_files_have_for_it(nothing: Any) -> None:
    rows = [{"a": nothing}]
    assert number(rows, "a", mean=1.0, deviation=2.0, fill=5.0, marks=True).tolist() == [[2.0, 1.0]]
    assert category(rows, "a", ["x"], absent=2, width=3).tolist() == [[False, False, True]]
    assert category(rows, "a", ["x"], absent=2, width=0).tolist() == [[2]]
    assert date(rows, "a", mean=1.0, deviation=2.0, fill=5.0, circles=[], marks=True).tolist() == [[2.0, 1.0]]


def test_values_are_told_from_texts_and_texts_from_values() -> None:
    texts: list[Any] = ["true", "False", "2.5", True, 3]
    made = number([{"a": text} for text in texts], "a", mean=0.0, deviation=1.0, fill=0.0, marks=False)
    assert made.ravel().tolist() == [1, 0, 2.5, 1, 3]
    values: list[Any] = [3, 3.0, True, 2.5, "other"]
    made = category([{"a": value} for value in values], "a", ["3", "true", "2.5"], absent=0, width=0)
    assert made.ravel().tolist() == [1, 1, 2, 3, 0]
    days = date([{"a": "1970-01-02T12:00+12:00"}], "a", mean=0.0, deviation=1.0, fill=0.0, circles=["day"], marks=False)
    np.testing.assert_allclose(days, [[1.0, 0.0, 1.0]], atol=1e-12)


def test_numbers_and_booleans_that_are_categories_are_found_however_a_csv_file_writes_them(tmp_path: Path) -> None:
    columns = [
        CategoryColumn("size", "integer", "indicator", None, ["1", "2.5", "1e-07", "true"]),
        CategoryColumn("zip", "integer", "indicator", None, ["007", "7"]),
    ]
    with zipfile.ZipFile(io.BytesIO(export(*stored(columns), "python").content)) as archive:
        archive.extractall(tmp_path)
    rows = [("1.0", "007"), ("2.50", "7"), ("0.0000001", "7.0"), ("True", "07"), ("", ""), ("x", "x")]
    file = tmp_path / "rows.csv"
    file.write_text("size,zip\n" + "".join(f"{size},{code}\n" for size, code in rows))
    found = run(tmp_path / "predictor.py", str(file))
    told = [(1, "007"), (2.5, "7"), (1e-7, "other"), (True, "other"), (None, None), ("x", "x")]
    records = [{"size": size, "zip": code} for size, code in told]
    version, weights = stored(columns)
    np.testing.assert_allclose(found, predicted(version, weights, records), rtol=1e-6, atol=1e-6)


def test_a_script_is_short_and_imports_numpy_and_the_standard_library(script: Path) -> None:
    lines = script.read_text(encoding="ascii").splitlines()
    assert len(lines) < 200
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported == {"__future__", "csv", "datetime", "json", "io", "math", "re", "numpy", "pathlib", "sys"}


def test_safetensors_and_json_carry_what_the_columns_have_learnt() -> None:
    version, weights = stored()
    arrays, notes = unpack(export(version, weights, "safetensors").content)
    assert list(arrays) == list(unpack(weights)[0])
    assert notes["features"] == version.input["features"]
    network = json.loads(export(version, weights, "json").content)
    assert network["class_name"] == "Sequential"
    assert {key: network[key] for key in notes} == notes
    lists = [array.tolist() for array in arrays.values()]
    for spec in (network, version.spec):
        _, made = import_json({"spec": spec, "weights": lists, **({} if spec is network else notes)}, Limits())
        assert (made.input, made.output) == (version.input, version.output)
        assert made.weights == weights


def test_a_keras_file_comes_in_as_it_went_out() -> None:
    version, weights = stored()
    for _ in range(2):
        content = export(version, weights, "keras").content
        made = import_file(read_keras_file(content, Limits()), Limits())
        assert made.weights == weights
        assert (made.input, made.output) == (version.input, version.output)
        assert made.data == {"left_out": ["name"]}
        assert made.compile["loss"] == "categorical_crossentropy"
        version = replace(version, spec=made.spec, compile=made.compile)


def changed(content: bytes, member: str, change: Any) -> bytes:
    """The archive with one of its JSON members changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w") as other:
        for name in archive.namelist():
            part = archive.read(name)
            if name == member:
                value = json.loads(part)
                change(value)
                part = json.dumps(value).encode()
            other.writestr(name, part)
    return made.getvalue()


def layer_of(document: dict[str, Any], class_name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["config"]["layers"] if one["class_name"] == class_name)
    return found


MISTAKES: list[tuple[str, Any, str | None]] = [
    ("config.json", lambda value: layer_of(value, "Rescaling")["config"].update(scale=2.0), "#/spec"),
    ("config.json", lambda value: value["config"]["layers"].append({"class_name": "Lambda"}), "#/spec"),
    ("config.json", lambda value: layer_of(value, "Sequential").update(config=[]), "#/spec/class_name"),
    ("config.json", lambda value: layer_of(value, "Sequential")["config"].update(name=3), "#/spec/class_name"),
    ("config.json", lambda value: layer_of(value, "Sequential").update(class_name="Lambda"), "#/spec/class_name"),
    ("metadata.json", lambda value: value.pop("features"), None),
    ("metadata.json", lambda value: value.update(features=[]), "#/features"),
    ("metadata.json", lambda value: value.update(features={"a": 1}), "#/features"),
    ("metadata.json", lambda value: value["features"][1].update(mean=3.0), "#/spec"),
    ("metadata.json", lambda value: value["features"].pop(), "#/spec"),
    ("metadata.json", lambda value: value.update(targets=3), "#/targets"),
]


@pytest.mark.parametrize(("member", "change", "place"), MISTAKES)
def test_a_keras_file_whose_layers_are_not_its_columns_is_refused(member: str, change: Any, place: str | None) -> None:
    content = changed(export(*stored(), "keras").content, member, change)
    with pytest.raises((Invalid, Malformed)) as refused:
        import_file(read_keras_file(content, Limits()), Limits())
    found = refused.value
    assert (next(one.pointer for one in found.findings) if isinstance(found, Invalid) else None) == place


def test_columns_that_make_other_inputs_than_the_network_takes_are_refused() -> None:
    version, weights = stored()
    arrays = [array.tolist() for array in unpack(weights)[0].values()]
    features = Encoder(COLUMNS[:2]).to_json_list()
    with pytest.raises(Invalid, match="Expected columns that make 35 inputs for this network; these make 6"):
        import_json({"spec": version.spec, "weights": arrays, "features": features}, Limits())
