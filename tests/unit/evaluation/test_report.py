"""Evaluations say what scikit-learn says."""

import numpy as np
import pytest
from sklearn import metrics

from service.evaluation import importance, report
from service.nn.losses import Targets

RNG = np.random.default_rng(11)


def test_classes_are_measured_as_scikit_learn_does() -> None:
    truth = RNG.integers(0, 3, 400)
    logits = RNG.normal(size=(400, 3)) + 2 * np.eye(3)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for predictions, from_logits in ((scores, False), (logits, True)):
        found = report(predictions, truth, Targets.CLASS_INDICES, names=["a", "b", "c"], from_logits=from_logits)
        assert found["confusion_matrix"]["counts"] == metrics.confusion_matrix(truth, scores.argmax(1)).tolist()
        expected = metrics.precision_recall_fscore_support(truth, scores.argmax(1))
        for i, one in enumerate(found["classes"]):
            assert [one["precision"], one["recall"], one["f1"], one["rows"]] == pytest.approx(
                [row[i] for row in expected]
            )
            assert one["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth == i, scores[:, i]))
            assert one["average_precision"] == pytest.approx(metrics.average_precision_score(truth == i, scores[:, i]))
        assert [curve["class"] for curve in found["curves"]] == ["a", "b", "c"]
    one_hot = report(scores, np.eye(3)[truth], Targets.ONE_HOT, names=None, from_logits=False)
    assert one_hot["accuracy"] == found["accuracy"]


def test_classes_that_do_not_occur_are_no_part_of_the_mean() -> None:
    truth = np.array([1, 1, 2, 2, 2])
    scores = np.eye(5)[[1, 2, 2, 2, 4]]
    found = report(scores, truth, Targets.CLASS_INDICES, names=list("abcde"), from_logits=False)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(truth, scores.argmax(1), average="macro"))
    assert [one["rows"] for one in found["classes"]] == [0, 2, 3, 0, 0]


def test_a_confusion_matrix_too_large_to_read_is_left_out_and_all_else_is_as_it_was() -> None:
    truth = RNG.integers(0, 3, 50)
    for classes, told in ((1000, True), (1001, False)):
        scores = np.pad(RNG.random((50, 3)), ((0, 0), (0, classes - 3)))
        found = report(scores, truth, Targets.CLASS_INDICES, names=None, from_logits=False)
        assert (found["confusion_matrix"] is not None) is told
        expected = metrics.precision_recall_fscore_support(truth, scores.argmax(1), labels=range(3), zero_division=0)
        assert [one["rows"] for one in found["classes"][:3]] == expected[3].tolist()
        assert [one["f1"] or 0 for one in found["classes"][:3]] == pytest.approx(expected[2].tolist())


def test_two_classes_of_one_output_are_measured_alike() -> None:
    truth = RNG.integers(0, 2, 300)
    logits = RNG.normal(size=(300, 1)) + truth[:, None]
    scores = 1 / (1 + np.exp(-logits))
    y = truth[:, None].astype(float)
    for predictions, threshold in ((scores, 0.5), (logits, 0.0)):
        found = report(
            predictions, y, Targets.BINARY, names=["no", "yes"], from_logits=threshold == 0, threshold=threshold
        )
        assert found["classes"][1]["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, scores[:, 0]))
        assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, scores[:, 0] > 0.5))
    curve = found["curves"][0]["roc"]
    assert (curve["false_positive_rate"][-1], curve["true_positive_rate"][-1]) == (1, 1)


def test_scores_that_are_no_numbers_have_no_curve() -> None:
    truth = np.array([[0.0], [1.0], [0.0], [1.0]])
    found = report(np.array([[np.nan], [0.9], [0.2], [0.4]]), truth, Targets.BINARY, names=None, from_logits=False)
    assert {(one["roc_auc"], one["average_precision"]) for one in found["classes"]} == {(None, None)}
    assert found["macro_roc_auc"] is None
    assert found["curves"] == [{"class": "1", "roc": None, "precision_recall": None}]


def test_labels_that_go_together_are_measured_each() -> None:
    truth = RNG.random((100, 2)) < 0.4
    scores = np.clip(0.5 * truth + RNG.random((100, 2)) * 0.6, 0, 1)
    found = report(scores, truth.astype(float), Targets.BINARY, names=["x", "y"], from_logits=False)
    for i, one in enumerate(found["outputs"]):
        assert one["f1"] == pytest.approx(metrics.f1_score(truth[:, i], scores[:, i] > 0.5))
    shifted = report(
        scores - 0.5, truth.astype(float), Targets.BINARY, names=["x", "y"], from_logits=True, threshold=0.0
    )
    assert [one["f1"] for one in shifted["outputs"]] == [one["f1"] for one in found["outputs"]]
    alone = report(scores, np.ones((100, 2)), Targets.BINARY, names=None, from_logits=False)
    assert alone["outputs"][0]["roc_auc"] is None


def test_numbers_are_measured_as_scikit_learn_does() -> None:
    truth = RNG.normal(size=(200, 2)).astype(np.float32)
    guess = truth + RNG.normal(size=(200, 2)).astype(np.float32)
    found = report(guess, truth, Targets.NUMBERS, names=["height"], from_logits=False)
    for i, one in enumerate(found["outputs"]):
        assert one["output"] == ("height", "1")[i]
        assert one["r2"] == pytest.approx(metrics.r2_score(truth[:, i], guess[:, i]), rel=1e-5)
        assert one["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth[:, i], guess[:, i]), rel=1e-5)
        assert one["mae"] == pytest.approx(metrics.mean_absolute_error(truth[:, i], guess[:, i]), rel=1e-5)
        quantiles = list(one["residual_quantiles"].values())
        assert quantiles == sorted(quantiles)


def test_what_matters_is_worse_to_lose() -> None:
    x = RNG.normal(size=(500, 3))
    y = 3 * x[:, 0] + x[:, 1]
    before = x.copy()

    def loss(x: np.ndarray) -> float:
        return float(((3 * x[:, 0] + x[:, 1] - y) ** 2).mean())

    columns = {"a": slice(0, 1), "b": slice(1, 2), "c": slice(2, 3)}
    found = importance(loss, x, columns, repeats=3, seed=1)
    assert [one["feature"] for one in found] == ["a", "b", "c"]
    assert found[-1]["importance"] == 0
    np.testing.assert_array_equal(x, before)


def test_equal_scores_are_one_point_of_a_curve() -> None:
    truth = RNG.integers(0, 2, 200)
    scores = (RNG.random((200, 1)) + 0.3 * truth[:, None]).round(1).clip(0, 1)
    found = report(scores, truth[:, None].astype(float), Targets.BINARY, names=None, from_logits=False)
    assert found["classes"][1]["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, scores[:, 0]))
    assert found["classes"][1]["average_precision"] == pytest.approx(
        metrics.average_precision_score(truth, scores[:, 0])
    )
