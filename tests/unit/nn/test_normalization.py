"""The fast forms of normalizing layers learn what their formulas say."""

from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.layers.layer import Clock, Setting

Array = np.ndarray[Any, Any]
SHAPE = (12, 5)
FORMS = ("connect_any", "connect_rows")


def passes(layer: Any, form: str) -> tuple[Array, Array, list[Array]]:
    """Output, gradient to the input, and weights with their gradients after two steps of one form."""
    rng = np.random.default_rng(4)
    layer.build((None, SHAPE[1]))
    for weight in layer.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    setting = Setting(training=True, dtype=np.dtype(np.float64), clock=Clock(1))
    forward, backward, _ = getattr(layer, form)(SHAPE, setting)
    for _ in range(2):  # memory is used again
        x, dy = 3 + rng.normal(size=SHAPE), rng.normal(size=SHAPE)
        kept = x.copy()
        y, dx = forward(x).copy(), backward(dy)
        assert (x == kept).all()
    return y, dx, [array for weight in layer.weights for array in (weight.value, weight.gradient)]


@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization"])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_the_form_for_rows_equals_the_formula(name: str, scale: bool, center: bool) -> None:
    nn.config.set_floatx("float64")
    try:
        cls: Any = nn.layers.REGISTRY.classes()[name]
        plain, fast = (passes(cls(epsilon=0.1, scale=scale, center=center), form) for form in FORMS)
    finally:
        nn.config.set_floatx("float32")
    np.testing.assert_allclose(fast[0], plain[0], rtol=1e-12)
    np.testing.assert_allclose(fast[1], plain[1], rtol=1e-10, atol=1e-13)
    for one, two in zip(fast[2], plain[2], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10)


@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization"])
def test_rows_take_the_fast_form_and_other_shapes_the_formula(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls, taken = nn.layers.REGISTRY.classes()[name], []
    for form in FORMS:
        monkeypatch.setattr(cls, form, lambda self, shape, setting, form=form: taken.append((form, len(shape))))
    for shape in ((4, 5), (4, 3, 5)):
        layer = cls()
        layer.build((None, *shape[1:]))
        layer.connect(shape, Setting(training=True, dtype=np.dtype(np.float32), clock=Clock(1)))
    assert taken == [("connect_rows", 2), ("connect_any", 3)]
