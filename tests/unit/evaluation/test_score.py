"""Scores and probabilities, compared with scikit-learn."""

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, mean_absolute_error, mean_squared_error, r2_score

from service.data.datasets import Dataset
from service.evaluation.probabilities import probability_report
from service.spec import TrainingRequest
from service.training import train
from service.versions import NewVersion

RNG = np.random.default_rng(11)
X = RNG.normal(size=(600, 4)).astype(np.float32)
PRICES = (5_000 + 900 * X[:, 0] + 300 * RNG.normal(size=600)).astype(np.float32)
KINDS = np.where(X[:, 0] + 0.5 * RNG.normal(size=600) > 0.3, 2, (X[:, 1] > 0).astype(int)).astype(np.int32)


def trained(units: int, activation: str, loss: str, y: Any, *, test: int = 150, **fit: Any) -> NewVersion:
    asked: dict[str, Any] = {
        "spec": {"layers": [{"class_name": "Dense", "units": 8, "activation": "relu"},
                            {"class_name": "Dense", "units": units, "activation": activation}]},
        "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.02}, "loss": loss},
        "fit": {"epochs": 15, "seed": 2, **fit},
    }  # fmt: skip
    if loss == "mse":
        asked["data"] = {"target": [{"transform": "standardize"}] * (1 if y.ndim == 1 else y.shape[1])}
    held = Dataset(X[:test], y[:test]) if test else None
    return train(TrainingRequest.model_validate(asked), Dataset(X[test:], y[test:], test=held))


def predicted(version: NewVersion) -> Any:
    from service.prediction import LoadedVersion

    return LoadedVersion(version, version.weights).predict(X[:150]).astype(np.float64)


def test_a_regression_is_scored_beside_the_mean_and_the_median_of_the_training_rows() -> None:
    version = trained(1, "linear", "mse", PRICES)
    score, p, y = version.score, predicted(version)[:, 0], PRICES[:150].astype(np.float64)
    assert score is not None
    assert (score["part"], score["metric"], score["rows"], score["higher_is_better"]) == ("test", "rmse", 150, False)
    assert score["value"] == pytest.approx(mean_squared_error(y, p) ** 0.5, rel=1e-6)
    assert score["metrics"]["mae"] == pytest.approx(mean_absolute_error(y, p), rel=1e-6)
    assert score["metrics"]["r2"] == pytest.approx(r2_score(y, p), rel=1e-6)
    mean, median = np.full(150, PRICES[150:].mean(dtype=np.float64)), np.full(150, np.median(PRICES[150:]))
    assert score["baseline"] == pytest.approx(mean_squared_error(y, mean) ** 0.5, rel=1e-6)
    assert score["baseline_metrics"]["mae"] == pytest.approx(mean_absolute_error(y, median), rel=1e-6)
    assert score["skill"] == pytest.approx(1 - score["value"] / score["baseline"])
    assert score["skill"] > 0.5


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [(3, "softmax", "sparse_categorical_crossentropy"), (1, "sigmoid", "binary_crossentropy")],
)
def test_classes_are_scored_beside_their_shares_in_the_training_rows(units: int, activation: str, loss: str) -> None:
    y = KINDS if units == 3 else (KINDS == 2).astype(np.int32)
    version = trained(units, activation, loss, y)
    score, p, truth = version.score, predicted(version), y[:150]
    assert score is not None
    p = p / p.sum(axis=1, keepdims=True) if units == 3 else np.concatenate([1 - p, p], axis=1)
    labels = list(range(p.shape[1]))
    assert score["value"] == pytest.approx(log_loss(truth, p, labels=labels), abs=1e-6)
    assert score["metrics"]["accuracy"] == (p.argmax(axis=1) == truth).mean()
    shares = np.bincount(y[150:], minlength=p.shape[1]) / 450
    constant = np.broadcast_to(shares, p.shape)
    assert score["baseline"] == pytest.approx(log_loss(truth, constant, labels=labels), abs=1e-6)
    if units == 1:
        assert score["metrics"]["brier"] == pytest.approx(brier_score_loss(truth, p[:, 1]), abs=1e-6)
    else:
        assert score["metrics"]["brier"] == pytest.approx(brier_score_loss(truth, p, labels=labels), abs=1e-6)
    assert version.evaluation is not None
    assert version.evaluation["report"]["log_loss"] == pytest.approx(score["value"])
    assert score["skill"] > 0.2


def test_reliability_bins_are_those_of_scikit_learn() -> None:
    p = RNG.uniform(0.001, 0.999, 400)
    truth = (RNG.uniform(size=400) < p**2).astype(int)
    made = probability_report(np.stack([1 - p, p], axis=1), truth)
    share, confidence = calibration_curve(truth, p, n_bins=10)
    np.testing.assert_allclose([one["share"] for one in made["reliability"]], share, atol=1e-12)
    np.testing.assert_allclose([one["confidence"] for one in made["reliability"]], confidence, atol=1e-12)
    rows = np.array([one["rows"] for one in made["reliability"]])
    expected = (rows * np.abs(share - confidence)).sum() / 400
    assert made["expected_calibration_error"] == pytest.approx(expected, abs=1e-12)


def test_a_validation_part_is_scored_where_there_is_no_test_and_nothing_where_nothing_is_held_out() -> None:
    split = trained(1, "linear", "mse", PRICES, test=0, validation_split=0.25).score
    assert split is not None
    assert (split["part"], split["rows"]) == ("validation", 150)
    assert trained(1, "linear", "mse", PRICES, test=0).score is None


def test_several_targets_in_different_units_count_alike() -> None:
    y = np.stack([PRICES, PRICES / 1e6], axis=1)
    score = trained(2, "linear", "mse", y).score
    assert score is not None
    assert score["metric"] == "normalized_rmse"
    assert score["baseline"] == pytest.approx(1, abs=0.2)
