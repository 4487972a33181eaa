"""What held-out rows say of the certainty of a network's outputs, and a version keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from numpy.typing import NDArray

from service.evaluation.calibration import Calibration
from service.evaluation.conformal import Conformity
from service.evaluation.held_out import HeldOut
from service.evaluation.thresholds import Threshold
from service.nn import Sequential
from service.spec import CompileSpec
from service.spec.certainty import CertaintySpec
from service.task import Task
from service.task.calibration import Temperature

TRUSTED = ("validation", "out_of_fold")
"""The parts that probabilities may be changed by; a test part is to measure what comes of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Certainty:
    """The temperature of probabilities, the scores behind intervals and sets, and the held-out predictions."""

    held: HeldOut | None = None
    """With predictions as the version makes them, each without a part in what was learnt for it."""
    calibration: Calibration | None = None
    conformity: Conformity | None = None
    threshold: Threshold | None = None

    @classmethod
    def learn(cls, task: Task, held: HeldOut | None, asked: CertaintySpec) -> Self:
        """What can be learnt from the held-out rows of a training; probabilities are calibrated as asked."""
        if held is None:
            return cls()
        calibration = Calibration.learn(task, held) if asked.calibrate and held.part in TRUSTED else None
        if calibration is not None:
            held = replace(held, predictions=calibration.predictions)
        conformity = Conformity.of(task, held.predictions, held.data, held.part)
        tunes = asked.threshold is not None and held.part in TRUSTED
        threshold = Threshold.tune(task, held, asked.threshold) if tunes and asked.threshold is not None else None
        return cls(held, calibration, conformity, threshold)

    def applied(self, model: Sequential, task: Task, asked: CompileSpec, y: NDArray[Any]) -> Sequential:
        """The network as the version predicts, compiled to be measured; `y` are some encoded targets."""
        if self.temperature is None:
            return model
        made = self.temperature.applied(model)
        made.compile(**task.compilation(asked, y) | {"optimizer": "sgd"})
        return made

    def deciding(self, task: Task) -> Task:
        """The task with the threshold between its classes."""
        return task if self.threshold is None else replace(task, outputs=task.outputs.deciding(self.threshold.value))

    @property
    def temperature(self) -> Temperature | None:
        """The temperature of the network; None where it stays as it is."""
        return Temperature.of(self.told)

    @property
    def told(self) -> dict[str, Any]:
        """What a version says of it under `output`, as JSON has it."""
        parts = {"calibration": self.calibration, "conformity": self.conformity, "threshold": self.threshold}
        return {key: part.to_json() for key, part in parts.items() if part is not None}

    def added_to(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of a version, with this."""
        return {**told, "output": {**told["output"], **self.told}}
