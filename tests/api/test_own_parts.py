"""A part that somebody adds to `nn` is one class: everything above takes it from class names to a file."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# The module with the parts is not imported here: they would be registered for the other tests, too.
OWN = ("loss", "activation", "layer", "optimizer", "metric", "initializer", "callback")
FORMATS = ("keras", "safetensors", "json", "onnx", "python")
NAMES = ["cat", "dog", "owl"]
NO_WORDS = {("activation", "onnx"), ("layer", "onnx"), ("layer", "python")}
"""Files in which every layer and activation has to be written in other words than ours."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    directory, root = tmp_path_factory.mktemp("own"), Path(__file__).parents[2]
    (directory / "sitecustomize.py").write_text("import tests.support.own_parts\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{directory}{os.pathsep}{root}"}
    command = [sys.executable, "-m", "tests.support.driven_parts", str(directory / "data")]
    made = subprocess.run(command, capture_output=True, timeout=120, check=True, cwd=root, env=environment)
    answers: dict[str, dict[str, Any]] = json.loads(made.stdout)
    return answers


@pytest.mark.parametrize("kind", OWN)
def test_class_names_are_trained_on_with_it(told: dict[str, dict[str, Any]], kind: str) -> None:
    answers = told[kind]
    assert answers["validated"]["warnings"] == []
    assert (answers["asked"][0], answers["job"]["status"]) == (202, "succeeded")
    assert answers["predicted"]["predicted_classes"] == NAMES
    for name, row in zip(NAMES, answers["predicted"]["probabilities"], strict=True):
        assert sum(row.values()) == pytest.approx(1, abs=1e-5)
        assert max(row, key=row.__getitem__) == name


@pytest.mark.parametrize("kind", OWN)
def test_it_is_evaluated_as_a_classifier(told: dict[str, dict[str, Any]], kind: str) -> None:
    report = told[kind]["evaluated"]["report"]
    assert report["kind"] == "classification"
    assert report["confusion_matrix"]["classes"] == NAMES
    assert report["accuracy"] > 0.95
    metric = "confidence" if kind == "metric" else "accuracy"
    assert told[kind]["evaluated"]["metrics"][metric] > 0.8


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kind", OWN)
def test_it_is_exported_or_refused_by_its_name(told: dict[str, dict[str, Any]], kind: str, file_format: str) -> None:
    status, problem = told[kind]["files"][file_format]
    if (kind, file_format) not in NO_WORDS:
        assert status == 200, problem
        return
    (error,) = problem["errors"]
    assert (status, error["code"], error["pointer"]) == (422, "not_exportable", "#/spec/layers/0")
    assert "Scale" in error["detail"] if kind == "layer" else "taylor_softmax" in error["detail"]
    assert "json and safetensors" in error["detail"]


@pytest.mark.parametrize("kind", OWN)
def test_a_script_that_it_is_written_to_predicts_alike(told: dict[str, dict[str, Any]], kind: str) -> None:
    if (kind, "python") in NO_WORDS:
        assert told[kind]["scripted"] is None
    else:
        expected = told[kind]["predicted"]["predictions"]
        np.testing.assert_allclose(told[kind]["scripted"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", OWN)
def test_a_training_goes_on_from_it(told: dict[str, dict[str, Any]], kind: str) -> None:
    assert told[kind]["continued"]["status"] == "succeeded", told[kind]["continued"]
    assert told[kind]["continued"]["metrics"]["loss"] < 0.5


def test_a_callback_of_ones_own_is_heard(told: dict[str, dict[str, Any]]) -> None:
    assert told["callback"]["job"]["progress"]["epoch"] == 40
    assert told["loss"]["job"]["progress"]["epoch"] == 60


@pytest.mark.parametrize("kind", OWN)
def test_its_own_file_is_imported_and_predicts_alike(told: dict[str, dict[str, Any]], kind: str) -> None:
    status, predicted = told[kind]["imported"]
    assert status == 201
    assert predicted["predictions"] == told[kind]["predicted"]["predictions"]
