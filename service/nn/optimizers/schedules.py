"""Learning rates as functions of the step (the number of batches trained before)."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from service.nn import registry
from service.nn.arguments import ArgumentError, Range
from service.nn.registry import Configurable, Registry

Steps = Annotated[float, Range(above=0)]


class LearningRateSchedule(Configurable):
    """`schedule(step)` is the learning rate of that step, counted from 0."""

    keras_module: ClassVar[str] = "keras.optimizers.schedules"

    def __call__(self, step: int) -> float:
        raise NotImplementedError

    def at(self, step: int, fraction: float) -> float:
        """The learning rate of a step before which this fraction of the training was done, from 0 to 1."""
        return self(step)


REGISTRY: Registry[LearningRateSchedule] = Registry("learning rate schedule")


@REGISTRY.register()
@dataclass
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ^ (step / decay_steps)."""

    initial_learning_rate: float
    decay_steps: Steps
    decay_rate: float
    staircase: bool = False
    name: str | None = "ExponentialDecay"

    def __call__(self, step: int) -> float:
        power = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (math.floor(power) if self.staircase else power)


@REGISTRY.register()
@dataclass
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    initial_learning_rate: float
    decay_steps: Steps
    decay_rate: float
    staircase: bool = False
    name: str | None = "InverseTimeDecay"

    def __call__(self, step: int) -> float:
        power = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (math.floor(power) if self.staircase else power))


@REGISTRY.register()
@dataclass
class PolynomialDecay(LearningRateSchedule):
    """From initial to end learning rate as (1 - step / decay_steps) ^ power; `cycle` stretches decay_steps."""

    initial_learning_rate: float
    decay_steps: Steps
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str | None = "PolynomialDecay"

    def __call__(self, step: int) -> float:
        steps = self.decay_steps
        if self.cycle:
            steps *= max(1, math.ceil(step / steps))
        else:
            step = min(step, steps)  # type: ignore[assignment]
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1 - step / steps) ** self.power + self.end_learning_rate)


@REGISTRY.register()
@dataclass
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and including boundaries[i], the last value after them."""

    boundaries: list | tuple  # type: ignore[type-arg]
    values: list | tuple  # type: ignore[type-arg]
    name: str | None = "PiecewiseConstant"

    def __post_init__(self) -> None:
        super().__post_init__()
        for argument, items in (("boundaries", self.boundaries), ("values", self.values)):
            if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
                raise ArgumentError(argument, "a list of numbers", items)
        if len(self.boundaries) != len(self.values) - 1:
            raise ArgumentError("values", f"one longer than boundaries ({len(self.boundaries)})", len(self.values))

    def __call__(self, step: int) -> float:
        for boundary, value in zip(self.boundaries, self.values, strict=False):
            if step <= boundary:
                return float(value)
        return float(self.values[-1])


@REGISTRY.register()
@dataclass
class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate (or from `warmup_target`, reached in a line) to alpha times it."""

    initial_learning_rate: float
    decay_steps: Steps
    alpha: float = 0.0
    name: str = "CosineDecay"
    warmup_target: float | None = None
    warmup_steps: Annotated[int, Range(minimum=0)] = 0

    def __call__(self, step: int) -> float:
        if self.warmup_target is None:
            return self._cosine(step, self.initial_learning_rate)
        if step < self.warmup_steps:
            share = step / self.warmup_steps
            return self.initial_learning_rate + share * (self.warmup_target - self.initial_learning_rate)
        return self._cosine(step - self.warmup_steps, self.warmup_target)

    def _cosine(self, step: int, start: float) -> float:
        fraction = min(step, self.decay_steps) / self.decay_steps
        return start * ((1 - self.alpha) * 0.5 * (1 + math.cos(math.pi * fraction)) + self.alpha)


@REGISTRY.register()
@dataclass
class CosineDecayRestarts(LearningRateSchedule):
    """Cosines one after another, each t_mul times longer and m_mul times lower (Loshchilov & Hutter 2016)."""

    initial_learning_rate: float
    first_decay_steps: Steps
    t_mul: Annotated[float, Range(minimum=1)] = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str = "SGDRDecay"

    def __call__(self, step: int) -> float:
        fraction = step / self.first_decay_steps
        if self.t_mul == 1:
            restart = math.floor(fraction)
            fraction -= restart
        else:
            restart = math.floor(math.log(1 - fraction * (1 - self.t_mul)) / math.log(self.t_mul))
            passed = (1 - self.t_mul**restart) / (1 - self.t_mul)
            fraction = (fraction - passed) / self.t_mul**restart
        cosine = 0.5 * self.m_mul**restart * (1 + math.cos(math.pi * fraction))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


@dataclass
class FractionSchedule(LearningRateSchedule):
    """A schedule that follows the fraction of the training that is done, however many steps that is.

    With `decay_steps` it follows step / decay_steps instead, as the schedules of Keras do.
    """

    in_keras = False

    initial_learning_rate: Annotated[float, Range(minimum=0)] = 1.0
    decay_steps: Steps | None = None

    def factor(self, fraction: float) -> float:
        """What the initial rate is multiplied by after this fraction, from 0 to 1."""
        raise NotImplementedError

    def __call__(self, step: int) -> float:
        if self.decay_steps is None:
            raise ArgumentError("decay_steps", "given where the length of the training is not known", None)
        return self.at(step, 0.0)

    def at(self, step: int, fraction: float) -> float:
        """The initial rate times the factor of this moment."""
        if self.decay_steps is not None:
            fraction = step / self.decay_steps
        return self.initial_learning_rate * self.factor(min(1.0, fraction))


@REGISTRY.register()
@dataclass
class CosineLogCycles(FractionSchedule):
    """initial_learning_rate (1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2, for the fraction t of the training.

    Each cycle begins and ends at zero and is twice as long as the one before; four of them are the `coslog4` of
    RealMLP (Holzmueller et al. 2024, "Better by default").
    """

    cycles: Annotated[int, Range(minimum=1, maximum=30)] = 4
    name: str | None = "CosineLogCycles"

    def factor(self, fraction: float) -> float:
        """Zero at the beginning, at the end and between two cycles."""
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + (2**self.cycles - 1) * fraction)))


@REGISTRY.register()
@dataclass
class FlatCosineDecay(FractionSchedule):
    """initial_learning_rate for the fraction `flat` of the training, then half a cosine to zero.

    With `flat` at one half it is the `flat_cos` of RealMLP (Holzmueller et al. 2024, "Better by default").
    """

    flat: Annotated[float, Range(minimum=0, below=1)] = 0.5
    name: str | None = "FlatCosineDecay"

    def factor(self, fraction: float) -> float:
        """One, then from one to zero."""
        return 0.5 * (1 + math.cos(math.pi * max(0.0, (fraction - self.flat) / (1 - self.flat))))


def get(identifier: Any) -> LearningRateSchedule:
    """The schedule of a configuration."""
    return REGISTRY.get(identifier)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The schedule's class name and configuration, in Keras's form."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Any) -> LearningRateSchedule:
    """The schedule of a configuration."""
    return REGISTRY.get(config)


__all__ = [
    "REGISTRY",
    "CosineDecay",
    "CosineDecayRestarts",
    "CosineLogCycles",
    "ExponentialDecay",
    "FlatCosineDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "get",
    "serialize",
]
