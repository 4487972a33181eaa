"""What held-out rows say of the certainty of a network's outputs, and a version keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from service.evaluation.calibration import Calibration
from service.evaluation.conformal import Conformity
from service.evaluation.held_out import HeldOut
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

    @classmethod
    def learn(cls, task: Task, held: HeldOut | None, *, calibrate: bool) -> Self:
        """What can be learnt from the held-out rows of a training; probabilities are calibrated if asked."""
        if held is None:
            return cls()
        calibration = Calibration.learn(task, held) if calibrate and held.part in TRUSTED else None
        if calibration is not None:
            held = replace(held, predictions=calibration.predictions)
        return cls(held, calibration, Conformity.of(task, held.predictions, held.data, held.part))

    @property
    def temperature(self) -> Temperature | None:
        """The temperature of the network; None where it stays as it is."""
        return Temperature.of(self.told)

    @property
    def told(self) -> dict[str, Any]:
        """What a version says of it under `output`, as JSON has it."""
        parts = {"calibration": self.calibration, "conformity": self.conformity}
        return {key: part.to_json() for key, part in parts.items() if part is not None}

    def added_to(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of a version, with this."""
        return {**told, "output": {**told["output"], **self.told}}
