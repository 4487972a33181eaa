"""Translates terms of Keras 2 into those of Keras 3 that compute the same numbers."""

from collections.abc import Mapping
from typing import Any

from service.nn import losses, metrics

Written = Mapping[str, Any]

_REGISTRIES: Mapping[str, Any] = {"loss": losses.REGISTRY, "metric": metrics.REGISTRY}
_WRAPPERS = ("LossFunctionWrapper", "MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "function")
_OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    "loss": {
        "huber_loss": "huber",
        "kullback_leibler_divergence": "kl_divergence",
        "logcosh": "log_cosh",
    },
    "metric": {
        "kullback_leibler_divergence": "kl_divergence",
        "log_cosh": "log_cosh_error",
        "logcosh": "log_cosh_error",
    },
}


def name_in_keras_3(kind: str, name: str) -> str:
    """The name that Keras 3 gives the loss or metric of this name."""
    return _OLD_NAMES.get(kind, {}).get(name, name)


def shortest(kind: str, value: Written) -> Any:
    """Returns the name of a function from a wrapper that says nothing else; anything else is returned unchanged."""
    config = value.get("config")
    if not isinstance(config, Mapping) or not {"fn"} <= config.keys() <= {"fn", "name", "dtype"}:
        return value
    modern = in_words_of_keras_3(kind, value)["class_name"]
    registry, name = _REGISTRIES[kind], config.get("name", config["fn"])
    is_its_name = isinstance(name, str) and name in registry and registry.class_of(name).__name__ == modern
    return name if is_its_name and value.get("class_name") in _WRAPPERS else value


def in_words_of_keras_3(kind: str, value: Written) -> Written:
    """Returns the same thing in the form of Keras 3; a thing in that form is returned unchanged."""
    config = value.get("config")
    if not isinstance(config, Mapping):
        return value
    if config.get("reduction") == "auto":  # which in all that may be asked here divides by the batch size
        config = {**config, "reduction": "sum_over_batch_size"}
        value = {**value, "config": config}
    if kind in _REGISTRIES and "fn" in config:
        return _without_function(kind, value, config)
    if kind == "optimizer":
        return _optimizer(value, config)
    if kind == "layer" and value.get("class_name") == "ThresholdedReLU":
        kept = {key: config[key] for key in config if key != "theta"}
        return {**value, "class_name": "ReLU", "config": {**kept, "threshold": config.get("theta", 1.0)}}
    return value


def _without_function(kind: str, value: Written, config: Written) -> Written:
    """A loss or metric without `fn`, the function that it is made of, which its class says as well."""
    function = config["fn"]
    if isinstance(function, Mapping):
        function = function.get("config")
    class_name = value.get("class_name")
    if class_name in _WRAPPERS and isinstance(function, str):
        name = name_in_keras_3(kind, function)
        registry = _REGISTRIES[kind]
        class_name = registry.class_of(name).__name__ if name in registry else name
    # A function says nothing of its module, and needs no word of the wrapper round it.
    kept = {key: config[key] for key in config if key != "fn"}
    return {"class_name": class_name, "config": kept}


def _optimizer(value: Written, config: Written) -> Written:
    """An optimizer as TensorFlow 2.11 to 2.15 registered it, or one of those before it, whose rate may decay."""
    class_name = value.get("class_name")
    if isinstance(class_name, str) and "is_legacy_optimizer" in config:
        value = {**value, "class_name": class_name.removeprefix("Custom>"), "registered_name": None}
    decay = config.get("decay")
    if class_name == "Nadam" or not isinstance(decay, int | float) or isinstance(decay, bool):
        return value  # the decay of Nadam is one of its momentum, which Keras 3 cannot have otherwise
    kept = {key: config[key] for key in config if key != "decay"}
    if class_name == "Adagrad":  # Keras up to 2.3 began at 0 and said nothing of it
        kept.setdefault("initial_accumulator_value", 0.0)
    rate = kept.pop("lr", kept.get("learning_rate"))
    if decay > 0 and isinstance(rate, int | float):
        rate = {"class_name": "InverseTimeDecay", "config": _decaying(rate, decay)}
    elif decay != 0:
        return value
    return {**value, "config": kept if rate is None else {**kept, "learning_rate": rate}}


def _decaying(rate: float, decay: float) -> dict[str, Any]:
    return {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
