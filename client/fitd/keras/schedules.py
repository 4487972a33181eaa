"""Keras's schedules as specs. Made by client/generate.py from the signatures of the service."""

from typing import Any

from fitd.keras.specs import Spec


class LearningRateSchedule(Spec):
    """The parent of all schedules."""


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate (or from `warmup_target`, reached in a line) to alpha times it."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        alpha: Any = 0.0,
        name: Any = "CosineDecay",
        warmup_target: Any = None,
        warmup_steps: Any = 0,
    ) -> None:
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            alpha=alpha,
            name=name,
            warmup_target=warmup_target,
            warmup_steps=warmup_steps,
        )


class CosineDecayRestarts(LearningRateSchedule):
    """Cosines one after another, each t_mul times longer and m_mul times lower (Loshchilov & Hutter 2016)."""

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: Any,
        t_mul: Any = 2.0,
        m_mul: Any = 1.0,
        alpha: Any = 0.0,
        name: Any = "SGDRDecay",
    ) -> None:
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            first_decay_steps=first_decay_steps,
            t_mul=t_mul,
            m_mul=m_mul,
            alpha=alpha,
            name=name,
        )


class CosineLogCycles(LearningRateSchedule):
    """initial_learning_rate (1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2, for the fraction t of the training."""

    def __init__(
        self, initial_learning_rate: Any = 1.0, decay_steps: Any = None, cycles: Any = 4, name: Any = "CosineLogCycles"
    ) -> None:
        super().__init__(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, cycles=cycles, name=name)


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ^ (step / decay_steps)."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: Any = False,
        name: Any = "ExponentialDecay",
    ) -> None:
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
            name=name,
        )


class FlatCosineDecay(LearningRateSchedule):
    """initial_learning_rate for the fraction `flat` of the training, then half a cosine to zero."""

    def __init__(
        self, initial_learning_rate: Any = 1.0, decay_steps: Any = None, flat: Any = 0.5, name: Any = "FlatCosineDecay"
    ) -> None:
        super().__init__(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, flat=flat, name=name)


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: Any = False,
        name: Any = "InverseTimeDecay",
    ) -> None:
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
            name=name,
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and including boundaries[i], the last value after them."""

    def __init__(self, boundaries: Any, values: Any, name: Any = "PiecewiseConstant") -> None:
        super().__init__(boundaries=boundaries, values=values, name=name)


class PolynomialDecay(LearningRateSchedule):
    """From initial to end learning rate as (1 - step / decay_steps) ^ power; `cycle` stretches decay_steps."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: Any = False,
        name: Any = "PolynomialDecay",
    ) -> None:
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            end_learning_rate=end_learning_rate,
            power=power,
            cycle=cycle,
            name=name,
        )


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "CosineLogCycles",
    "ExponentialDecay",
    "FlatCosineDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
]
