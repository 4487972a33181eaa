"""Rates, decays and schedules for each variable and for the whole of a training, and weights that look at data."""

import math
from typing import Any

import numpy as np
import pytest

from service import nn
from service.nn.arguments import ArgumentError
from service.nn.optimizers.factors import factor_of
from service.nn.variable import Parameters, Variable

Array = np.ndarray[Any, Any]
SCHEDULES = nn.optimizers.schedules


def variable(path: str, *shape: int) -> Variable:
    made = Variable(path.rpartition("/")[2], np.ones(shape or (3,)), initializer=nn.initializers.Zeros())
    made.path = path
    return made


def stepped(optimizer: nn.optimizers.Optimizer, steps: int = 5) -> dict[str, Array]:
    """Weights after steps along gradients that do not depend on them."""
    parameters = Parameters([variable("a/kernel", 3, 2), variable("a/bias", 2), variable("b/kernel", 2, 2)], np.float64)
    optimizer.build(parameters)
    for step in range(steps):
        parameters.gradients[...] = np.random.default_rng(step).normal(size=parameters.gradients.size)
        optimizer.step()
    return {one.path: one.numpy() for one in parameters.variables}


@pytest.mark.parametrize("name", sorted(nn.optimizers.REGISTRY.classes()))
def test_a_factor_of_the_rate_is_a_rate_of_its_own(name: str) -> None:
    make = nn.optimizers.REGISTRY.classes()[name]
    found = stepped(make(learning_rate=0.1, learning_rate_factors={"bias": 0.25, "b": 3}))  # type: ignore[call-arg]
    for path, factor in (("a/kernel", 1), ("a/bias", 0.25), ("b/kernel", 3)):
        np.testing.assert_allclose(found[path], stepped(make(learning_rate=0.1 * factor))[path], rtol=1e-12)  # type: ignore[call-arg]


@pytest.mark.parametrize("clip", [{}, {"clipvalue": 100.0}, {"amsgrad": True}], ids=str)
def test_the_decay_of_a_variable_is_its_rate_times_its_factor(clip: dict[str, Any]) -> None:
    factors = {"learning_rate_factors": {"b": 3}, "weight_decay_factors": {"bias": 0, "b": 0.5}}
    found = stepped(nn.optimizers.Adam(0.1, weight_decay=0.2, **factors, **clip), steps=1)  # type: ignore[arg-type]
    plain = stepped(nn.optimizers.Adam(0.1, learning_rate_factors={"b": 3}, **clip), steps=1)
    for path, decay in (("a/kernel", 0.1 * 0.2), ("a/bias", 0), ("b/kernel", 0.3 * 0.2 * 0.5)):
        np.testing.assert_allclose(found[path], plain[path] - decay, rtol=1e-12, atol=1e-12)


def test_variables_that_are_spared_later_do_not_decay() -> None:
    optimizer = nn.optimizers.AdamW(0.1, weight_decay=0.5)
    parameters = Parameters([variable("a/kernel", 3, 2), variable("a/bias", 2)], np.float64)
    optimizer.build(parameters)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.step()
    assert [one.value.flat[0] for one in parameters.variables] == [0.95, 1.0]


@pytest.mark.parametrize(
    ("key", "factor"),
    [("bias", 2), ("dense", 2), ("dense/bias", 2), ("outer", 2), ("outer/dense", 2), ("ias", 1), ("kernel", 1)],
)
def test_a_key_is_a_variable_a_layer_or_both(key: str, factor: float) -> None:
    assert factor_of({key: 2}, variable("outer/dense/bias")) == factor


def test_the_longest_key_counts_and_a_variable_before_a_layer() -> None:
    one = variable("dense/bias")
    assert factor_of({"dense": 2, "bias": 3}, one) == 3
    assert factor_of({"dense": 2, "bias": 3, "dense/bias": 4}, one) == 4


@pytest.mark.parametrize("factors", [{"bias": -1}, {"bias": math.inf}, {"bias": "1"}, {"bias": True}, ["bias"]])
def test_factors_are_numbers_from_zero_on(factors: Any) -> None:
    for argument in ("learning_rate_factors", "weight_decay_factors"):
        with pytest.raises(ArgumentError, match=argument):
            nn.optimizers.SGD(**{argument: factors})


@pytest.mark.parametrize("at", [0.028, 0.122, 0.310, 0.688])
def test_the_cycles_of_realmlp_have_their_peaks_where_the_paper_has_them(at: float) -> None:
    assert SCHEDULES.CosineLogCycles(0.04).at(0, at) == pytest.approx(0.04, rel=1e-2)


def test_schedules_in_fractions_begin_and_end_where_they_should() -> None:
    cycles, flat = SCHEDULES.CosineLogCycles(0.5), SCHEDULES.FlatCosineDecay(0.5)
    assert [cycles.at(0, t) for t in (0, 1 / 15, 3 / 15, 7 / 15, 1)] == pytest.approx([0, 0, 0, 0, 0], abs=1e-12)
    assert [flat.at(0, t) for t in (0, 0.5, 0.75, 1)] == pytest.approx([0.5, 0.5, 0.25, 0])
    assert SCHEDULES.FlatCosineDecay(0.5, decay_steps=200)(150) == pytest.approx(0.25)
    with pytest.raises(ArgumentError, match="decay_steps"):
        flat(3)


def test_a_schedule_in_fractions_follows_the_training_that_was_begun_last() -> None:
    x, y = np.zeros((40, 2)), np.zeros((40, 1))
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1)])
    model.compile(nn.optimizers.SGD(SCHEDULES.FlatCosineDecay(0.5)), "mse")
    seen: list[float] = []
    watch = nn.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.optimizer.current_learning_rate()))
    for _ in range(2):
        model.fit(x, y, batch_size=10, epochs=4, verbose=0, callbacks=[watch])
    assert seen == pytest.approx([0.5, 0.5, 0.25, 0, 0.5, 0.5, 0.25, 0])


def test_dropout_follows_its_schedule() -> None:
    model = nn.Sequential([nn.Input((1000,)), nn.layers.Dropout(0.5, rate_schedule="flat_cosine_decay")])
    x = np.ones((1, 1000), np.float32)
    model.build()
    shares = []
    for fraction in (0.0, 0.5, 0.75, 1.0):
        model.clock.fraction = fraction
        y = model.layers[0].connect(x.shape, nn_setting(model)).forward(x)
        shares.append(float((y == 0).mean()))
        assert y.mean() == pytest.approx(1, abs=0.15)
    assert shares == pytest.approx([0.5, 0.5, 0.25, 0], abs=0.05)


def nn_setting(model: nn.Sequential) -> Any:
    from service.nn.layers.layer import Setting

    return Setting(training=True, dtype=np.dtype(np.float32), clock=model.clock)


def test_kernels_that_look_at_data_give_every_unit_the_deviation_one() -> None:
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(500, 6)) * [1, 10, 0.1, 3, 1, 0]).astype(np.float32)
    arguments: dict[str, Any] = {"kernel_initializer": "unit_variance", "bias_initializer": "convex_combination"}
    for parametrization in ("standard", "ntk"):
        model = nn.Sequential([nn.Input((6,))])
        for units in (32, 16):
            model.add(nn.layers.Dense(units, parametrization=parametrization, **arguments))
        model.compile(nn.optimizers.SGD(0.0), "mse")
        model.fit(x, np.zeros((500, 16)), verbose=0)
        hidden = x
        for layer in model.layers:
            assert isinstance(layer, nn.layers.Dense)
            before = hidden @ layer.kernel.value * layer.kernel_factor
            np.testing.assert_allclose(before.std(axis=0), 1, rtol=1e-3)
            outputs = before + layer.bias.value
            assert (outputs.min(axis=0) <= 0).all()  # the zero of each unit lies among the rows
            assert (outputs.max(axis=0) >= 0).all()
            hidden = outputs


def test_weights_that_were_set_are_not_made_anew_by_a_fit() -> None:
    x, y = np.random.default_rng(1).normal(size=(50, 3)), np.zeros((50, 2))
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(2, kernel_initializer="unit_variance"), nn.layers.Clamp()])
    model.compile(nn.optimizers.SGD(0.0), "mse")
    given = [np.full((3, 2), 7.0), np.zeros(2), np.full(2, -5.0), np.full(2, 5.0)]
    model.set_weights(given)
    model.fit(x, y, verbose=0)
    for weight, value in zip(model.get_weights(), given, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_clamp_keeps_predictions_within_the_range_of_the_training_targets() -> None:
    x, y = np.linspace(-1, 1, 40)[:, None], np.linspace(0, 3, 40)[:, None]
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1), nn.layers.Clamp(maximum=2.0)])
    model.compile("sgd", "mse")
    model.fit(x, y, validation_split=0.25, verbose=0)
    model.layers[0].set_weights([np.full((1, 1), 100.0), np.zeros(1)])
    np.testing.assert_array_equal(model.predict(np.array([[-1.0], [1.0]], np.float32)), [[0.0], [2.0]])
