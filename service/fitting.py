"""Fitting: one network on one dataset, from the beginning or from where an earlier attempt was broken off."""

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.data.datasets import Dataset
from service.nn import Sequential, callbacks
from service.nn.training_state import StateMismatch, TrainingState
from service.spec import TrainingRequest
from service.task import Task

_log = logging.getLogger("fitd.training")


def fit(
    model: Sequential,
    arguments: Mapping[str, Any],
    watchers: Sequence[callbacks.Callback],
    states: Iterable[TrainingState],
) -> None:
    """Trains a compiled model, from the first of the states that is one of this training."""
    for state in itertools.chain(states, [None]):
        if state is not None:
            model.resume_from(state)
        try:
            model.fit(**arguments, callbacks=watchers, verbose=0)
        except StateMismatch as mismatch:
            _log.warning("A stored state is not one of this training: %s", mismatch)
            continue
        return


def fit_arguments(request: TrainingRequest, dataset: Dataset, task: Task) -> dict[str, Any]:
    """The arguments of `fit` for a dataset and its validation part."""
    fit = request.fit
    validation: tuple[Any, ...] | None = None
    if dataset.validation is not None:
        held = dataset.validation
        validation = (held.x, task.encoded(held.y))
        validation += () if held.sample_weight is None else (held.sample_weight,)
    return {
        "x": dataset.x,
        "y": task.encoded(dataset.y),
        "epochs": fit.epochs,
        "batch_size": fit.batch_size,
        "validation_split": fit.validation_split,
        "validation_data": validation,
        "validation_freq": fit.validation_freq,
        "validation_batch_size": fit.validation_batch_size,
        "shuffle": fit.shuffle,
        "class_weight": task.class_weights(fit, dataset),
        "sample_weight": dataset.sample_weight,
    }
