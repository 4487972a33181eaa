"""scikit-learn's face, judged by scikit-learn."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fitd.sklearn import FitdClassifier, FitdRegressor
from tests.e2e.server import Server

SOFTMAX = [
    {"class_name": "Dense", "units": 16, "activation": "relu"},
    {"class_name": "Dense", "units": 3, "activation": "softmax"},
]
ALLOWED = {"check_sample_weight_equivalence_on_dense_data": "batches and held-out rows are not those of repeated rows"}


@pytest.fixture(autouse=True)
def _at(service: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_URL", service.url)
    monkeypatch.setenv("FITD_API_KEY", "fitd_secret")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [FitdClassifier, FitdRegressor])
def test_the_checks_of_scikit_learn_pass(kind: Any) -> None:
    results = check_estimator(kind(preset="plain"), expected_failed_checks=ALLOWED, on_skip=None)
    assert {one["check_name"] for one in results if one["status"] == "xfail"} <= set(ALLOWED)
    assert sum(one["status"] == "passed" for one in results) > 50


def test_weights_count_as_repetitions_in_one_whole_batch() -> None:
    x, y = load_iris(return_X_y=True)
    weights = np.random.default_rng(0).integers(0, 4, len(x))

    def made() -> FitdClassifier:
        return FitdClassifier(layers=SOFTMAX, validation_split=0, batch_size=1000, epochs=50, random_state=3)

    weighted = made().fit(x, y, sample_weight=weights)
    repeated = made().fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.predict_proba(x), repeated.predict_proba(x), atol=1e-6)


def test_it_works_in_pipelines_searches_and_cross_validation() -> None:
    x, y = load_iris(return_X_y=True)
    names = np.asarray(["setosa", "versicolor", "virginica"])[y]
    pipeline = make_pipeline(StandardScaler(), FitdClassifier(preset="plain", random_state=1))
    assert cross_val_score(pipeline, x, names, cv=3).mean() > 0.9
    search = GridSearchCV(FitdClassifier(preset="plain", random_state=1), {"epochs": [1, 30]}, cv=3).fit(x, names)
    assert search.best_params_ == {"epochs": 30}
    assert set(search.predict(x)) == set(names)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_with_texts_and_gaps_need_no_pipeline(library: str) -> None:
    import polars as pl

    rng = np.random.default_rng(1)
    island = np.asarray(["a", "b", None] * 50, object)
    length = rng.normal(size=150)
    target = np.where(island == "a", "left", "right")
    length[::7] = np.nan
    values = {"island": island.tolist(), "length": length}
    frame = pd.DataFrame(values) if library == "pandas" else pl.DataFrame(values)
    classifier = FitdClassifier(preset="plain", random_state=1).fit(frame, target)
    assert classifier.score(frame, target) > 0.95
    assert list(classifier.feature_names_in_) == ["island", "length"]
    regressor = FitdRegressor(preset="plain", random_state=1).fit(frame, np.where(target == "left", 100.0, 300.0))
    assert regressor.score(frame, np.where(target == "left", 100.0, 300.0)) > 0.9


def test_partial_fit_goes_on_from_the_version_so_far() -> None:
    x, y = load_iris(return_X_y=True)
    estimator = FitdClassifier(
        layers=SOFTMAX, optimizer={"class_name": "Adam", "learning_rate": 0.01}, batch_size=8, random_state=2
    )
    estimator.partial_fit(x[:100], y[:100], classes=[0, 1, 2])
    first = estimator.score(x, y)
    for _ in range(20):
        estimator.partial_fit(x, y)
    assert estimator.version_ == 21
    assert estimator.score(x, y) > max(first, 0.85)


def test_a_pickle_holds_neither_connection_nor_key() -> None:
    x, y = load_iris(return_X_y=True)
    estimator = FitdClassifier(preset="plain", random_state=1).fit(x, y)
    content = pickle.dumps(estimator)
    assert b"secret" not in content
    np.testing.assert_array_equal(pickle.loads(content).predict(x), estimator.predict(x))
    estimator.delete()
