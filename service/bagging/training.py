"""Bagging: the members of a bag, trained one after the other, each without the fold that it validates with."""

import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bagging.members import History, Member, Members
from service.bagging.part import AsPart
from service.data.datasets import Dataset
from service.fitting import fit_arguments
from service.guards import BestWeights, Description, NumberGuard, TimeLimit
from service.jobs import CancelRequested, Keep
from service.nn import Sequential
from service.nn.callbacks import Callback
from service.nn.training_state import StateMismatch, TrainingState
from service.spec import TrainingRequest
from service.spec.vocabulary import made
from service.task import Task
from service.task.bag import seed_of

Array = NDArray[Any]
Folds = NDArray[np.int32]

_log = logging.getLogger("fitd.training")


@dataclass(frozen=True, slots=True, eq=False)
class Bagging:
    """The training of a bag: what was asked, its rows with the fold of each, and who watches."""

    request: TrainingRequest
    dataset: Dataset
    folds: Folds
    task: Task
    described: Description
    watchers: Sequence[Callback]

    def run(self, states: Iterable[TrainingState]) -> Members:
        """Trains all members, from the first of the states that is one of this training.

        A `CancelRequested` that keeps weights leaves the members so far, and the one at hand if it has begun.
        """
        for state in itertools.chain(states, [None]):
            try:
                members = Members() if state is None else Members.stored(state)
                return self._go_on(members, state)
            except (StateMismatch, LookupError) as mismatch:
                if state is None:
                    raise
                _log.warning("A stored state is not one of this training: %s", mismatch)
        raise AssertionError("a loop that ends with None returns or raises")

    def _go_on(self, members: Members, state: TrainingState | None) -> Members:
        begins = True
        for number in range(len(members.finished), self.request.folds or 1):
            try:
                self._train(number, members, state, begins=begins)
            except _Left:
                return members
            state, begins = None, False
        return members

    def _train(self, number: int, members: Members, state: TrainingState | None, *, begins: bool) -> None:
        """Adds the member of this number, counted from 0; `_Left` where a cancel keeps what there is."""
        request, first = self.request, number * self.request.fit.epochs
        dataset = without_fold(self.dataset, self.folds, number)
        seed = seed_of(number + 1, int(self.described.told["fit"]["seed"]))
        model = request.spec.build(dataset.columns, seed=seed)
        model.compile(**self.task.compilation(request.compile, self.task.encoded(dataset.y[:1])))
        best, limit = BestWeights(), TimeLimit(request.fit.max_seconds, spent=members.seconds)
        watchers = [NumberGuard(dataset), limit, best, self.described, members]
        watchers += [made("callback", one) for one in request.fit.callbacks]
        watchers += [AsPart(one, first, begins=begins) for one in self.watchers]
        if state is not None:
            model.resume_from(replace(state, epoch=state.epoch - first))
        try:
            model.fit(**fit_arguments(request, dataset, self.task), callbacks=watchers, verbose=0)
        except CancelRequested as cancelled:
            has_begun = model.optimizer.batches > 0
            if cancelled.keep is None or not (members.finished or has_begun):
                raise
            if has_begun:
                add_partial(members, model, best, cancelled.keep, model.history.history)
            members.seconds, members.partial = limit.get_state()["seconds"], True
            raise _Left from cancelled
        members.finished.append(Member.of(model, model.history.history))
        members.seconds = limit.get_state()["seconds"]


class _Left(Exception):
    """The training was cancelled, and the members so far are kept."""


def add_partial(members: Members, model: Sequential, best: BestWeights, keep: Keep, history: History) -> None:
    """Adds the member that was being trained, with its best weights or the last."""
    model.optimizer.finish()
    metrics = best.restore(model) if keep is Keep.BEST else None
    members.finished.append(Member.of(model, history, metrics))


def without_fold(dataset: Dataset, folds: Folds, number: int) -> Dataset:
    """The rows that the member of this number is trained on, and as its validation part those of its fold."""
    return replace(_rows(dataset, folds != number), validation=_rows(dataset, folds == number))


def out_of_fold(bagging: Bagging, members: Sequence[Member]) -> Array:
    """For each training row what the member predicts that was trained without it, in the data's units."""
    dataset, task = bagging.dataset, bagging.task
    model = bagging.request.spec.build(dataset.columns, seed=0)
    predictions = np.empty((dataset.rows, *model.output_shape[1:]), np.float32)
    for number, member in enumerate(members):
        model.set_weights(list(member.weights.values()))
        held = bagging.folds == number
        with np.errstate(all="ignore"):
            predictions[held] = task.in_units(model.predict(dataset.x[held], verbose=0))
    return predictions


def _rows(dataset: Dataset, chosen: NDArray[np.bool_]) -> Dataset:
    weight = None if dataset.sample_weight is None else dataset.sample_weight[chosen]
    return Dataset(dataset.x[chosen], dataset.y[chosen], dataset.classes, weight)
