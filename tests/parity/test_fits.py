"""Whole trainings: history, weights, predictions and evaluation."""

import pytest

from tests.parity.checking import assert_equal_to_keras, names


@pytest.mark.parametrize("name", names("fits", "optimizer: "))
def test_a_training_with_each_optimizer_follows_keras(name: str) -> None:
    """Every loss, metric and weight, over three epochs."""
    assert_equal_to_keras("fits", name)


@pytest.mark.parametrize("name", names("fits", "activation: "))
def test_a_training_with_each_activation_follows_keras(name: str) -> None:
    """The activation's derivative, seen through the weights."""
    assert_equal_to_keras("fits", name)


@pytest.mark.parametrize("name", names("fits", "loss: "))
def test_a_training_with_each_loss_follows_keras(name: str) -> None:
    """The loss by name, by alias and as an object."""
    assert_equal_to_keras("fits", name)


@pytest.mark.parametrize("name", names("fits", "end: "))
def test_a_last_activation_with_a_loss_learns_as_in_keras(name: str) -> None:
    """Also where the two have one gradient together."""
    assert_equal_to_keras("fits", name)


@pytest.mark.parametrize("name", names("fits", "metrics: "))
def test_metrics_have_the_keys_and_values_of_keras(name: str) -> None:
    """'accuracy' is resolved by shape, and keys are the text that was written."""
    assert_equal_to_keras("fits", name)


@pytest.mark.parametrize("name", names("fits", "option: "))
def test_arguments_of_fit_do_what_they_do_in_keras(name: str) -> None:
    """Validation, weights of rows and classes, early stopping, sizes."""
    assert_equal_to_keras("fits", name)
