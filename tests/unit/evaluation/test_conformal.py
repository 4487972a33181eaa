"""Intervals and sets, compared with MAPIE 1.6 and crepes 0.9, and with what they promise."""

import json
from typing import Any

import numpy as np
import pytest

from service.data.datasets import Dataset
from service.evaluation import Conformity
from service.evaluation.conformal import MOST_SCORES, kept_ranks
from service.prediction import LoadedVersion
from service.spec import TrainingRequest
from service.training import train
from tests.unit.evaluation.record_conformal import PLACE, cases

RECORDED = json.loads(PLACE.read_text())


def of_numbers(scores: Any, form: Any = "absolute") -> Conformity:
    ranked = np.sort(np.asarray(scores, float))[kept_ranks(len(scores), 1) - 1]
    return Conformity("validation", len(scores), (form,), (tuple(ranked.tolist()),))


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['rows']}-{case['level']}")
def test_intervals_and_sets_are_those_of_mapie_and_crepes(case: Any) -> None:
    y, guess, new, truth, p, new_p = cases(case["rows"])
    intervals = of_numbers(np.abs(y - guess)).intervals(new[:, None], case["level"])[:, 0]
    np.testing.assert_allclose(intervals, case["mapie"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(intervals, case["crepes"], rtol=0, atol=1e-6)
    classes = of_numbers(1 - p[np.arange(len(p)), truth], "classes")
    assert classes.sets(new_p, case["level"]).tolist() == case["sets"]


@pytest.mark.parametrize("rows", [1000, 1001, 5000, 123_457])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_of_many_rows_a_thousand_scores_give_the_same_interval(rows: int, level: float) -> None:
    scores = np.random.default_rng(rows).exponential(size=rows)
    kept = of_numbers(scores)
    rank = -(-round(level * 1000) * (rows + 1) // 1000)
    assert len(kept.scores[0]) <= MOST_SCORES
    assert kept.bounds(level)[0] == np.sort(scores)[rank - 1]
    assert kept.bounds(level + 1e-4 * (level < 0.999))[0] >= np.sort(scores)[rank - 1]


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered, contained = [], []
    for _ in range(200):
        truth = rng.standard_t(3, 400)
        guess = truth + rng.exponential(size=400) * rng.normal(size=400)
        ends = of_numbers(np.abs(truth[:200] - guess[:200])).intervals(guess[200:, None], 0.9)[:, 0]
        covered.append(((ends[:, 0] <= truth[200:]) & (truth[200:] <= ends[:, 1])).mean())
        p = rng.dirichlet([0.4, 0.4, 0.4], 400)
        sides = (rng.random((400, 1)) > p.cumsum(1)).sum(1)
        wrong = p**2 / (p**2).sum(1, keepdims=True)  # surer than it should be
        sets = of_numbers(1 - wrong[np.arange(200), sides[:200]], "classes").sets(wrong[200:], 0.9)
        contained.append(sets[np.arange(200), sides[200:]].mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.02)
    assert np.mean(contained) == pytest.approx(0.9, abs=0.02)


def test_a_trained_version_covers_new_rows() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 3)).astype(np.float32)
    y = (1000 + 80 * x[:, 0] + 20 * rng.normal(size=3000)).astype(np.float32)
    asked = {
        "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
        "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.05}, "loss": "mse"},
        "fit": {"epochs": 10, "seed": 1, "validation_split": 0.5},
        "data": {"target": [{"transform": "standardize"}]},
    }
    version = train(TrainingRequest.model_validate(asked), Dataset(x[:2000], y[:2000]))
    loaded = LoadedVersion(version, version.weights)
    assert loaded.conformity is not None
    assert (loaded.conformity.part, loaded.conformity.rows) == ("validation", 1000)
    predictions = loaded.predict(x)
    residuals = np.sort(np.abs(y[1000:2000] - predictions[1000:2000, 0].astype(float)))
    ends = loaded.conformity.intervals(predictions[2000:], 0.9)[:, 0]
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 2 * residuals[900], rtol=1e-5)  # the 901st, of 1001 * 0.9
    assert ((ends[:, 0] <= y[2000:]) & (y[2000:] <= ends[:, 1])).mean() == pytest.approx(0.9, abs=0.03)


def test_logarithms_make_intervals_that_grow_with_the_prediction_and_stay_positive() -> None:
    ends = of_numbers(np.log([1.1, 1.2, 1.5, 2.0]), "log").intervals(np.array([[10.0], [1000.0]]), 0.8)
    np.testing.assert_allclose(ends, [[[5.0, 20.0]], [[500.0, 2000.0]]])
