"""One run of `fit`: its epochs, its position in them, and how it is interrupted and resumed."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from service.nn.callbacks import Callback
from service.nn.engine.batches import Batches, Feed
from service.nn.engine.loop import Loop
from service.nn.training_state import StateMismatch, TrainingState, named
from service.nn.variable import Variable

Array = np.ndarray[Any, Any]
Validate = Callable[[int], dict[str, Any] | None]


class Run:
    """Trains epoch after epoch; another run continues from the state that `capture` returns to identical weights."""

    def __init__(
        self,
        model: Any,
        loop: Loop,
        batches: Batches,
        *,
        steps: int,
        epochs: range,
        shuffle: bool | str,
        watchers: Sequence[Callback],
        validate: Validate,
    ) -> None:
        self._model = model
        self._loop = loop
        self._batches = batches
        self._steps = steps
        self._epochs = epochs
        self._shuffle = shuffle
        self._watchers = watchers
        self._validate = validate

    def go(self, state: TrainingState | None = None) -> None:
        """Runs to the end, from the beginning or a state; raises `StateMismatch` first if the state does not fit."""
        if state is not None:
            self._check(state)
        for watcher in self._watchers:
            watcher.on_train_begin({})
        epoch, step = self._epochs.start, 0
        if state is not None:
            self._restore(state)
            epoch, step = state.epoch, state.step
        done = self._done_before(epoch) + step
        feed = Feed(self._batches.stream(self._shuffle, self._model.clock.seed, self._epochs.start, done))
        logs: dict[str, Any] = {}
        for number in range(epoch, self._epochs.stop):
            logs = self._epoch(number, feed, step)
            step = 0
            if self._model.stop_training:
                break
            if number + 1 < self._epochs.stop:
                self._offer(number + 1, 0)
        self._model.optimizer.finish()
        for watcher in self._watchers:
            watcher.on_train_end(logs)

    def capture(self, epoch: int, step: int) -> TrainingState:
        """Returns a copy of the whole state after `epoch` epochs and `step` batches."""
        arrays = named("weights", {str(i): weight.numpy() for i, weight in enumerate(self._weights())})
        arrays |= named("optimizer", self._model.optimizer.get_state())
        if step:
            arrays |= named("objective", self._loop.objective.get_state())
        remembered: dict[str, Any] = {}
        for place, watcher in enumerate(self._watchers):
            if not _remembers(watcher):
                continue
            values = watcher.get_state()
            kept = {key: value for key, value in values.items() if isinstance(value, np.ndarray)}
            arrays |= named(f"callbacks.{place}", {key: value.copy() for key, value in kept.items()})
            plain = {key: value for key, value in values.items() if key not in kept}
            remembered[str(place)] = {"class_name": type(watcher).__name__, "state": plain}
        return TrainingState(epoch, step, arrays, {"callbacks": remembered, "begun": self._model.optimizer.begun})

    def _epoch(self, number: int, feed: Feed, step: int) -> dict[str, Any]:
        if not step:  # a resumed epoch has already begun
            for watcher in self._watchers:
                watcher.on_epoch_begin(number, {})
        offer = functools.partial(self._offer, number)
        logs = self._loop.train(feed, self._steps_of(number), self._watchers, self._model, done=step, offer=offer)
        measured = self._validate(number)
        logs |= {f"val_{name}": value for name, value in (measured or {}).items()}
        for watcher in self._watchers:
            watcher.on_epoch_end(number, logs)
        return logs

    def _steps_of(self, number: int) -> int:
        """Returns the number of batches in an epoch, which ends, as in Keras, where the rows end."""
        begun = self._done_before(number) % self._batches.steps
        steps = min(self._steps, self._batches.steps - begun)
        if steps < self._steps:
            said = f"The rows give {steps} of the {self._steps} batches of an epoch, which ends with them."
            warnings.warn(said, UserWarning, stacklevel=4)
        return steps

    def _done_before(self, number: int) -> int:
        """The batches of all epochs before this one."""
        epochs, of_pass = number - self._epochs.start, self._batches.steps
        passes, within = divmod(epochs, -(-of_pass // self._steps))
        return passes * of_pass + within * self._steps

    def _offer(self, epoch: int, step: int) -> None:
        capture = functools.partial(self.capture, epoch, step)
        for watcher in self._watchers:
            watcher.on_resume_point(epoch, step, capture)

    def _weights(self) -> list[Variable]:
        weights: list[Variable] = self._model.weights
        return weights

    def _check(self, state: TrainingState) -> None:
        first, last = self._epochs.start, self._epochs.stop - 1
        if not first <= state.epoch <= last:
            raise StateMismatch("state.epoch", f"from {first} to {last}", state.epoch)
        if not 0 <= state.step < self._steps:
            raise StateMismatch("state.step", f"from 0 to {self._steps - 1}", state.step)
        own = {
            "weights": {str(i): weight.value for i, weight in enumerate(self._weights())},
            "optimizer": self._model.optimizer.get_state(),
        }
        if state.step:
            own["objective"] = self._loop.objective.get_state()
        for part, arrays in own.items():
            given = state.part(part)
            if part == "objective":  # metrics may grow their arrays with the first batch
                expected: Any = set(arrays) - set(given)
                received: Any = set()
            else:
                expected = {name: array.shape for name, array in arrays.items()}
                received = {name: array.shape for name, array in given.items()}
            if expected != received:
                raise StateMismatch(f"state.{part}", f"{expected}", received)
        for place, watcher in enumerate(self._watchers):
            known = state.meta["callbacks"].get(str(place), {}).get("class_name")
            expected = type(watcher).__name__ if _remembers(watcher) else None
            if known != expected:
                raise StateMismatch(f"state.callbacks.{place}", f"{expected}", known)

    def _restore(self, state: TrainingState) -> None:
        state.restore(self._model)
        self._model.optimizer.begun = state.meta.get("begun", 0)
        if state.step:
            self._loop.objective.set_state(state.part("objective"))
        for place, watcher in enumerate(self._watchers):
            remembered = state.meta["callbacks"].get(str(place))
            if remembered is not None:
                watcher.set_state(remembered["state"] | state.part(f"callbacks.{place}"))


def _remembers(watcher: Callback) -> bool:
    return type(watcher).get_state is not Callback.get_state
