"""The announcement of a model's input shape."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from service.nn.arguments import ArgumentError
from service.nn.layers.layer import REGISTRY, Layer, Pass, Setting, Shape


@REGISTRY.register()
@dataclass(eq=False, repr=False)
class InputLayer(Layer):
    """Passes its input on unchanged; `shape` is that of one row."""

    shape: tuple | list | int | None = None  # type: ignore[type-arg]
    batch_size: int | None = None
    _: KW_ONLY
    sparse: bool | None = None
    ragged: bool | None = None
    batch_shape: tuple | list | None = None  # type: ignore[type-arg]
    optional: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.shape, int):
            self.shape = (self.shape,)
        super().__post_init__()
        for other, value in (("shape", self.shape), ("batch_size", self.batch_size)):
            if value is not None and self.batch_shape is not None:
                raise ArgumentError("batch_shape", f"left out, because {other} is given", self.batch_shape)
        for name in ("sparse", "ragged"):
            if getattr(self, name):
                raise ArgumentError(name, "false: inputs are dense arrays", True)
        declared = super().declared_input_shape()
        if self.batch_shape is None:
            if self.shape is None and declared is None:
                raise ArgumentError("shape", "given, such as (100,)", None)
            self.batch_shape = (self.batch_size, *(self.shape if self.shape is not None else declared or ()))
        self.batch_shape = tuple(int(size) if isinstance(size, np.integer) else size for size in self.batch_shape)
        self.shape = tuple(self.batch_shape[1:])
        for size in self.shape:
            if size is not None and (not isinstance(size, int) or size < 1):
                raise ArgumentError("shape", "made of integers >= 1", self.shape)

    def declared_input_shape(self) -> Shape:
        """The shape of one row."""
        assert self.batch_shape is not None
        return tuple(self.batch_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Keras's form: the batch shape, and flags that have no meaning here."""
        return {
            "batch_shape": [None, *self.declared_input_shape()],
            "dtype": self.dtype or "float32",
            "sparse": False,
            "ragged": False,
            "name": self.name,
        }

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """The identity."""
        return Pass(lambda x: x, lambda dy: dy)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: None = None,
    optional: bool = False,
) -> InputLayer:
    """The input of a Sequential model; `shape` is that of one row, such as (100,)."""
    return InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        optional=optional,
    )
