"""How an imported network was compiled: what its file says of it as far as we know the words, else a good guess."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.checks.architecture import FAILURES
from service.errors import Finding, pointer
from service.nn import Sequential
from service.spec import CompileSpec
from service.spec.keras_2 import name_in_keras_3, shortest

_LOSSES = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy"}
_METRICS = ("metrics", "weighted_metrics")


def compilation_of(written: Mapping[str, Any], model: Sequential) -> tuple[CompileSpec, list[Finding]]:
    """The optimizer, loss and metrics in Keras's words, and a warning for each of them that nobody here knows."""
    left_out: list[Finding] = []
    loss = _one("loss", written.get("loss"))
    if loss is None:
        return CompileSpec(loss=_guessed(model)), []
    found: dict[str, Any] = {"loss": loss}
    if _compiled(found, model) is None:
        loss = _guessed(model)
        said = f"This loss is not known here; {loss} is taken in its place, as the outputs suggest."
        return CompileSpec(loss=loss), [Finding(pointer("compile", "loss"), "left_out", said)]
    if not _is_one(written.get("loss_weights")):
        said = "The weight of the loss is left out: the loss is that of the outputs as it is."
        left_out.append(Finding(pointer("compile", "loss_weights"), "left_out", said))
    optimizer = written.get("optimizer")
    if optimizer is not None and _compiled(found | {"optimizer": optimizer}, model) is None:
        said = "This optimizer is not known here with these arguments; a training that goes on needs another one."
        left_out.append(Finding(pointer("compile", "optimizer"), "left_out", said))
    elif optimizer is not None:
        found = {"optimizer": optimizer} | found
    for key in _METRICS:
        for place, metric in enumerate(_many("metric", written.get(key))):
            more = found | {key: [*found.get(key, ()), metric]}
            if _compiled(more, model) is None:
                said = "This metric is not known here; evaluations go without it."
                left_out.append(Finding(pointer("compile", key, place), "left_out", said))
            else:
                found = more
    return CompileSpec.model_validate(found), left_out


def _compiled(asked: Mapping[str, Any], model: Sequential) -> CompileSpec | None:
    """What was asked if it can be understood, and compiles this model."""
    try:
        found = CompileSpec.model_validate(asked)
        model.compile(**found.arguments())
    except (ValidationError, *FAILURES):
        return None
    return found


def _guessed(model: Sequential) -> str:
    return _LOSSES.get(model.layers[-1].output_activation or "", "mean_squared_error")


def _one(kind: str, value: Any) -> Any:
    """A name or an object out of the lists, the names of outputs, and the function objects that it may stand in."""
    value = _of_output(value)
    while isinstance(value, list) and len(value) == 1:
        value = _of_output(value[0])
    if isinstance(value, Mapping):
        config = value.get("config")
        value = config if value.get("class_name") == "function" else shortest(kind, value)
    return name_in_keras_3(kind, value) if isinstance(value, str) else value


def _many(kind: str, value: Any) -> list[Any]:
    value = _of_output(value)
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, str | Mapping):
        value = [value]
    return [_one(kind, item) for item in value] if isinstance(value, list) else []


def _of_output(value: Any) -> Any:
    """What is said of the one output, if it is said by its name."""
    if isinstance(value, Mapping) and len(value) == 1 and "class_name" not in value:
        return next(iter(value.values()))
    return value


def _is_one(weight: Any) -> bool:
    weight = _of_output(weight)
    while isinstance(weight, list) and len(weight) == 1:
        weight = weight[0]
    return weight in (None, 1)
