"""Thresholds, compared with every threshold that scikit-learn could be asked about."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef

from service.evaluation.thresholds import best
from service.spec.certainty import ThresholdSpec

RNG = np.random.default_rng(12)
Y = RNG.random(300) < 0.15
P = np.clip(0.15 + 0.25 * Y + 0.12 * RNG.normal(size=300), 0, 1).round(2)

AUTHORITIES: dict[str, Any] = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": f1_score,
    "matthews_correlation": matthews_corrcoef,
}
ALL = np.append(-0.001, np.unique(P))


@pytest.mark.parametrize("metric", AUTHORITIES)
def test_no_threshold_has_a_better_metric(metric: str) -> None:
    found = best(P, Y, ThresholdSpec(metric=metric))  # type: ignore[arg-type]
    highest = max(AUTHORITIES[metric](Y, threshold < P) for threshold in ALL)
    assert AUTHORITIES[metric](Y, found < P) == pytest.approx(highest, abs=1e-12)


@pytest.mark.parametrize(("false_positive", "false_negative"), [(1.0, 1.0), (1.0, 5.0), (4.0, 1.0)])
def test_no_threshold_costs_less(false_positive: float, false_negative: float) -> None:
    asked = ThresholdSpec.model_validate({"cost": {"false_positive": false_positive, "false_negative": false_negative}})

    def cost(threshold: float) -> float:
        return float(false_positive * ((threshold < P) & ~Y).sum() + false_negative * ((threshold >= P) & Y).sum())

    assert cost(best(P, Y, asked)) == min(map(cost, ALL))


def test_of_thresholds_that_do_as_well_the_middle_of_the_range_nearest_to_a_half_is_taken() -> None:
    p, y = np.array([0.1, 0.2, 0.4, 0.9]), np.array([False, False, True, True])
    assert best(p, y, ThresholdSpec(metric="f1")) == pytest.approx(0.3)
