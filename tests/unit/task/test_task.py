"""A task knows what its targets and outputs mean."""

from typing import Any

import numpy as np
import pytest

from service.data.datasets import Dataset
from service.nn import activations, layers
from service.nn.losses import Targets
from service.spec import CompileSpec, FitSpec
from service.task import AskedLoss, OutputMeaning, Task
from service.task.output_meaning import threshold_of

THREE = np.array([2, 0, 1, 2], np.int32)


def task(loss: Any, y: Any, units: int = 3, activation: str = "softmax", **names: Any) -> Task:
    asked = AskedLoss.of(CompileSpec.model_validate({"loss": loss}))
    return Task.of(np.asarray(y), OutputMeaning(layers.Dense(units, activation), (None, units), asked, **names))


@pytest.mark.parametrize("name", ["sigmoid", "hard_sigmoid", "sparse_sigmoid", "log_sigmoid", "tanh", "softsign", None])
def test_one_output_turns_to_the_second_class_where_its_input_turns_positive(name: str | None) -> None:
    activation = activations.REGISTRY.get(name)
    y = activation(np.array([-0.1, 0.1], np.float32))
    assert (y > threshold_of(activation)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("loss", "y", "units", "expected"),
    [
        ("categorical_crossentropy", THREE, 3, np.eye(3)[THREE]),
        ("categorical_crossentropy", np.eye(3)[THREE], 3, np.eye(3)[THREE]),
        ("sparse_categorical_crossentropy", THREE, 3, THREE),
        ("sparse_categorical_crossentropy", THREE[:, None].astype(np.float32), 3, THREE),
        ("crossentropy", THREE, 3, THREE),
        ("crossentropy", np.eye(3)[THREE], 3, np.eye(3)[THREE]),
        ("crossentropy", np.array([0, 1]), 1, [[0], [1]]),
        ("binary_crossentropy", np.array([0, 1]), 1, [[0], [1]]),
        ("mean_squared_error", np.array([0.5, 7]), 1, [[0.5], [7]]),
    ],
)
def test_targets_become_what_the_loss_takes(loss: str, y: Any, units: int, expected: Any) -> None:
    found = task(loss, y, units).encoded(np.asarray(y))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == (np.int32 if np.ndim(expected) == 1 else np.float32)


def test_a_loss_chosen_by_shape_is_known_with_the_targets() -> None:
    assert AskedLoss.of(CompileSpec(loss="ce")).known is None
    assert AskedLoss.of(CompileSpec(loss="ce")).classifies
    assert [task("ce", y, units).targets for y, units in ((THREE, 3), (np.eye(3), 3), ([0, 1], 1))] == [
        Targets.CLASS_INDICES,
        Targets.ONE_HOT,
        Targets.BINARY,
    ]


def test_balanced_weights_are_those_of_scikit_learn_without_the_class_that_does_not_count() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    y = np.array([0, 0, 0, 1, 2, 2, 1, 1], np.int32)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y[:6])
    fit, dataset = FitSpec(class_weight="balanced", validation_split=0.25), Dataset(np.zeros((8, 1), np.float32), y)
    weights = task("sparse_categorical_crossentropy", y).class_weights(fit, dataset)
    assert weights == pytest.approx(dict(enumerate(expected)))
    ignoring = {"class_name": "SparseCategoricalCrossentropy", "ignore_class": 0}
    assert task(ignoring, y).class_weights(fit, dataset) == pytest.approx({1: 1.5, 2: 0.75})


def test_a_single_output_is_reported_by_both_classes_and_several_by_their_targets() -> None:
    one = task("binary_crossentropy", [0, 1], 1, "sigmoid", classes=["no", "yes"], target_names=["answer"])
    assert one.output_names == ["no", "yes"]
    assert task("binary_crossentropy", [0, 1], 1, "sigmoid", target_names=["answer"]).output_names is None
    several = task("binary_crossentropy", [[0, 1]], 2, "sigmoid", target_names=["a", "b"])
    assert several.output_names == ["a", "b"]
    assert task("mse", [[0, 1]], 2, "linear", target_names=["a", "b"]).output_names == ["a", "b"]
