"""Stopping when a metric no longer improves."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from service.nn.arguments import Range
from service.nn.callbacks.callback import REGISTRY, Callback, Logs, wants_larger, watched
from service.nn.registry import Configurable

_BEST = "best_weights."


@REGISTRY.register()
@dataclass
class EarlyStopping(Configurable, Callback):
    """Stops after `patience` epochs in which `monitor` did not improve by more than `min_delta`."""

    keras_module: ClassVar[str] = "keras.callbacks"

    monitor: str = "val_loss"
    min_delta: float = 0
    patience: Annotated[int, Range(minimum=0)] = 0
    verbose: int = 0
    mode: Literal["auto", "min", "max"] = "auto"
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: Annotated[int, Range(minimum=0)] = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets earlier trainings."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def get_state(self) -> dict[str, Any]:
        """The best so far, and how long ago that was."""
        weights = {f"{_BEST}{i}": array for i, array in enumerate(self.best_weights or ())}
        plain = ("wait", "stopped_epoch", "best", "best_epoch")
        return {name: getattr(self, name) for name in plain} | weights

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The best so far, its weights among it."""
        super().set_state({name: value for name, value in state.items() if not name.startswith(_BEST)})
        count = sum(name.startswith(_BEST) for name in state)
        self.best_weights = [state[f"{_BEST}{i}"] for i in range(count)] or None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Counts the epochs without improvement."""
        wants_larger(self)  # raises where the direction is not known
        current = watched(self.monitor, logs)
        if current is None:
            warnings.warn(
                f"Early stopping watches {self.monitor!r}, which is not among {sorted(logs or {})}.",
                stacklevel=2,
            )
            return
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)
        self.wait += 1
        if self._improves(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._remember(epoch)
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restores the best weights, if `restore_best_weights` is set."""
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def _remember(self, epoch: int) -> None:
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def _improves(self, value: float, reference: float | None) -> bool:
        if reference is None:
            return True
        if wants_larger(self):
            return value - abs(self.min_delta) > reference
        return value + abs(self.min_delta) < reference
