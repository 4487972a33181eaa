"""What a layer is: fields that are its configuration, weights, and a pair of passes over fixed memory."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from service.nn import config, constraints, initializers, randomness, regularizers
from service.nn.arguments import ArgumentError
from service.nn.registry import Configurable, Registry, snake_case
from service.nn.variable import Parameters, PlannedVariable, Variable

Array = np.ndarray[Any, Any]
Shape = tuple[Any, ...]


class Pass(NamedTuple):
    """A layer connected for one batch shape.

    `forward(x)` never changes x; it returns memory of the layer, which the next call overwrites.
    `backward(dy)` follows its forward, may overwrite dy, stores the gradients of the weights and returns dx.
    A layer whose output is the mean over members may offer `each`, their outputs (members * rows, units) of the last
    forward; `backward` then also takes the gradient by these.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]
    each: Callable[[], Array] | None = None


class Clock:
    """The number of the training step; with the seed it determines every random number of that step.

    `fraction` is how much of the training is done, which schedules of layers follow. `call` counts the calls in
    training by hand, each of which draws noise where no step of a training does.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.step = 0
        self.fraction = 0.0
        self.call = 0

    @property
    def place(self) -> int:
        """Where the random numbers of this step or call begin."""
        return self.step + (self.call << 64)


@dataclass(frozen=True)
class Setting:
    """What a layer must know to connect: whether it trains, in which precision, and its place in the model.

    `fused` says that `backward` receives the gradient before the layer's own activation, `needs_input_gradient` that
    something before this layer has weights to learn. With `takes_ones` the input comes with a last column of ones, with
    `gives_ones` the next layer wants such a column (only to layers that say `joins`). `rows_before` are the rows of the
    batch before these, where the batch is taken in parts.
    """

    training: bool
    dtype: Any
    clock: Clock
    index: int = 0
    needs_input_gradient: bool = True
    fused: bool = False
    parameters: Parameters | None = None
    takes_ones: bool = False
    gives_ones: bool = False
    rows_before: int = 0


REGISTRY: Registry["Layer"] = Registry("layer")


@dataclass(eq=False, repr=False)
class Layer(Configurable):
    """One layer of a model; subclasses create their weights in `build` and implement their formula in `connect`."""

    keras_module: ClassVar[str] = "keras.layers"
    rows_are_independent: ClassVar[bool] = True
    rescales_inputs: ClassVar[bool] = False
    """Whether the layer brings inputs of any size to about the same scale."""
    has_moving_averages: ClassVar[bool] = False
    """Whether the layer predicts with averages that it gathers over many training steps."""

    fuses: ClassVar[bool] = True
    """Whether `backward` can take the gradient before the activation that the layer tells of as its last."""

    _plans = False

    name: str | None = field(default=None, kw_only=True)
    trainable: bool = field(default=True, kw_only=True)
    dtype: str | None = field(default=None, kw_only=True)
    input_shape: tuple | list | None = field(default=None, kw_only=True, metadata={"config": False})  # type: ignore[type-arg]
    input_dim: int | None = field(default=None, kw_only=True, metadata={"config": False})
    batch_input_shape: tuple | list | None = field(default=None, kw_only=True, metadata={"config": False})  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        if isinstance(self.dtype, Mapping):
            self.dtype = self.dtype.get("config", {}).get("name")
        super().__post_init__()
        regularizers.get(getattr(self, "activity_regularizer", None))  # raises where it names none
        self.weights: list[Variable] = []
        self.built = False
        self.initialized = False
        self.weights_seed: int | None = None
        self._calls = 0

    def declared_input_shape(self) -> Shape | None:
        """Shape without rows that `input_dim`, `input_shape` or `batch_input_shape` announced, if any did."""
        if self.batch_input_shape is not None:
            return tuple(self.batch_input_shape[1:])
        if self.input_shape is not None:
            return tuple(self.input_shape)
        return None if self.input_dim is None else (self.input_dim,)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs of this shape (rows first, None for any number of rows)."""
        self.built = True

    def weight_shapes(self, input_shape: Shape) -> list[Shape]:
        """Returns the shapes of the weights that `build` makes for this input shape, without allocating them."""
        planned = copy.copy(self)
        planned.weights, planned._plans = [], True
        planned.build(input_shape)
        return [tuple(weight.shape) for weight in planned.weights]

    @property
    def initializes_from_data(self) -> bool:
        """Whether initial weights depend on the rows of the training."""
        return False

    def initialize_from(self, x: Array, y: Array) -> None:
        """Makes the initial weights that depend on data, from this layer's inputs and the targets of training rows."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the output for inputs of this shape, rows first."""
        return tuple(input_shape)

    @property
    def vocabulary(self) -> int | None:
        """How many whole numbers from 0 the layer looks up in a table; None where inputs are numbers of any size."""
        return None

    @property
    def rescales_outputs(self) -> bool:
        """Whether the layer brings what the network makes to the scale of the targets."""
        return False

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """Forward and backward for inputs of exactly this shape."""
        raise NotImplementedError

    @property
    def output_activation(self) -> str | None:
        """Name of the activation that produced the output, if its backward pass can be left out."""
        return None

    @property
    def joins(self) -> bool:
        """Whether the layer can take, and append to its output, a last column of ones."""
        return False

    @property
    def penalty(self) -> regularizers.Regularizer | None:
        """The penalty on this layer's output."""
        return regularizers.get(getattr(self, "activity_regularizer", None))

    def add_weight(
        self,
        shape: Shape,
        initializer: Any,
        name: str,
        *,
        regularizer: Any = None,
        constraint: Any = None,
        trainable: bool = True,
    ) -> Variable:
        """A new weight, initialized from the layer's seed."""
        initial = initializers.get("glorot_uniform" if initializer is None else initializer)
        if self._plans:
            planned = PlannedVariable(name, shape, initializer=initial, trainable=trainable)
            self.weights.append(planned)
            return planned
        rng = randomness.generator(self._own_seed(), randomness.WEIGHTS, len(self.weights))
        variable = Variable(
            name,
            initial.initialize(shape, self.dtype or config.floatx(), rng),
            initializer=initial,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
            trainable=trainable,
        )
        variable.path = f"{self.name or snake_case(type(self).__name__)}/{name}"
        self.weights.append(variable)
        return variable

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [weight for weight in self.weights if weight.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves to the layer itself."""
        trainable = self.trainable_weights
        return [weight for weight in self.weights if weight not in trainable]

    def get_weights(self) -> list[Array]:
        """Copies of the weights, in Keras's order."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: list[Array]) -> None:
        """Replaces the weights; ValueError unless number and shapes agree."""
        if len(weights) != len(self.weights):
            raise ValueError(f"Layer {self.name!r} has {len(self.weights)} weights; received {len(weights)}.")
        for variable, value in zip(self.weights, weights, strict=True):
            variable.assign(value)
        self.initialized = True

    def count_params(self) -> int:
        """Number of single numbers in the weights."""
        return sum(weight.value.size for weight in self.weights)

    def __call__(self, x: Any, training: bool = False) -> Array:
        x = np.asarray(x)
        if not np.issubdtype(x.dtype, np.floating):
            x = x.astype(config.floatx())
        if not self.built:
            self.dtype = self.dtype or str(x.dtype)
            self.build((None, *x.shape[1:]))
        clock = Clock(self._own_seed())
        if training:  # each call draws noise of its own
            clock.call, self._calls = self._calls, self._calls + 1
        setting = Setting(training=training, dtype=x.dtype, clock=clock)
        return self.connect(x.shape, setting).forward(x).copy()

    def _own_seed(self) -> int:
        if self.weights_seed is None:
            self.weights_seed = randomness.next_seed()
        return self.weights_seed

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The layer that `get_config` described."""
        return super().from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def require_width(layer: Layer, input_shape: Shape) -> int:
    """Size of the last axis; a layer with weights cannot be built without it."""
    if len(input_shape) < 2 or input_shape[-1] is None:
        raise ArgumentError("input_shape", f"known in its last axis to build {layer.name!r}", input_shape)
    return int(input_shape[-1])
