"""How an imported network was compiled: what its file says of it as far as we know the words, else a good guess."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from service.checks.architecture import FAILURES
from service.nn import Sequential
from service.spec import CompileSpec

_LOSSES = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy"}
_METRICS = ("metrics", "weighted_metrics")


def compilation_of(written: Mapping[str, Any], model: Sequential) -> CompileSpec:
    """The optimizer, loss and metrics in Keras's words, without those that nobody here knows."""
    for asked in _choices(written):
        try:
            found = CompileSpec.model_validate(asked)
            model.compile(**found.arguments())
        except (ValidationError, *FAILURES):
            continue
        return found
    return CompileSpec(loss=_LOSSES.get(_last_activation(model) or "", "mean_squared_error"))


def _choices(written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What to try: everything, then without metrics, then without the optimizer, then the loss alone."""
    loss = _plain(written.get("loss"))
    if loss is None:
        return
    metrics = {key: _plain_list(written.get(key)) for key in _METRICS}
    optimizer = {"optimizer": written["optimizer"]} if written.get("optimizer") is not None else {}
    metrics = {key: names for key, names in metrics.items() if names}
    yield {**optimizer, "loss": loss, **metrics}
    yield {**optimizer, "loss": loss}
    yield {"loss": loss, **metrics}
    yield {"loss": loss}


def _plain(value: Any) -> Any:
    """A name or an object out of the lists and function objects that Keras may wrap it in."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        config = value.get("config")
        if value.get("class_name") == "function":
            return config
        if isinstance(config, Mapping) and isinstance(config.get("fn"), str):  # Keras 2's wrapper round a function
            return config["fn"]
    return value


def _plain_list(value: Any) -> list[Any]:
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return [_plain(item) for item in value] if isinstance(value, list) else []


def _last_activation(model: Sequential) -> str | None:
    return model.layers[-1].output_activation
