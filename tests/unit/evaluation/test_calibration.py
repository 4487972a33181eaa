"""Temperatures, compared with scikit-learn's, and what they are kept for."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from service.data.datasets import Dataset
from service.evaluation import Calibration, HeldOut
from service.evaluation.calibration import HOTTEST, _losses, fitted
from service.nn import Input, Sequential, layers
from service.prediction import LoadedVersion
from service.spec import CompileSpec, TrainingRequest
from service.task import AskedLoss, OutputMeaning, Task
from service.task.calibration import Temperature
from service.training import train
from service.versions import NewVersion

RNG = np.random.default_rng(4)


def task_of(units: int, activation: str | None, loss: Any) -> Task:
    model = Sequential([Input((2,)), layers.Dense(units, activation)])
    meaning = OutputMeaning.of(model, AskedLoss.of(CompileSpec.model_validate({"loss": loss})))
    return Task.of(np.zeros(4, np.int32), meaning)


def drawn(rows: int, sureness: float, rng: np.random.Generator = RNG) -> tuple[Any, Any]:
    """Logits that are too large by a factor, and classes that come as the logits without it say."""
    z = rng.normal(size=(rows, 3)) * 1.5
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return z * sureness, (rng.random((rows, 1)) > p.cumsum(1)).sum(1).clip(0, 2)


class Decided(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gives the logits that it is asked about."""

    def fit(self, _x: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x: Any) -> Any:
        return x

    def predict(self, x: Any) -> Any:
        return x.argmax(axis=1)


@pytest.mark.parametrize("sureness", [0.5, 1.0, 2.5])
def test_without_smoothing_the_temperature_is_that_of_scikit_learn(sureness: float) -> None:
    z, y = drawn(2000, sureness)
    theirs = CalibratedClassifierCV(FrozenEstimator(Decided().fit(z, y)), method="temperature").fit(z, y)
    (calibrated,) = theirs.calibrated_classifiers_
    found = fitted(_losses(task_of(3, None, "sparse_categorical_crossentropy"), z, y.astype(np.int32)), smoothing=0)
    assert found == pytest.approx(1 / calibrated.calibrators[0].beta_, rel=1e-4)
    assert found == pytest.approx(sureness, rel=0.1)


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (3, "softmax", "sparse_categorical_crossentropy"),
        (3, None, {"class_name": "SparseCategoricalCrossentropy", "from_logits": True}),
        (1, "sigmoid", "binary_crossentropy"),
        (1, None, {"class_name": "BinaryCrossentropy", "from_logits": True}),
    ],
)
def test_probabilities_that_are_too_sure_are_calibrated_whatever_their_form(
    units: int, activation: str | None, loss: Any
) -> None:
    if units == 3:
        z, y = drawn(4000, 3.0)
        outputs = np.exp(z) / np.exp(z).sum(1, keepdims=True) if activation else z
    else:
        z = 4.5 * RNG.normal(size=(4000, 1))
        y = (RNG.random(4000) < 1 / (1 + np.exp(-z[:, 0] / 3))).astype(int)
        outputs = 1 / (1 + np.exp(-z)) if activation else z
    held = HeldOut("validation", Dataset(np.zeros((4000, 1), np.float32), y.astype(np.int32)), outputs.astype("f"))
    found = Calibration.learn(task_of(units, activation, loss), held)
    assert found is not None
    assert found.temperature == pytest.approx(3.0, rel=0.15)
    assert found.log_loss_after < 0.8 * found.log_loss_before


@pytest.mark.parametrize("rows", [20, 60, 300])
def test_rows_that_are_all_right_do_not_make_probabilities_reckless(rows: int) -> None:
    y = np.arange(rows) % 3
    p = np.full((rows, 3), 0.04)
    p[np.arange(rows), y] = 0.92
    held = HeldOut("validation", Dataset(np.zeros((rows, 1), np.float32), y.astype(np.int32)), p)
    found = Calibration.learn(task_of(3, "softmax", "sparse_categorical_crossentropy"), held)
    assert found is not None
    assert 1 / HOTTEST <= found.temperature <= 1
    assert found.temperature > (0.8 if rows == 20 else 0.2)


def test_on_the_whole_calibration_does_no_harm() -> None:
    """Of 60 held-out rows each, whose probabilities are right as they are; measured on rows that nobody has seen."""
    task, worse = task_of(3, "softmax", "sparse_categorical_crossentropy"), []
    rng = np.random.default_rng(9)
    for _ in range(30):
        z, y = drawn(60, 1.0, rng)
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        found = Calibration.learn(task, HeldOut("validation", Dataset(np.zeros((60, 1), "f"), y.astype("i4")), p))
        assert found is not None
        z, y = drawn(2000, 1.0, rng)
        both = [np.exp(z / t) / np.exp(z / t).sum(1, keepdims=True) for t in (1.0, found.temperature)]
        worse.append(log_loss(y, both[1]) - log_loss(y, both[0]))
    assert max(worse) < 0.03
    assert np.mean(worse) < 0.005


def test_few_rows_have_no_temperature() -> None:
    y, p = np.zeros(19, np.int32), np.full((19, 3), 1 / 3)
    held = HeldOut("validation", Dataset(np.zeros((19, 1), np.float32), y), p)
    assert Calibration.learn(task_of(3, "softmax", "sparse_categorical_crossentropy"), held) is None


def overfitted(**changes: Any) -> tuple[NewVersion, Any, Any]:
    """A training that is too sure of noisy labels; its test part."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 8)).astype(np.float32)
    y = np.where(rng.random(600) < 0.3, rng.integers(0, 3, 600), (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5))
    asked: dict[str, Any] = {
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 64, "activation": "relu"},
                {"class_name": "Dense", "units": 3, "activation": "softmax"},
            ]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.01},
            "loss": "sparse_categorical_crossentropy",
        },
        "fit": {"epochs": 60, "seed": 1, "validation_split": 0.4},
        "calibrate": True,
        **changes,
    }
    test = Dataset(x[400:], y[400:].astype(np.int32))
    version = train(TrainingRequest.model_validate(asked), Dataset(x[:400], y[:400].astype(np.int32), test=test))
    return version, x[400:], y[400:]


def test_a_training_that_is_too_sure_is_served_calibrated_and_measured_as_it_is_served() -> None:
    version, x, y = overfitted()
    calibration = version.output["calibration"]
    assert (calibration["part"], calibration["rows"]) == ("validation", 160)
    assert calibration["temperature"] > 1.5
    plain, _, _ = overfitted(calibrate=False)
    assert plain.weights == version.weights
    assert "calibration" not in plain.output
    before, after = (LoadedVersion(one, one.weights).predict(x).astype(float) for one in (plain, version))
    raised = before ** (1 / calibration["temperature"])
    np.testing.assert_allclose(after, raised / raised.sum(1, keepdims=True), rtol=1e-4, atol=1e-7)
    assert version.score is not None
    assert plain.score is not None
    assert version.score["value"] == pytest.approx(log_loss(y, after / after.sum(1, keepdims=True)), rel=1e-5)
    assert version.score["value"] < 0.8 * plain.score["value"]
    assert version.score["metrics"]["accuracy"] == plain.score["metrics"]["accuracy"]
    assert version.evaluation is not None
    assert version.evaluation["report"]["log_loss"] == pytest.approx(version.score["value"])


def test_members_are_calibrated_as_their_mean() -> None:
    layers = [
        {"class_name": "EnsembleScale", "members": 3},
        {"class_name": "Dense", "units": 64, "activation": "relu"},
        {"class_name": "EnsembleDense", "units": 3, "activation": "softmax"},
    ]
    version, x, y = overfitted(spec={"layers": layers})
    plain, _, _ = overfitted(spec={"layers": layers}, calibrate=False)
    temperature = version.output["calibration"]["temperature"]
    assert temperature > 1.2
    before, after = (LoadedVersion(one, one.weights).predict(x).astype(float) for one in (plain, version))
    raised = before ** (1 / temperature)
    np.testing.assert_allclose(after, raised / raised.sum(1, keepdims=True), rtol=1e-4, atol=1e-7)
    assert version.score is not None
    assert version.score["value"] == pytest.approx(log_loss(y, after / after.sum(1, keepdims=True)), rel=1e-5)


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Dense(4, "relu"), layers.Dense(3, "softmax")],
        [layers.Dense(3, parametrization="ntk"), layers.Dropout(0.5), layers.Softmax()],
        [layers.Dense(3), layers.Activation("sigmoid")],
        [layers.Dense(3, "sigmoid"), layers.Identity()],
        [layers.EnsembleScale(3), layers.EnsembleDense(3, "softmax")],
        [layers.Dense(3), layers.Softmax(), layers.Softmax()],
    ],
)
def test_a_network_at_a_temperature_has_its_logits_divided(stack: Any) -> None:
    model = Sequential([Input((5,)), *stack])
    model.set_weights([RNG.normal(size=weight.shape) for weight in model.weights])
    x = RNG.normal(size=(7, 5)).astype(np.float32)
    p = model.predict(x, verbose=0).astype(float)
    made = Temperature(2.5).applied(model).predict(x, verbose=0)
    if stack[-1].output_activation == "sigmoid" or isinstance(stack[-1], layers.Identity):
        expected = 1 / (1 + ((1 - p) / p) ** (1 / 2.5))
    else:
        expected = p ** (1 / 2.5) / (p ** (1 / 2.5)).sum(1, keepdims=True)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), p, rtol=1e-6)
