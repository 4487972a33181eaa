"""A whole training as a case: build, start from given weights, fit, and note all that a user could see."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.parity.cases.data import classes, start
from tests.parity.engine import Engine, Outcome

Options = dict[str, Any]


def softmax_net(keras: Any) -> list[Any]:
    """Layers for three classes."""
    return [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(3, activation="softmax")]


def sigmoid_net(keras: Any) -> list[Any]:
    """Layers for yes or no."""
    return [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")]


def linear_net(keras: Any) -> list[Any]:
    """Layers for two numbers."""
    return [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(2)]


def nothing(_: Any) -> Options:
    """No further arguments to fit."""
    return {}


@dataclass(frozen=True)
class Fit:
    """One call of fit and what leads to it; what needs the module is a function of it."""

    compile: Callable[[Any], Options]
    layers: Callable[[Any], list[Any]] = softmax_net
    data: Callable[[], tuple[Any, Any]] = classes
    fit: Callable[[Any], Options] = nothing
    evaluate: Options = field(default_factory=dict)

    def __call__(self, engine: Engine) -> Outcome:
        """Train, and give the history, the final weights, the predictions and the evaluation."""
        x, y = self.data()
        model = build(engine.keras, self.layers(engine.keras), x.shape[1:])
        model.compile(**self.compile(engine.keras))
        options = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, **self.fit(engine.keras)}
        history = model.fit(x, y, **options)
        return observe(model, history, x, y, self.evaluate)


def build(keras: Any, layers: list[Any], shape: tuple[int, ...]) -> Any:
    """A Sequential model of the layers, with the starting weights."""
    model = keras.Sequential([keras.Input(shape), *layers])
    start(model)
    return model


def observe(model: Any, history: Any, x: Any, y: Any, evaluate: Options) -> Outcome:
    """All that a user sees after a training."""
    outcome: Outcome = {f"history/{key}": values for key, values in history.history.items()}
    outcome["history.epoch"] = history.epoch
    outcome |= weights_of(model)
    outcome["predict"] = model.predict(x, verbose=0)
    results = model.evaluate(x, y, verbose=0, return_dict=True, **evaluate)
    return outcome | {f"evaluate/{key}": value for key, value in results.items()}


def weights_of(model: Any, prefix: str = "weights") -> Outcome:
    """The weights, in Keras's order."""
    return {f"{prefix}/{number}": array for number, array in enumerate(model.get_weights())}
