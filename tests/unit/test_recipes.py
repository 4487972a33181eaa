"""RealMLP and TabM as whole requests: trained, broken off and taken up, predicting, and written to every format."""

import io
import json
import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from pydantic import ValidationError

from service.data.datasets import Dataset
from service.errors import Findings, Invalid
from service.exchange.exporting import export
from service.formats.checkpoints import pack_state, unpack_state
from service.nn.callbacks import Callback
from service.nn.training_state import TrainingState
from service.prediction.versions import LoadedVersion
from service.spec import ModelSpec, TrainingRequest
from service.spec.mistakes import report
from service.training import train
from tests.support import recipes
from tests.support.versions import published

RNG = np.random.default_rng(3)
ROWS = 150
X = np.hstack([RNG.normal(size=(ROWS, 3)), np.eye(4)[RNG.integers(0, 4, ROWS)], RNG.integers(0, 12, (ROWS, 1))])
X = X.astype(np.float32)
CLASSES = ("one", "two", "three")
TARGETS = {
    True: Dataset(X, (X[:, :2] > 0).sum(axis=1).astype(np.int32), CLASSES),
    False: Dataset(X, (X[:, :1] * X[:, 1:2] + X[:, 7:]).astype(np.float32)),
}
NUMBERS, ONE_HOT, CODES = [0, 1, 2], [3, 4, 5, 6], {7: 12}


def asked(name: str, *, classifies: bool) -> dict[str, Any]:
    """A recipe for these rows in a small form; all of it is JSON."""
    units = 3 if classifies else 1
    small: dict[str, Any] = {"classifies": classifies, "width": 16}
    made = {
        "RealMLP-TD-S": lambda: recipes.realmlp_td_s(units, **small),
        "RealMLP-TD": lambda: recipes.realmlp_td(units, numbers=NUMBERS, one_hot=ONE_HOT, codes=CODES, **small),
        "TabM-mini": lambda: recipes.tabm_mini(
            units, chunks=[4, 4, 4, 4, 1], numbers=NUMBERS, members=5, bins=8, vector=4, **small
        ),
    }[name]()
    fit = {"epochs": 3, "batch_size": 32, "seed": 7, "validation_split": 0.2}
    return {**made, "fit": fit}


CASES = [(name, classifies) for name in ("RealMLP-TD-S", "RealMLP-TD", "TabM-mini") for classifies in (True, False)]
every_recipe = pytest.mark.parametrize(("name", "classifies"), CASES)


class Stop(Exception):
    pass


class Snapshots(Callback):
    """Keeps the state at every resume point; at number `stop` it breaks the training off."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.states: list[TrainingState] = []

    def on_resume_point(self, epoch: int, step: int, capture: Callable[[], TrainingState]) -> None:
        self.states.append(capture())
        if self.stop is not None and len(self.states) > self.stop:
            raise Stop


@every_recipe
def test_a_training_that_is_taken_up_ends_with_the_same_bits(name: str, classifies: bool) -> None:
    request, data = asked(name, classifies=classifies), TARGETS[classifies]
    whole = Snapshots()
    expected = train(request, data, [whole])
    for stop in range(len(whole.states)):
        broken = Snapshots(stop)
        with pytest.raises(Stop):
            train(request, data, [broken])
        state = unpack_state(pack_state(broken.states[-1]))
        found = train(request, data, [Snapshots()], [state])
        assert (found.sha256, found.optimizer, found.history) == (expected.sha256, expected.optimizer, expected.history)


@every_recipe
def test_a_recipe_learns(name: str, classifies: bool) -> None:
    request = asked(name, classifies=classifies)
    request["fit"] |= {"epochs": 40}
    losses = train(request, TARGETS[classifies]).history["loss"]
    assert losses[-1] < 0.9 * losses[0]


@every_recipe
def test_every_format_predicts_what_the_version_predicts(name: str, classifies: bool, tmp_path: Path) -> None:
    result = train(asked(name, classifies=classifies), TARGETS[classifies])
    version = published(result)
    loaded = LoadedVersion.of(version, result.weights)
    expected = loaded.predict(X)
    np.testing.assert_allclose(loaded.model.predict(X), expected, rtol=1e-4, atol=1e-5)
    session = onnxruntime.InferenceSession(export(version, result.weights, "onnx").content)
    np.testing.assert_allclose(session.run(["output"], {"input": X})[0], expected, rtol=1e-4, atol=1e-5)
    with zipfile.ZipFile(io.BytesIO(export(version, result.weights, "python").content)) as archive:
        archive.extractall(tmp_path)
    predict = runpy.run_path(str(tmp_path / "predictor.py"))["predict"]
    np.testing.assert_allclose(predict(X.tolist()), expected, rtol=1e-4, atol=1e-5)
    assert export(version, result.weights, "safetensors").content == result.weights
    assert export(version, result.weights, "json").content


@every_recipe
def test_keras_gets_what_it_can_say_and_else_the_formats_that_can(name: str, classifies: bool) -> None:
    result = train(asked(name, classifies=classifies), TARGETS[classifies])
    version = published(result)
    if name == "RealMLP-TD-S":
        assert export(version, result.weights, "keras", result.optimizer).content
        return
    with pytest.raises(Invalid, match=r"it has no ColumnTransformer\. The formats onnx, python") as refused:
        export(version, result.weights, "keras")
    assert refused.value.findings[0].pointer == "#/spec/layers/0"


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"columns": [0], "layers": [{"class_name": "Dens", "units": 3}]}, "/layers/0/class_name", "Did you mean 'Dense'"),
    ({"columns": [0], "layers": ["scale", {"class_name": "Dense", "units": 0}]}, "/layers/1/units", "a number >= 1"),
    ({"columns": [0, "a"]}, "/columns/1", "an integer"),
    ({"columns": [-1]}, "/columns/0", "a number >= 0"),
    ({"layers": []}, "/columns", "missing"),
    ({"columns": [0], "layer": []}, "/layer", "Did you mean 'layers'"),
]


@pytest.mark.parametrize(("part", "place", "said"), MISTAKES)
def test_a_mistake_in_a_layer_of_a_group_is_told_at_its_place(part: dict[str, Any], place: str, said: str) -> None:
    document = asked("TabM-mini", classifies=True)
    document["spec"]["layers"][0]["transformers"].append(part)
    with pytest.raises(ValidationError) as refused:
        TrainingRequest.from_json_dict(document)
    findings = Findings()
    report(refused.value, document, TrainingRequest, findings)
    with pytest.raises(Invalid) as told:
        findings.raise_errors()
    (finding,) = told.value.findings
    assert finding.pointer == f"#/spec/layers/0/transformers/1{place}"
    assert said in finding.detail


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([{"class_name": "ColumnTransformer", "transformers": [{"columns": [8]}]}], "columns below 8"),
        ([{"class_name": "EnsembleScale", "chunks": [1, 2]}], "a list with the sum 8"),
        ([{"class_name": "EnsembleDense", "units": 2}], "such as EnsembleScale makes"),
        ([{"class_name": "PiecewiseLinearEmbedding", "bin_boundaries": [[0, 1]]}], "a list for each of 8 features"),
    ],
)
def test_layers_that_do_not_fit_the_columns_say_why(layers: list[dict[str, Any]], said: str) -> None:
    spec = ModelSpec.model_validate({"layers": [*layers, {"class_name": "Dense", "units": 1}]})
    with pytest.raises(ValueError, match=said):
        spec.build(8)


def test_the_page_about_recipes_shows_what_is_tested_here() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/recipes.md").read_text(encoding="utf-8")
    shown = [json.loads(part.partition("```")[0]) for part in page.split("```json\n")[1:]]
    assert shown == [
        recipes.realmlp_td_s(3, classifies=True),
        recipes.realmlp_td(1, classifies=False, numbers=NUMBERS, one_hot=ONE_HOT, codes={7: 13}),
        recipes.tabm_mini(3, classifies=True, chunks=[16, 16, 16, 4], numbers=NUMBERS),
    ]
    for request in shown:
        TrainingRequest.from_json_dict(request)
