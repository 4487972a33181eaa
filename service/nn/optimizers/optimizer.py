"""What an optimizer is: a rule that turns flat gradients into new flat weights, piece by piece."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np

from service.nn import openblas
from service.nn.arguments import ArgumentError, Of, Range
from service.nn.optimizers import schedules
from service.nn.optimizers.clipping import clip
from service.nn.optimizers.factors import Factors, check_factors, factor_of
from service.nn.optimizers.updates import Both, Update, Updates
from service.nn.registry import BEYOND_KERAS, Configurable, Registry, snake_case
from service.nn.variable import Parameters, Variable

Array = np.ndarray[Any, Any]
# A slot of a unit that gets no gradient shrinks for ever; numbers too small for float32's normal
# range are a hundred times slower to compute with. Every so many steps such remains become zero.
SWEEP_STEPS = 64
TINY = 1e-34

Share = Annotated[float, Range(minimum=0, maximum=1)]
Rate = Annotated[Any, Of("learning_rate")]


@dataclass
class Optimizer(Configurable):
    """Updates all trainable weights of a model, which lie in one buffer.

    A subclass names its `slots` (buffers like the weights that it remembers) and writes its formula in `update`.
    `learning_rate_factors` and `weight_decay_factors` multiply the rate and the decay of the variables that their keys
    name: `"bias"` (a variable), `"dense_1"` (a layer), `"dense_1/kernel"`; the longest key that fits counts. The decay
    of a variable is its rate times its factor times `weight_decay`, times `weight_decay_schedule` if there is one.
    """

    keras_module: ClassVar[str] = "keras.optimizers"
    whole_variables: ClassVar[bool] = False

    learning_rate: Rate = field(init=False)
    weight_decay: Annotated[float, Range(minimum=0)] | None = field(default=None, kw_only=True)
    clipnorm: Annotated[float, Range(above=0)] | None = field(default=None, kw_only=True)
    clipvalue: Annotated[float, Range(above=0)] | None = field(default=None, kw_only=True)
    global_clipnorm: Annotated[float, Range(above=0)] | None = field(default=None, kw_only=True)
    use_ema: bool = field(default=False, kw_only=True)
    ema_momentum: Share = field(default=0.99, kw_only=True)
    ema_overwrite_frequency: Annotated[int, Range(minimum=1)] | None = field(default=None, kw_only=True)
    loss_scale_factor: Annotated[float, Range(above=0)] | None = field(default=None, kw_only=True)
    gradient_accumulation_steps: Annotated[int, Range(minimum=2)] | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    learning_rate_factors: Factors = field(default=None, kw_only=True, metadata=BEYOND_KERAS)
    weight_decay_factors: Factors = field(default=None, kw_only=True, metadata=BEYOND_KERAS)
    weight_decay_schedule: Annotated[Any, Of("learning rate schedule")] = field(
        default=None, kw_only=True, metadata=BEYOND_KERAS
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.name = self.name or snake_case(type(self).__name__)
        rate = self.learning_rate
        if isinstance(rate, Mapping):
            self.learning_rate = schedules.get(rate)
        elif isinstance(rate, int | float | np.floating) and not isinstance(rate, bool):
            if not (math.isfinite(rate) and rate >= 0):
                raise ArgumentError("learning_rate", "a number >= 0 or a schedule", rate)
            self.learning_rate = float(rate)
        elif not callable(rate):
            raise ArgumentError("learning_rate", "a number >= 0 or a schedule", rate)
        clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        if len(clips) > 1:
            raise ArgumentError(clips[1], f"left out, because {clips[0]} is given", getattr(self, clips[1]))
        for name in ("learning_rate_factors", "weight_decay_factors"):
            check_factors(name, getattr(self, name))
        if self.weight_decay_schedule is not None:
            self.weight_decay_schedule = schedules.get(self.weight_decay_schedule)
        self.batches = self.begun = self.expected = 0
        self.parameters: Parameters | None = None
        self._spared: set[int] = set()
        self._spared_patterns: list[str] = []

    def slots(self) -> tuple[str, ...]:
        """Names of the buffers that the formula remembers from step to step."""
        return ()

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        """Changes weights `w` and `slots` in place for gradient `g`; `scratch` is free memory of the same shape.

        All are one piece of the flat buffers, or one variable each where `whole_variables` is set.
        """
        raise NotImplementedError

    def connect(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array) -> Update:
        """Returns `update` bound to one piece; a subclass may return a faster form of the same formula."""

        def update(rate: float) -> None:
            self.update(w, g, slots, scratch, rate)

        return update

    @property
    def iterations(self) -> int:
        """Number of updates made."""
        return self.batches // (self.gradient_accumulation_steps or 1)

    @property
    def step_number(self) -> int:
        """Number of the update being made, from 1."""
        return self.iterations + 1

    def current_learning_rate(self) -> float:
        """The learning rate of the next step."""
        rate = self.learning_rate
        if isinstance(rate, schedules.LearningRateSchedule):
            return rate.at(self.batches, self.fraction)
        return float(rate()) if callable(rate) else rate

    def expect(self, batches: int) -> None:
        """Announces a training of so many batches, from which schedules in fractions of the training count."""
        self.begun, self.expected = self.batches, batches

    @property
    def fraction(self) -> float:
        """How much of the training that was announced is done, from 0 to 1; 0 if none was."""
        return min(1.0, (self.batches - self.begun) / self.expected) if self.expected else 0.0

    def initial_slot(self, name: str) -> float:
        """What a slot is filled with at first."""
        return 0.0

    def build(self, parameters: Parameters) -> None:
        """Takes charge of these weights and makes the slots; what was remembered for others is forgotten."""
        self.parameters = parameters
        self.batches = 0
        size, dtype = parameters.values.size, parameters.values.dtype
        self._descent = openblas.scalar(dtype)  # what bound passes multiply the step against the gradient by
        self._slots = {name: np.full(size, self.initial_slot(name), dtype) for name in self.slots()}
        self._average = parameters.values.copy() if self.use_ema else None
        self._unaveraged: Array | None = None
        self._accumulated = np.zeros(size, dtype) if self.gradient_accumulation_steps else None
        self._flat = [parameters.values, parameters.gradients, *self._slots.values()]
        self._keep = openblas.scalar(dtype, 1)  # what bound passes multiply the weights by where they decay them, too
        self._connect_updates()
        self._constrained = [variable for variable in parameters.variables if variable.constraint]
        clips = self.clipnorm is not None or self.clipvalue is not None or self.global_clipnorm is not None
        self._plain = not (clips or self.weight_decay or self.use_ema or self._accumulated is not None)

    def _connect_updates(self) -> None:
        assert self.parameters is not None
        whole = self.whole_variables
        self._updates = Updates(self.parameters, self._flat, self.connect, self._rates, whole_variables=whole)
        self._pieces = self._updates.pieces

    def _rates(self, variable: Variable) -> tuple[float, float]:
        """The factors of the learning rate of a variable, and of its decay where the updates decay the weights, too."""
        rate = factor_of(self.learning_rate_factors, variable)
        if not (self.weight_decay and self.fuses_decay):
            return rate, 0.0
        return rate, factor_of(self.weight_decay_factors, variable) if self.decays(variable) else 0.0

    @property
    def fuses_decay(self) -> bool:
        """Whether the updates decay the weights, too: w = keep w - step, where `begin` has set `keep`."""
        return False

    def step(self, both: Both | None = None) -> None:
        """One batch's gradients have arrived: updates the weights, or gathers until enough batches have.

        `both` runs two calls at once, for one half of the weights each.
        """
        rate = self.current_learning_rate()
        if self._plain or self._gathered(rate):
            self._updates.run(rate, self._begin, both)
        if self._average is not None:
            self._follow()
        for variable in self._constrained:
            assert variable.constraint is not None
            variable.value[...] = variable.constraint(variable.value)
        self.batches += 1
        # Moments that decay become subnormal in the end, which would slow every later step down.
        if self.batches % SWEEP_STEPS == 0:
            self._sweep()

    def _begin(self, rate: float, decay: float) -> None:
        self._descent.value = -rate
        self._keep.value = 1 - rate * decay * self._current_weight_decay() if decay else 1.0
        self.begin(rate)

    def begin(self, rate: float) -> None:
        """Called before the pieces of a step that share this rate: the place for numbers that they share."""

    def finish(self) -> None:
        """Ends a fit: with `use_ema` the weights become their moving average; the state keeps the weights before."""
        if self._average is not None and self.parameters is not None:
            self._unaveraged = self.parameters.values.copy()
            self.parameters.values[...] = self._average

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: list[str] | None = None) -> None:
        """Spares these variables, and those whose path has a match of one of these patterns, from weight decay."""
        self._spared = {id(variable) for variable in var_list or []}
        self._spared_patterns = list(var_names or [])
        if self.parameters is not None:
            self._connect_updates()

    def decays(self, variable: Variable) -> bool:
        """Whether weight decay applies to a variable."""
        return id(variable) not in self._spared and not any(
            re.search(pattern, variable.path) for pattern in self._spared_patterns
        )

    def decay(self, rate: float) -> None:
        """Weight decay apart from the gradient: w -= rate * weight_decay * w (Loshchilov & Hutter 2017)."""
        assert self.parameters is not None
        if not self.weight_decay:
            return
        chosen = self._spared or self._spared_patterns or self.learning_rate_factors or self.weight_decay_factors
        if not (chosen or self.weight_decay_schedule is not None):
            self.parameters.values *= 1 - rate * self.weight_decay
            return
        for variable in filter(self.decays, self.parameters.variables):
            variable.value *= 1 - rate * self.weight_decay * self.decay_factor(variable)

    def decay_factor(self, variable: Variable) -> float:
        """What the weight decay of a variable is multiplied by at this step, besides the learning rate."""
        factor = factor_of(self.learning_rate_factors, variable) * factor_of(self.weight_decay_factors, variable)
        return factor * self._scheduled_decay()

    def _scheduled_decay(self) -> float:
        schedule = self.weight_decay_schedule
        return 1.0 if schedule is None else float(schedule.at(self.batches, self.fraction))

    def _current_weight_decay(self) -> float:
        return (self.weight_decay or 0.0) * self._scheduled_decay()

    def _gathered(self, rate: float) -> bool:
        assert self.parameters is not None
        gradients = self.parameters.gradients
        if self._accumulated is not None and self.gradient_accumulation_steps:
            self._accumulated += gradients
            if (self.batches + 1) % self.gradient_accumulation_steps:
                return False
            np.divide(self._accumulated, self.gradient_accumulation_steps, out=gradients)
            self._accumulated.fill(0)
        clip(self.parameters, clipvalue=self.clipvalue, clipnorm=self.clipnorm, global_clipnorm=self.global_clipnorm)
        if not self.fuses_decay:
            self.decay(rate)
        return True

    def _follow(self) -> None:
        assert self.parameters is not None
        assert self._average is not None
        self._unaveraged = None
        momentum = self.ema_momentum if self.iterations else 0.0
        self._average *= momentum
        self._average += (1 - momentum) * self.parameters.values
        if self.ema_overwrite_frequency and (self.iterations + 1) % self.ema_overwrite_frequency == 0:
            self.parameters.values[...] = self._average

    def _sweep(self) -> None:
        for array in self._slots.values():
            array[np.abs(array) < TINY] = 0

    def get_state(self) -> dict[str, Array]:
        """Everything remembered between steps, as flat arrays by name; `set_state` continues from it exactly."""
        state = {name: array.copy() for name, array in self._slots.items()}
        state["batches"] = np.asarray(self.batches)
        if not callable(self.learning_rate):
            state["learning_rate"] = np.asarray(self.learning_rate)
        held = {"average": self._average, "accumulated": self._accumulated, "unaveraged": self._unaveraged}
        return state | {name: array.copy() for name, array in held.items() if array is not None}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Continues from what `get_state` gave for the same weights, before the end of a fit averaged them."""
        for name, array in self._slots.items():
            array[...] = state[name]
        self.batches = int(state["batches"])
        if "learning_rate" in state:
            self.learning_rate = float(state["learning_rate"])
        for name, held in (("average", self._average), ("accumulated", self._accumulated)):
            if held is not None:
                held[...] = state[name]
        if "unaveraged" in state and self.parameters is not None:
            was_averaged = np.array_equal(self.parameters.values, state["average"])
            if was_averaged:  # else other weights were put in their place, those of the best epoch for one
                self.parameters.values[...] = state["unaveraged"]


REGISTRY: Registry[Optimizer] = Registry("optimizer", ignore_case=True)
