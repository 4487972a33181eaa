"""Prediction: a stored version answers as the model that was trained, to many at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from service.data.datasets import Dataset
from service.errors import Findings, Invalid
from service.prediction import LoadedVersion, LoadedVersions
from service.spec import TrainingRequest
from service.training import train
from service.versions import NewVersion

RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 3)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int32)
NAMES = ("no", "yes")


def trained(
    units: int = 2, activation: str = "softmax", loss: Any = "sparse_categorical_crossentropy", **dataset: Any
) -> tuple[NewVersion, LoadedVersion]:
    request = TrainingRequest.model_validate(
        {
            "spec": {
                "layers": [
                    {"class_name": "Dense", "units": 4, "activation": "tanh"},
                    {"class_name": "BatchNormalization"},
                    {"class_name": "Dropout", "rate": 0.5},
                    {"class_name": "Dense", "units": units, "activation": activation},
                ]
            },
            "compile": {
                "optimizer": {"class_name": "Adam", "learning_rate": 0.05},
                "loss": loss,
                "metrics": ["accuracy"],
            },
            "fit": {"epochs": 10, "seed": 1},
        }
    )
    result = train(request, Dataset(X, **{"y": LABELS, "classes": NAMES, **dataset}))
    return result, LoadedVersion(result, result.weights)


def test_a_loaded_version_measures_what_the_training_measured() -> None:
    _, version = trained()
    findings = Findings()
    measured = version.evaluate(Dataset(X, LABELS, NAMES), findings)
    assert measured.report["accuracy"] == measured.metrics["accuracy"]
    assert measured.report["confusion_matrix"]["classes"] == list(NAMES)
    assert set(measured.metrics) == {"loss", "accuracy"}
    assert isinstance(measured.metrics["accuracy"], float)
    assert measured.metrics["accuracy"] > 0.9
    predictions = version.predict(X)
    loss = -np.log(predictions[np.arange(300), LABELS]).mean()
    assert measured.metrics["loss"] == pytest.approx(loss, rel=1e-4)


def test_rows_are_predicted_alike_alone_and_together() -> None:
    _, version = trained()
    together = version.predict(X)
    assert together.shape == (300, 2)
    for row in (0, 150, 299):
        np.testing.assert_allclose(version.predict(X[row : row + 1])[0], together[row], rtol=1e-5)


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (2, "softmax", "sparse_categorical_crossentropy"),
        (1, "sigmoid", "binary_crossentropy"),
        (1, "tanh", "hinge"),
        (1, "log_sigmoid", "hinge"),
    ],
)
def test_classes_are_named_from_whatever_the_last_layer_gives(units: int, activation: str, loss: str) -> None:
    _, version = trained(units, activation, loss)
    named = version.meaning.named(version.predict(X))
    assert named is not None
    assert np.mean(np.array(named) == np.array(NAMES)[LABELS]) > 0.9


def test_without_class_names_nothing_is_named() -> None:
    _, version = trained(classes=None)
    assert version.meaning.named(version.predict(X[:2])) is None


def test_many_threads_get_the_answers_of_one() -> None:
    _, version = trained()
    expected = version.predict(X)
    wrong: list[int] = []

    def ask(start: int) -> None:
        for row in range(start, 300, 8):
            got = version.predict(X[row : row + 1 + start])
            if not np.allclose(got, expected[row : row + 1 + start], rtol=1e-4):
                wrong.append(row)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("dataset", "pointer", "code"),
    [
        (Dataset(X[:, :2].copy(), LABELS), "#/data/x", "width_mismatch"),
        (Dataset(X, LABELS + 5), "#/data/y/0", "out_of_range"),
    ],
)
def test_data_that_do_not_suit_the_version_are_refused(dataset: Dataset, pointer: str, code: str) -> None:
    _, version = trained()
    with pytest.raises(Invalid) as caught:
        version.evaluate(dataset, Findings())
    assert (caught.value.findings[0].pointer, caught.value.findings[0].code) == (pointer, code)


def test_names_are_refused_by_a_version_that_never_saw_one() -> None:
    _, version = trained(classes=None)
    with pytest.raises(Invalid, match="not trained on class names"):
        version.evaluate(Dataset(X, LABELS, NAMES), Findings())


def test_the_versions_least_recently_used_are_forgotten_first() -> None:
    _, version = trained()
    versions = LoadedVersions(2, 2**30)
    for name in ("a", "b"):
        versions.add(name, version)
    assert versions.find("a") is version
    versions.add("c", version)
    assert [versions.find(name) for name in ("a", "b", "c")] == [version, None, version]


def test_versions_are_forgotten_when_their_weights_together_are_too_large() -> None:
    _, version = trained()
    versions = LoadedVersions(10, 2 * version.size_bytes)
    for name in ("a", "b", "c"):
        versions.add(name, version)
    assert [versions.find(name) for name in ("a", "b", "c")] == [None, version, version]


def test_a_version_larger_than_all_may_be_stays_until_another_comes() -> None:
    _, version = trained()
    versions = LoadedVersions(10, version.size_bytes - 1)
    for name, before in (("a", "none"), ("b", "a")):
        versions.add(name, version)
        assert versions.find(name) is version
        assert versions.find(before) is None


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid", "sparse_sigmoid", "log_sigmoid", "tanh", "linear"])
def test_the_named_class_is_the_one_with_the_higher_score_and_the_one_that_is_reported(activation: str) -> None:
    _, version = trained(1, activation, "hinge")
    predictions = version.predict(X)
    scores = version.meaning.scores(predictions)
    assert scores is not None
    np.testing.assert_array_equal(version.meaning.likeliest(predictions), scores.argmax(axis=1))
    report = version.evaluate(Dataset(X, LABELS, NAMES), Findings()).report
    assert report["accuracy"] == np.mean(version.meaning.likeliest(predictions) == LABELS)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("names", [NAMES, None])
@pytest.mark.parametrize(
    ("units", "activation", "loss", "expected"),
    [
        (2, "linear", {"class_name": "SparseCategoricalCrossentropy", "from_logits": True}, softmax),
        (2, "linear", {"class_name": "CategoricalCrossentropy", "from_logits": True}, softmax),
        (1, "linear", {"class_name": "BinaryCrossentropy", "from_logits": True}, sigmoid),
        (1, "log_sigmoid", "hinge", np.exp),
        (2, "log_softmax", "categorical_hinge", np.exp),
        (2, "softmax", "sparse_categorical_crossentropy", np.asarray),
        (1, "sigmoid", "crossentropy", np.asarray),
    ],
)
def test_scores_are_probabilities_of_what_the_network_answers(
    units: int, activation: str, loss: Any, expected: Any, names: tuple[str, ...] | None
) -> None:
    _, version = trained(units, activation, loss, classes=names)
    predictions = version.predict(X)
    scores, likely = version.meaning.scores(predictions), expected(predictions)
    assert scores is not None
    np.testing.assert_allclose(scores[:, -units:], likely, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(scores.argmax(axis=1), version.meaning.likeliest(predictions))


def test_outputs_of_a_network_that_learnt_numbers_are_no_scores() -> None:
    _, version = trained(2, "linear", "mse", classes=None, y=np.stack([LABELS, LABELS], axis=1).astype(np.float32))
    assert version.meaning.scored is None
    assert version.meaning.scores(version.predict(X)) is None


class HeldUp:
    """Weights of rows that an evaluation has to wait for."""

    def __init__(self) -> None:
        self.wanted, self.given = threading.Event(), threading.Event()

    def __len__(self) -> int:
        return len(X)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self.wanted.set()
        assert self.given.wait(30)
        return np.ones(len(X), np.float32)


def test_predictions_go_on_while_an_evaluation_lasts() -> None:
    _, version = trained()
    expected = version.predict(X)
    weights: Any = HeldUp()
    with ThreadPoolExecutor(1) as beside:
        evaluation = beside.submit(
            version.evaluate, Dataset(X, LABELS, NAMES, sample_weight=weights), Findings(), repeats=1
        )
        assert weights.wanted.wait(30)
        assert not version.is_busy
        np.testing.assert_array_equal(version.predict(X), expected)
        weights.given.set()
        assert evaluation.result(30).metrics["accuracy"] == pytest.approx(np.mean(expected.argmax(axis=1) == LABELS))


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_the_likeliest_class_is_the_first_that_has_the_most_however_many_rows_are_asked_for(classes: int) -> None:
    names = [f"class {n}" for n in range(classes)]
    _, loaded = trained(units=classes, classes=names)
    scores = RNG.integers(0, 4, (5000, classes)).astype(np.float32)  # many are equal
    scores[::7, -1] = np.nan
    scores[::11] = -np.inf
    assert loaded.meaning.likeliest(scores).tolist() == scores.argmax(axis=1).tolist()
    assert loaded.meaning.likeliest(scores[:9]).tolist() == scores[:9].argmax(axis=1).tolist()
