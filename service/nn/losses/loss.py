"""The base class of losses: a value for each row, its gradient, and the reduction of rows to one number."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from service.nn.arguments import ArgumentError
from service.nn.meaning import ANY_NUMBER, Interval, Targets
from service.nn.registry import Configurable, Registry

Array = np.ndarray[Any, Any]
Reduction = Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"] | None
EPSILON = 1e-7


class Loss(Configurable):
    """A number for each row of predictions, which training minimizes.

    `call(y_true, y_pred)` returns the values, of shape `y_pred.shape[:-1]`, and `gradient` the derivative of their
    sum by y_pred. Calling the loss reduces the values to one number. The class variables say what the loss needs from a
    training; everything that checks, encodes or explains targets and outputs reads them.
    """

    keras_module: ClassVar[str] = "keras.losses"
    targets: ClassVar[Targets] = Targets.NUMBERS
    """What the targets mean."""
    target_range: ClassVar[Interval] = ANY_NUMBER
    """The least and the most value that a target may have."""
    output_range: ClassVar[Interval] = ANY_NUMBER
    """The least and the most output of which the loss can be computed."""
    takes_margins: ClassVar[bool] = False
    """Whether outputs are scores from -1 to 1 and no probabilities, as for a hinge."""
    grows_with_targets: ClassVar[bool] = False
    """Whether targets far from zero make the loss and its gradient large."""
    reduction: Reduction
    name: str | None

    @property
    def takes_classes(self) -> bool:
        """Whether a target is the index of a class, without an axis for the outputs."""
        return self.targets is Targets.CLASS_INDICES

    @property
    def takes_logits(self) -> bool:
        """Whether this loss applies the sigmoid or softmax to the outputs itself (`from_logits`)."""
        return bool(getattr(self, "from_logits", False))

    @property
    def can_take_logits(self) -> bool:
        """Whether this loss has the argument `from_logits`."""
        return hasattr(self, "from_logits")

    @property
    def ignored_class(self) -> int | None:
        """The class whose rows do not count, if there is one."""
        return getattr(self, "ignore_class", None)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """The loss of each row."""
        raise NotImplementedError

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Derivative of `call(y_true, y_pred).sum()` by y_pred, shape of y_pred."""
        raise NotImplementedError

    def mask(self, y_true: Array) -> Array | None:
        """Which rows count; None is all of them."""
        return None

    def fuses_with(self, activation: str | None) -> bool:
        """Whether the gradient through this last activation has a shorter form (`fused`)."""
        return False

    def fused(self, shape: tuple[int, ...], dtype: Any, *, unit_rows: bool) -> Callable[[Array, Array], Array]:
        """The gradient of the sum by the input of the last activation, over fixed memory.

        `unit_rows` promises that every row of the targets sums to one.
        """
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_pred = np.asarray(y_pred)
        y_true = self.prepare(np.asarray(y_true), y_pred.shape, y_pred.dtype)
        values = self.call(y_true, y_pred)
        if self.reduction in ("none", None):
            return values if sample_weight is None else _weighted(values, sample_weight)
        weights = self.row_weights(y_true, values.shape, values.dtype, sample_weight)
        return float((values * weights).sum())

    def rows(self, y_true: Any, y_pred: Any) -> Array:
        """The loss of each row, from targets in any accepted form."""
        y_pred = np.asarray(y_pred)
        return self.call(self.prepare(np.asarray(y_true), y_pred.shape, y_pred.dtype), y_pred)

    def prepare(self, y_true: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        """Targets in the shape and type that `call` wants, for predictions of `shape`."""
        check_axis(getattr(self, "axis", -1), len(shape), is_last=self.takes_classes)
        if self.takes_classes:
            if y_true.ndim == len(shape) and y_true.shape[-1] == 1:
                y_true = y_true[..., 0]
            return y_true.astype(np.int64, copy=False)
        if y_true.ndim == len(shape) - 1 and shape[-1] == 1:
            y_true = y_true[..., None]
        if y_true.shape != shape:
            raise ArgumentError("y_true", f"of shape {shape}", y_true.shape)
        return y_true.astype(dtype, copy=False)

    def row_weights(self, y_true: Array, shape: tuple[int, ...], dtype: Any, sample_weight: Any = None) -> Array:
        """The factor of each row in the reduced loss: its weight over what the reduction divides by."""
        weights = np.ones(shape, dtype)
        mask = self.mask(y_true)
        if mask is not None:
            weights *= mask
            if self.reduction in ("sum_over_batch_size", "mean") and mask.any():
                weights *= mask.size / mask.sum()
        if sample_weight is not None:
            given = _aligned(sample_weight, len(shape), dtype)
            if given.ndim > len(shape) or any(
                one not in (1, size) for one, size in zip(given.shape, shape, strict=True)
            ):
                raise ArgumentError("sample_weight", f"one for each of {shape[0]} rows", np.shape(sample_weight))
            weights *= given
        if self.reduction in ("sum_over_batch_size", "mean"):
            weights /= max(1, weights.size)
        elif self.reduction == "mean_with_sample_weight":
            weights /= max(weights.sum(), EPSILON)
        return weights


def check_axis(axis: int, rank: int, *, is_last: bool) -> None:
    """`ArgumentError` unless outputs of this rank have such an axis; with `is_last` it must be the last one."""
    if axis in (-1, rank - 1):
        return
    if is_last:
        raise ArgumentError("axis", "-1, the last axis", axis)
    if not -rank <= axis < rank:
        raise ArgumentError("axis", f"from -{rank} to {rank - 1}", axis)


def _weighted(values: Array, sample_weight: Any) -> Array:
    """Each value times its weight; a column of weights makes a column of values, as in Keras."""
    weights = np.asarray(sample_weight, values.dtype)
    if values.ndim == 1 and weights.ndim == 2 and weights.shape[-1] == 1:
        values = values[:, None]
    return values * _aligned(weights, values.ndim, values.dtype)


def _aligned(sample_weight: Any, ndim: int, dtype: Any) -> Array:
    weights = np.asarray(sample_weight, dtype)
    if weights.ndim > ndim and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return weights.reshape(weights.shape + (1,) * (ndim - weights.ndim)) if weights.ndim < ndim else weights


REGISTRY: Registry[Loss] = Registry("loss")
