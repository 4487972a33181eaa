"""Metrics: special cases that the recorded numbers of Keras do not hold."""

from typing import Any

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


def test_weights_are_one_for_all_one_for_each_row_or_one_for_each_output() -> None:
    """Numbers of Keras 3.15.1."""
    y, p = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[0.9, 0.6], [0.2, 0.7], [0.4, 0.1]])
    binary = nn.metrics.BinaryAccuracy
    assert binary()(y, p, 2.0) == pytest.approx(2 / 3)
    assert binary()(y, p, [1, 2, 3]) == pytest.approx(0.75)
    assert binary()(y, p, [[1, 0], [2, 1], [0, 5]]) == pytest.approx(7 / 9)
    assert nn.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4], [1, 1, 0, 0]) == 0.5
    assert nn.metrics.RootMeanSquaredError()([2, 4, 6], [1, 3, 2], [1, 1, 0]) == pytest.approx(1.0)
    assert nn.metrics.Precision()([0, 1, 1], [1.0, 1.0, 0.0], [2, 1, 1]) == pytest.approx(1 / 3)
    with pytest.raises(nn.ArgumentError, match="sample_weight"):
        binary()(y, p, [1, 2])


def test_the_area_of_whole_predictions_is_theirs() -> None:
    assert nn.metrics.AUC()([0, 1, 0, 1], np.array([0, 1, 0, 1])) == pytest.approx(1.0)
    assert nn.metrics.AUC(multi_label=True)(np.eye(2), np.eye(2, dtype=int)) == pytest.approx(1.0)


def test_labels_weigh_in_the_area_without_multi_label() -> None:
    """The weighted ranks by scikit-learn: roc_auc_score(y, p, sample_weight=[1, 3, 1, 3])."""
    y, p = np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.6], [0.4, 0.8]])
    area = nn.metrics.AUC(label_weights=[1, 3], num_thresholds=1000)
    assert area(y, p) == pytest.approx(0.25, abs=2e-3)


def test_a_score_of_each_output_is_adjusted_for_the_regressors() -> None:
    y, p = np.array([[1.0, 5], [2, 4], [3, 6], [4, 2]]), np.array([[1.1, 5], [2, 3], [2.5, 6], [4, 2]])
    plain = nn.metrics.R2Score(class_aggregation=None)(y, p)
    adjusted = nn.metrics.R2Score(class_aggregation=None, num_regressors=1)(y, p)
    np.testing.assert_allclose(adjusted, 1 - (1 - plain) * 7 / 6)  # Keras counts numbers, not rows


def test_functions_are_metrics_and_losses() -> None:
    def worst(y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_true - y_pred).max(axis=-1)

    x, y = rows(), np.ones((24, 1), np.float32)
    results = {}
    for loss, metrics in (
        (nn.losses.mean_squared_error, [nn.losses.mean_absolute_error, worst, nn.metrics.binary_accuracy]),
        ("mse", ["mean_absolute_error", nn.metrics.MeanAbsoluteError(name="worst"), "binary_accuracy"]),
    ):
        nn.utils.set_random_seed(3)
        model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(1)])
        model.compile("sgd", loss, metrics=metrics)
        results[str(loss)] = model.fit(x, y, batch_size=7).history
    first, second = results.values()
    assert list(first) == list(second)
    for name, value in first.items():
        assert value == pytest.approx(second[name], rel=1e-6)


def test_a_loss_without_a_gradient_is_refused_with_what_to_give() -> None:
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(1)])
    model.compile("sgd", lambda y_true, y_pred: y_pred)
    with pytest.raises(nn.ArgumentError, match="the gradient of a function is not known"):
        model.fit(rows(), np.ones(24))


def test_metrics_of_equal_names_are_counted_as_in_keras() -> None:
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(1, activation="sigmoid")])
    model.compile(
        "sgd", "mse", metrics=[nn.metrics.AUC(), nn.metrics.AUC(), "mae", "mae"], weighted_metrics=["mae"] * 2
    )
    history = model.fit(rows(), np.arange(24) % 2).history
    assert list(history) == ["loss", "auc", "auc_1", "mae", "mae_1", "weighted_mae", "weighted_mae_1"]


def test_a_vector_is_a_list_in_the_history_and_one_number_is_a_number() -> None:
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[nn.metrics.F1Score(), nn.metrics.Precision([0.2, 0.4, 0.6]), "recall"])
    history = model.fit(rows(), np.eye(2)[np.arange(24) % 2], validation_split=0.5).history
    for part in ("", "val_"):
        shapes = [np.shape(history[f"{part}{name}"]) for name in ("f1_score", "precision", "recall")]
        assert shapes == [(1, 2), (1, 3), (1,)]
