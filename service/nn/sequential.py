"""Sequential: a model that is a stack of layers."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from service.nn import config, layers, randomness, summary
from service.nn.arguments import ArgumentError
from service.nn.engine.network import Network
from service.nn.layers.input_layer import InputLayer
from service.nn.layers.layer import Clock, Layer
from service.nn.registry import serialize, snake_case
from service.nn.trainer import Trainer
from service.nn.variable import Parameters, Variable

Array = np.ndarray[Any, Any]


class Sequential(Trainer):
    """Layers one after another, with Keras's `compile`, `fit`, `evaluate` and `predict`.

    `seed` (None: drawn, or from `set_random_seed`) determines the initial weights, the row order and dropout; set it
    before the model is built. Two threads must not use one model at the same time.
    """

    def __init__(self, layers: Sequence[Layer] | None = None, trainable: bool = True, name: str | None = None) -> None:
        self.name = name or "sequential"
        self._trainable = trainable
        self.seed: int | None = None
        self.built = False
        self.stop_training = False
        self.compiled = False
        self._calls = 0
        self._output_shape: tuple[Any, ...] | None = None
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        self._network: Network | None = None
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Appends a layer, and builds the model as soon as the input shape is known."""
        if not isinstance(layer, Layer):
            raise ArgumentError("layer", "a layer", layer)
        if isinstance(layer, InputLayer):
            if self._input is not None or self._layers:
                raise ArgumentError("layer", "no second Input: it belongs first and once", layer.name)
            layer.name = layer.name or "input_layer"
            self._input = layer
            return
        declared = layer.declared_input_shape()
        if declared is not None and not isinstance(layer, layers.REGISTRY.classes().get("Embedding", ())):
            if self._input is None and not self._layers:
                self._input = InputLayer(shape=declared, name="input_layer")
            else:
                warnings.warn(
                    f"{type(layer).__name__} is not the first layer: do not pass it `input_shape` or `input_dim`. "
                    "Begin the model with an `Input(shape)` instead.",
                    UserWarning,
                    stacklevel=3,
                )
        self._name(layer)
        for weight in layer.weights:  # the layer was built before it got its name
            weight.path = f"{layer.name}/{weight.path.partition('/')[2]}"
        self._layers.append(layer)
        was_built, self.built, self._network = self.built, False, None
        if self._input is not None and (was_built or None not in self._input.declared_input_shape()):
            self.build()

    def pop(self) -> Layer:
        """Removes the last layer."""
        if not self._layers:
            raise ValueError("The model has no layers.")
        self.built, self._network = False, None
        layer = self._layers.pop()
        if self._layers and self._input is not None:
            self.build()
        return layer

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input layer."""
        return list(self._layers)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it on every layer."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self._layers:
            layer.trainable = value

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns the layer with this name or at this index; ValueError if there is none."""
        if index is not None:
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No layer is named {name!r}. Known: {', '.join(str(layer.name) for layer in self._layers)}.")

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights; `input_shape` (rows first) is needed only if no layer declares it."""
        if self._input is None:
            if input_shape is None:
                raise ArgumentError("input_shape", "given, because no layer declares it", None)
            self._input = InputLayer(shape=tuple(input_shape[1:]), name="input_layer")
        if self.built:
            if input_shape is not None and tuple(input_shape[1:]) != self.input_shape[1:]:
                raise ArgumentError("input_shape", f"{self.input_shape}, for which the model is built", input_shape)
            return
        if not self._layers:
            raise ValueError("The model has no layers.")
        if self.seed is None:
            self.seed = randomness.next_seed()
        shape: tuple[Any, ...] = (None, *self._input.declared_input_shape())
        for index, layer in enumerate(self._layers):
            layer.dtype = layer.dtype or config.floatx()
            if not layer.built:
                # By the place of the layer, so that no layer's weights depend on how many numbers another one draws.
                layer.weights_seed = int(randomness.generator(self.seed, randomness.WEIGHTS, index).integers(2**62))
                layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))
        self._output_shape = shape
        self.clock = Clock(self.seed)
        self._gather()
        self.built = True

    def _gather(self) -> None:
        """Packs the trainable weights into one contiguous buffer, so that the optimizer updates them in one pass."""
        dtype = self._layers[0].dtype or config.floatx()
        self.parameters = Parameters(self.trainable_variables, dtype)
        self._packed = [variable.path for variable in self.parameters.variables]
        self._network = None

    def network(self) -> Network:
        """The connected layers; connected again after a layer was frozen or unfrozen."""
        self.build()
        # A layer may have been frozen or unfrozen since the weights were packed.
        if [variable.path for variable in self.trainable_variables] != self._packed:
            self._gather()
        if self._network is None:
            shape = self.input_shape[1:]
            self._network = Network(self._layers, shape, self._layers[0].dtype, self.clock, self.parameters)
        return self._network

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """Shape of the inputs: None, for any number of rows, then the axes of a row."""
        if self._input is None:
            raise AttributeError("The model is not built yet; its input shape is not known.")
        return (None, *self._input.declared_input_shape())

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """Shape of the outputs: None, for any number of rows, then the axes of a row."""
        if self._output_shape is None:
            raise AttributeError("The model is not built yet; its output shape is not known.")
        return self._output_shape

    @property
    def weights(self) -> list[Variable]:
        """All weights in Keras's order: layer after layer, trainable ones of a layer first."""
        return [weight for layer in self._layers for weight in layer.weights]

    variables = weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that gradients change."""
        return [weight for layer in self._layers for weight in layer.trainable_weights] if self.trainable else []

    trainable_weights = trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that gradients do not change, such as moving averages."""
        trainable = {id(weight) for weight in self.trainable_variables}
        return [weight for weight in self.weights if id(weight) not in trainable]

    def get_weights(self) -> list[Array]:
        """Returns copies of all weights, in Keras's order."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replaces all weights; ValueError unless number and shapes agree."""
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(f"The model has {len(own)} weights; received {len(weights)}.")
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)
        for layer in self._layers:
            layer.initialized = True

    def count_params(self) -> int:
        """Returns the number of parameters: the sizes of all weights together."""
        return sum(layer.count_params() for layer in self._layers)

    def summary_rows(self) -> list[summary.LayerSummary]:
        """Returns the lines that `summary` prints, as data."""
        self.build()
        return summary.rows(self._layers, self.input_shape)

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints each layer's output shape and parameters (or hands the text to `print_fn`)."""
        frozen = sum(weight.value.size for weight in self.non_trainable_weights)
        known = self.built or self._input is not None
        rows = self.summary_rows() if known else summary.unbuilt_rows(self._layers)
        table = summary.text(self.name, rows, self.count_params() - frozen, frozen)
        (print_fn or print)(table)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """Returns the shape of the output for inputs of this shape, rows first."""
        shape = tuple(input_shape)
        for layer in self._layers:
            shape = tuple(layer.compute_output_shape(shape))
        return shape

    def get_config(self) -> dict[str, Any]:
        """Returns the name and the layers, input layer first, in Keras's form."""
        stack: list[Layer] = [] if self._input is None else [self._input]
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [layers.serialize(layer) for layer in [*stack, *self._layers]],
        }
        if self._input is not None:
            config["build_input_shape"] = list(self.input_shape)
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | Sequence[Any]) -> Self:
        """Returns a model with the layers that `get_config` described, and new weights."""
        if not isinstance(config, Mapping):
            config = {"layers": config}
        stack = [layers.deserialize(item) for item in config["layers"]]
        model = cls(stack, trainable=config.get("trainable", True), name=config.get("name"))
        shape = config.get("build_input_shape")
        if not model.built and shape is not None:
            model.build(tuple(shape))
        return model

    def to_json(self, **kwargs: Any) -> str:
        """Returns the model without its weights as JSON in the form of Keras 3; `kwargs` go to `json.dumps`."""
        form: dict[str, Any] = {
            "module": "keras",
            "class_name": "Sequential",
            "config": self.get_config(),
            "registered_name": None,
        }
        if self._input is not None:
            form["build_config"] = {"input_shape": list(self.input_shape)}
        if self.compiled:
            form["compile_config"] = {key: serialize(value) for key, value in self._compile_arguments.items()}
        return json.dumps(form, **kwargs)

    @property
    def compile_arguments(self) -> dict[str, Any]:
        """The arguments that `compile` got, with the optimizer as an object."""
        return dict(self._compile_arguments)

    def __call__(self, x: Any, training: bool = False) -> Array:
        x = np.asarray(x, config.floatx() if not self.built else None)
        if not self.built:
            self.build((None, *x.shape[1:]))
        network = self.network()
        x = np.ascontiguousarray(x, network.dtype)
        if not training:
            return network.connection(len(x)).forward(x).copy()
        self._calls = self.clock.call = self._calls + 1
        try:
            return network.connection(len(x), training=True).forward(x).copy()
        finally:
            self.clock.call = 0

    def _name(self, layer: Layer) -> None:
        taken = {other.name for other in self._layers}
        if layer.name is None:
            name, number = snake_case(type(layer).__name__), 0
            while (candidate := name if not number else f"{name}_{number}") in taken:
                number += 1
            layer.name = candidate
        elif layer.name in taken:
            raise ArgumentError("name", "different for each layer", layer.name)
        for weight in layer.weights:  # those of a layer that was built before it got its name
            weight.path = f"{layer.name}/{weight.name}"
