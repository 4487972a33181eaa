"""Arguments: every wrong one is named with what was expected."""

from typing import Any

import pytest

from service import nn
from service.nn.arguments import describe

# As a caller without a type checker sees it.
untyped: Any = nn


MAKE: list[tuple[Any, str]] = [
    (lambda: untyped.layers.Dense(0), "units must be an integer >= 1; received 0."),
    (lambda: untyped.layers.Dense(True), "units must be an integer >= 1; received True."),
    (lambda: untyped.layers.Dense(2.5), "units must be an integer >= 1; received 2.5."),
    (lambda: untyped.layers.Dropout(1.5), "rate must be a number >= 0 and <= 1; received 1.5."),
    (lambda: untyped.layers.Dropout("a" * 100), "rate must be a number >= 0 and <= 1; received '" + "a" * 56 + "...."),
    (lambda: untyped.losses.Huber(delta=float("inf")), "delta must be a number > 0; received inf."),
    (lambda: untyped.metrics.AUC(curve="RC"), "curve must be 'ROC' or 'PR'; received 'RC'."),
    (lambda: untyped.layers.Reshape(3), "target_shape must be tuple or list; received 3."),
    (lambda: untyped.initializers.RandomUniform(1.0, 0.0), "maxval must be at least minval (1.0); received 0.0."),
    (lambda: untyped.layers.Normalization(mean=1.0), "variance must be given together with mean; received None."),
    (lambda: untyped.layers.Permute((1, 3)), "dims must be an order of the numbers 1 to 2; received (1, 3)."),
    (lambda: untyped.layers.Rescaling("a"), "scale must be a number or a list of numbers; received 'a'."),
    (lambda: untyped.layers.deserialize({"config": {}}),
     "class_name must be the name of a registered layer; received None."),
    (lambda: untyped.layers.deserialize({"class_name": "Dense", "config": 3}),
     "config must be an object of arguments; received 3."),
    (lambda: untyped.activations.get(3), "activation must be the name of an activation; received 3."),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), MAKE)
def test_a_wrong_argument_says_what_was_expected_and_what_came(make: Any, message: str) -> None:
    with pytest.raises(nn.ArgumentError) as caught:
        make()
    assert str(caught.value) == message


def test_long_values_are_not_echoed() -> None:
    assert describe(list(range(100))) == "a value of type list"
    assert len(describe("x" * 1000)) < 70
