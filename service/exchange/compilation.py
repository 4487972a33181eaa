"""The compilation of an imported network: what its file says, as far as it is known here, else a guess."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.checks.architecture import FAILURES
from service.errors import Finding, pointer
from service.nn import Sequential
from service.nn.meaning import Outputs
from service.spec import CompileSpec
from service.spec.keras_2 import name_in_keras_3, shortest
from service.task.output_meaning import activation_of

_LOSSES = {Outputs.DISTRIBUTION: "categorical_crossentropy", Outputs.PROBABILITIES: "binary_crossentropy"}
_METRICS = ("metrics", "weighted_metrics")


def compilation_of(written: Mapping[str, Any], model: Sequential) -> tuple[CompileSpec, list[Finding]]:
    """Returns the optimizer, loss and metrics in Keras's terms, and a warning for each that is unknown here."""
    reading = _Reading(model)
    loss = _one("loss", written.get("loss"))
    if loss is None:
        return CompileSpec(loss=_guessed(model)), []
    if not reading.takes("loss", loss):
        loss = _guessed(model)
        reading.leave_out(f"This loss is not known here; {loss} is taken in its place, as the outputs suggest.", "loss")
        return CompileSpec(loss=loss), reading.left_out
    if not _is_one(written.get("loss_weights")):
        reading.leave_out("A weight of the loss is not kept: the loss is not multiplied by it.", "loss_weights")
    reading.read_optimizer(written.get("optimizer"))
    for key in _METRICS:
        reading.read_metrics(key, written.get(key))
    return CompileSpec.model_validate(reading.found), reading.left_out


class _Reading:
    """What is understood so far of a compilation, and what is left out of it."""

    def __init__(self, model: Sequential) -> None:
        self._model = model
        self.found: dict[str, Any] = {}
        self.left_out: list[Finding] = []

    def takes(self, key: str, value: Any) -> bool:
        """Whether this can be understood beside what is found, and compiles the model; then it is found, too."""
        more = self.found | {key: value}
        try:
            self._model.compile(**CompileSpec.model_validate(more).arguments())
        except (ValidationError, *FAILURES):
            return False
        self.found = more
        return True

    def leave_out(self, said: str, *keys: str | int) -> None:
        """Notes that the version does not keep this part of the compilation."""
        self.left_out.append(Finding(pointer("compile", *keys), "left_out", said))

    def read_optimizer(self, value: Any) -> None:
        """The optimizer, with the rate that it had."""
        if value is not None and not self.takes("optimizer", value):
            said = "This optimizer is not known here with these arguments; a training that goes on needs another one."
            self.leave_out(said, "optimizer")

    def read_metrics(self, key: str, value: Any) -> None:
        """Each metric that is known, in the order in which they are written."""
        for place, metric in enumerate(_many("metric", value)):
            if not self.takes(key, [*self.found.get(key, ()), metric]):
                self.leave_out("This metric is not known here; evaluations go without it.", key, place)


def _guessed(model: Sequential) -> str:
    activation = activation_of(model.layers[-1])
    outputs = Outputs.NUMBERS if activation is None else activation.outputs
    return _LOSSES.get(outputs, "mean_squared_error")


def _one(kind: str, value: Any) -> Any:
    """A name or an object out of the lists, the names of outputs, and the function objects that it may stand in."""
    value = _of_output(value)
    while isinstance(value, list) and len(value) == 1:
        value = _of_output(value[0])
    if isinstance(value, Mapping):
        config = value.get("config")
        value = config if value.get("class_name") == "function" else shortest(kind, value)
    if not isinstance(value, str) or name_in_keras_3(kind, value) == value:
        return value
    # A metric is seen under its name.
    named = {"class_name": name_in_keras_3(kind, value), "config": {"name": value}}
    return named if kind == "metric" else name_in_keras_3(kind, value)


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
