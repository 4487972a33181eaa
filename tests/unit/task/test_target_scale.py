"""Targets in natural units: scaled for the training, and back in everything that is reported."""

from typing import Any

import numpy as np
import pytest

from service.data.datasets import Dataset
from service.errors import Findings
from service.prediction import LoadedVersion
from service.spec import TrainingRequest
from service.task.start import Start
from service.task.target_scale import TargetScale
from service.training import train
from service.versions import NewVersion, Version

RNG = np.random.default_rng(8)
X = RNG.normal(size=(400, 3)).astype(np.float32)
PRICES = (20_000 + 7_000 * np.tanh(X[:, 0]) + 900 * RNG.normal(size=400)).astype(np.float32)
LAYERS = [{"class_name": "Dense", "units": 16, "activation": "tanh"}, {"class_name": "Dense", "units": 1}]


def asked(transform: str | None, **fit: Any) -> TrainingRequest:
    data = {} if transform is None else {"data": {"target": {"transform": transform}}}
    return TrainingRequest.model_validate(
        {
            "spec": {"layers": LAYERS},
            "compile": {
                "optimizer": {"class_name": "Adam", "learning_rate": 0.02},
                "loss": "mse",
                "metrics": ["mae", "mape", "R2Score", "RootMeanSquaredError"],
            },
            "fit": {"epochs": 30, "seed": 3, **fit},
        }
        | data
    )


def loaded(version: NewVersion) -> LoadedVersion:
    return LoadedVersion(version, version.weights)


def test_a_standardized_target_is_trained_as_one_that_the_caller_standardized() -> None:
    scaled = (PRICES.astype(np.float64) - PRICES.astype(np.float64).mean()) / PRICES.astype(np.float64).std()
    by_hand = train(asked(None), Dataset(X, scaled.astype(np.float32)))
    version = train(asked("standardize"), Dataset(X, PRICES))
    assert version.weights == by_hand.weights
    assert version.history["loss"] == by_hand.history["loss"]
    predictions = loaded(by_hand).predict(X).astype(np.float64) * PRICES.astype(np.float64).std() + PRICES.mean()
    np.testing.assert_allclose(loaded(version).predict(X), predictions, rtol=2e-6)


def test_metrics_and_reports_are_in_the_units_of_the_data() -> None:
    dataset = Dataset(X, PRICES, validation=Dataset(X[:90], PRICES[:90]), test=Dataset(X[:90], PRICES[:90]))
    version = train(asked("standardize"), dataset)
    predictions = loaded(version).predict(X[:90])[:, 0].astype(np.float64)
    errors = np.abs(predictions - PRICES[:90])
    assert version.metrics["test_mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert version.metrics["val_mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert version.metrics["val_mape"] == pytest.approx(100 * (errors / PRICES[:90]).mean(), rel=1e-4)
    assert version.evaluation is not None
    (report,) = version.evaluation["report"]["outputs"]
    assert report["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    assert report["r2"] == pytest.approx(version.metrics["test_R2Score"], rel=1e-4)
    assert report["r2"] > 0.9
    found = loaded(version).evaluate(Dataset(X[:90], PRICES[:90]), Findings())
    assert found.metrics == {
        name.removeprefix("test_"): version.metrics[name] for name in version.metrics if "test_" in name
    }


def test_a_logarithm_is_learnt_and_undone() -> None:
    skewed = np.exp(2 + 1.5 * X[:, 1] + 0.05 * RNG.normal(size=400)).astype(np.float32)
    version = train(asked("log", epochs=60), Dataset(X, skewed))
    predictions = loaded(version).predict(X)[:, 0]
    assert (predictions > 0).all()
    assert np.corrcoef(np.log(predictions), np.log(skewed))[0, 1] > 0.99
    logs = np.log(skewed.astype(np.float64))
    assert version.output["transform"] == [
        {"transform": "log", "offset": pytest.approx(logs.mean()), "scale": pytest.approx(logs.std())}
    ]


def test_rows_that_are_held_out_have_no_part_in_the_scale() -> None:
    y = PRICES.copy()
    y[200:] *= 100
    version = train(asked("standardize", validation_split=0.5, epochs=1), Dataset(X, y))
    assert version.output["transform"][0]["offset"] == pytest.approx(y[:200].mean(), rel=1e-6)


def test_each_of_several_targets_has_a_scale_of_its_own_and_a_constant_one_is_not_divided_by_zero() -> None:
    y = np.stack([PRICES, PRICES / 1e6, np.full(400, 7.0)], axis=1)
    scale = TargetScale.learn(y, ["standardize", "none", "standardize"])
    assert scale.scales[1:] == (1.0, 1.0)
    np.testing.assert_allclose(scale.offsets, [y[:, 0].mean(), 0.0, 7.0])
    assert TargetScale.from_json(scale.to_json()) == scale
    np.testing.assert_allclose(scale.in_units(scale.scaled(y)), y, rtol=1e-5)


def test_a_training_that_goes_on_keeps_the_scale() -> None:
    first = train(asked("standardize"), Dataset(X, PRICES))
    known = {key: getattr(first, key) for key in Version.__dataclass_fields__ if hasattr(first, key)}
    stored = Version(**known, id="v", model="m", number=1, job_id=None, size_bytes=1, created_at=None)  # type: ignore[arg-type]
    start = Start.of(stored, first.weights, first.optimizer)
    request = asked(None, epochs=2).model_copy(update={"from_": None})
    further = train(request, Dataset(X, PRICES * 2), start=start)
    assert further.output["transform"] == first.output["transform"]
