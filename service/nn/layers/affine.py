"""The scale and shift for each unit that normalizing layers share."""

from typing import Annotated, Any

from service.nn.arguments import ArgumentError, Range
from service.nn.layers.layer import Array, Layer, Shape
from service.nn.variable import Variable

Epsilon = Annotated[float, Range(minimum=0)]
Axis = int | list | tuple  # type: ignore[type-arg]


class Affine(Layer):
    """y = gamma x^ + beta, with weights only where `scale` and `center` ask for them."""

    # The gradients are looked up in backward, so that halves of a batch on two threads would write over each other.
    rows_are_independent = False
    rescales_inputs = True

    gamma: Variable | None = None
    beta: Variable | None = None

    def _add_affine(self, shape: Shape, *, scale: bool, center: bool) -> None:
        if scale:
            self.gamma = self.add_weight(
                shape,
                getattr(self, "gamma_initializer", "ones"),
                "gamma" if hasattr(self, "gamma_initializer") else "scale",
                regularizer=getattr(self, "gamma_regularizer", None),
                constraint=getattr(self, "gamma_constraint", None),
            )
        if center:
            self.beta = self.add_weight(
                shape,
                getattr(self, "beta_initializer", "zeros"),
                "beta",
                regularizer=getattr(self, "beta_regularizer", None),
                constraint=getattr(self, "beta_constraint", None),
            )

    def _affine(self, x: Array, shape: Shape) -> Array:
        if self.gamma is not None:
            x = x * self.gamma.value.reshape(shape)
        return x if self.beta is None else x + self.beta.value.reshape(shape)

    def _affine_backward(self, dy: Array, x: Array, shape: Shape, summed: tuple[int, ...]) -> Array:
        """Stores the gradients of gamma and beta, and returns the gradient of x^."""
        if self.trainable and self.gamma is not None:
            self.gamma.gradient[...] = (dy * x).sum(axis=summed).reshape(self.gamma.shape)
        if self.trainable and self.beta is not None:
            self.beta.gradient[...] = dy.sum(axis=summed).reshape(self.beta.shape)
        return dy if self.gamma is None else dy * self.gamma.value.reshape(shape)


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes that `axis` names, counted from the first and in order; `ArgumentError` unless they are of a row."""
    given = [axis] if isinstance(axis, int) else list(axis)
    of_row = f"an axis of a row, from 1 to {rank - 1} or from -{rank - 1} to -1"
    for one in given:
        if isinstance(one, bool) or not isinstance(one, int) or not -rank < one < rank or not one:
            raise ArgumentError("axis", of_row, one)
    if not given or len({one % rank for one in given}) < len(given):
        raise ArgumentError("axis", "one or more axes, each once", given)
    if min(given) < 0 < max(given):
        raise ArgumentError("axis", "counted from the same end", given)
    return tuple(sorted(one % rank for one in given))
