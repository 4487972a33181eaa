"""Metrics: special cases that the recorded numbers of Keras do not hold."""

import numpy as np
import pytest

from service import nn
from service.nn.callbacks.callback import is_better_when_larger
from tests.support.networks import rows


def test_metrics_of_shares_understand_class_indices() -> None:
    shares, indices = np.abs(rows(12, 3)), np.arange(12) % 3
    expected = nn.metrics.CategoricalAccuracy()(np.eye(3)[indices], shares)
    for given in (indices, indices[:, None]):
        assert nn.metrics.CategoricalAccuracy()(given, shares) == expected
    assert nn.metrics.MeanSquaredError()(np.ones(4), np.zeros((4, 1))) == 1.0


def test_ignored_classes_weigh_nothing_in_a_weighted_metric_and_are_zeros_in_one_without_weights() -> None:
    shares, indices = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([0, 1])
    for weights, expected in ((None, -np.log(0.9) / 2), (np.ones(2), -np.log(0.9))):
        metric = nn.metrics.SparseCategoricalCrossentropy(ignore_class=0)
        metric.update_state(indices, shares, weights)
        assert metric.result() == pytest.approx(expected, rel=1e-6)


def test_the_best_of_a_row_are_chosen_before_the_threshold_is_applied() -> None:
    y, p = np.array([[1, 1, 1]]), np.array([[0.3, 0.9, 0.6]])
    assert nn.metrics.Recall(top_k=2)(y, p) == pytest.approx(2 / 3)
    assert nn.metrics.Recall(thresholds=0.7, top_k=2)(y, p) == pytest.approx(1 / 3)


def test_sorted_ids_are_looked_up_among_the_first_k() -> None:
    metric = nn.metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    assert metric(np.array([3, 1]), np.array([[4, 3, 1], [4, 3, 1]])) == 0.5


@pytest.mark.parametrize("name", ["AUC", "R2Score", "Mean", "Precision", "MeanSquaredError"])
def test_a_metric_that_has_seen_nothing_is_zero(name: str) -> None:
    assert getattr(nn.metrics, name)().result() == 0.0


def test_mean_and_sum_make_one_number_of_each_row() -> None:
    matrix = np.array([[1.0, 3.0], [5.0, 7.0]])
    assert nn.metrics.Mean()(matrix) == 4.0
    assert nn.metrics.Mean()(matrix, sample_weight=[0.0, 1.0]) == 6.0
    assert nn.metrics.Sum()(matrix) == 16.0
    assert nn.metrics.Sum()(matrix, sample_weight=[0.0, 1.0]) == 12.0
    mean = nn.metrics.Mean()
    mean.update_state(matrix)
    assert mean(10.0) == 6.0


def test_a_metric_by_its_short_name_is_better_when_smaller() -> None:
    assert not is_better_when_larger("mse", "auto", {"mse": nn.metrics.Mean(name="mse")})
