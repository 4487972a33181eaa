"""The verb train: a request and a dataset become weights, knowing nothing of SQL, HTTP or processes."""

import logging
import math
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from service.bagging import Bagging, Members, add_partial, mean_history, mean_metrics, out_of_fold
from service.config import VERSION
from service.data.datasets import Dataset
from service.data.features import Prepared, prepare
from service.data.features.typical import typical_row
from service.data.tables import Table
from service.errors import Finding, Findings
from service.evaluation import Certainty, HeldOut, held_out_score, is_worse_than_mean, measure, score_of
from service.fitting import fit, fit_arguments
from service.formats.metric_values import MetricValue, finite
from service.formats.weights import pack
from service.guards import BestWeights, Description, NumberGuard, TimeLimit
from service.jobs import CancelRequested, Keep
from service.nn import Sequential, callbacks
from service.nn.engine import blas
from service.nn.training_state import TrainingState
from service.spec import TrainingRequest
from service.spec.certainty import CertaintySpec
from service.spec.data import DataSpec
from service.spec.vocabulary import made
from service.task import AskedLoss, OutputMeaning, Task
from service.task.bag import bag, named_weights
from service.task.network import scale_of
from service.task.start import Start
from service.task.target_scale import TargetScale
from service.versions import NewVersion

_log = logging.getLogger("fitd.training")


def train(
    request: TrainingRequest | Mapping[str, Any],
    data: Dataset | Table,
    callbacks: Sequence[callbacks.Callback] = (),
    states: Iterable[TrainingState] = (),
    *,
    start: Start | None = None,
) -> NewVersion:
    """Trains the network and answers its weights; the same request, seed and data give the same weights.

    `callbacks` see every epoch after the request's own. The training goes on from the first of the `states` that
    is one of it, and ends as if it had never been broken off; else it begins at `start`, the version in the request's
    `from`, or with weights of its seed. `TrainingFailed` if the loss stops being a number or the time is over. A
    callback's `CancelRequested` that keeps weights gives a partial result.
    """
    if not isinstance(request, TrainingRequest):
        request = TrainingRequest.from_json_dict(request)
    started = time.perf_counter()
    loss = AskedLoss.of(request.compile)
    prepared = _prepared(request, data, start, classifies=loss.classifies)
    dataset = prepared.dataset
    model = request.spec.build(dataset.columns, seed=request.fit.seed)
    scale = TargetScale.of(request, dataset) if start is None else scale_of(start.version)
    task = _task_of(loss, prepared, model, scale)
    model.compile(**task.compilation(request.compile, task.encoded(dataset.y[:1])))
    if start is not None and request.from_ is not None:
        start.give(model, optimizer=bool(request.from_.optimizer))
    del start  # it may be three times as large as the network
    told = _told(request, prepared, model, scale) | {"timing": {"build_seconds": time.perf_counter() - started}}
    if prepared.folds is not None:
        return _bag(Bagging(request, dataset, prepared.folds, task, Description(told), callbacks), states)
    best, limit = BestWeights(), TimeLimit(request.fit.max_seconds)
    guards = [NumberGuard(dataset), limit, best, Description(told)]
    watchers = [*guards, *(made("callback", one) for one in request.fit.callbacks), *callbacks]
    began = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            fit(model, fit_arguments(request, dataset, task), watchers, states)
    except CancelRequested as cancelled:
        if cancelled.keep is None or model.optimizer.batches == 0:
            raise
        past = {"history": model.history.history, "seconds": limit.get_state()["seconds"]}
        return _partial(model, told, cancelled.keep, best, **past)
    seconds, history = time.perf_counter() - began, model.history.history
    metrics = {name: values[-1] for name, values in history.items()}
    kept = math.floor(dataset.rows * (1 - request.fit.validation_split))
    held = HeldOut.to_learn_from(model, task, dataset, kept)
    certainty = Certainty.learn(task, held, request)
    decided = certainty.deciding(task)
    measured = certainty.applied(model, task, request.compile, task.encoded(dataset.y[:1]))
    evaluation = None if dataset.test is None else _evaluation(measured, decided, dataset.test)
    if evaluation is not None:
        metrics |= {f"test_{name}": value for name, value in evaluation["metrics"].items()}
    validated = None if certainty.held is None else certainty.held.predictions
    found = held_out_score(measured, decided, dataset, kept, validated)
    version = _result(model, certainty.added_to(told), history, metrics, seconds, evaluation=evaluation)
    is_told = found is not None and found["skill"] is not None and found["skill"] <= 0
    return replace(version, score=found, warnings=() if is_told else _warnings(model, task, kept, prepared))


def _bag(bagging: Bagging, states: Iterable[TrainingState]) -> NewVersion:
    """The version of a bag, whose score is that of the predictions for rows that a member was trained without."""
    request, task, dataset = bagging.request, bagging.task, bagging.dataset
    with np.errstate(all="ignore"):
        members = bagging.run(states)
    told = bagging.described.told
    if members.partial:
        return _of_members(told, members)
    held = HeldOut("out_of_fold", dataset, out_of_fold(bagging, members.finished))
    version = _of_members(Certainty.learn(task, held, CertaintySpec()).added_to(told), members)
    if dataset.test is None:
        return replace(version, score=score_of(held, task, dataset.y))
    model = bag(request.spec, dataset.columns, [one.weights.values() for one in members.finished])
    model.compile(**task.compilation(request.compile, task.encoded(dataset.y[:1])) | {"optimizer": "sgd"})
    evaluation = _evaluation(model, task, dataset.test)
    metrics = version.metrics | {f"test_{name}": value for name, value in evaluation["metrics"].items()}
    score = held_out_score(model, task, dataset, dataset.rows)
    return replace(version, metrics=_finite(metrics), evaluation=evaluation, score=score)


def _of_members(told: Mapping[str, Any], members: Members) -> NewVersion:
    """The version that has these members; histories and metrics are means over them."""
    known = {
        **told,
        "timing": told["timing"] | {"fit_seconds": members.seconds},
        "environment": told["environment"] | {"members": len(members.finished)},
    }
    return NewVersion(
        **known,
        metrics=_finite(mean_metrics(members.finished)),
        history=mean_history(members.finished),
        weights=pack(named_weights([one.weights for one in members.finished])),
        partial=members.partial,
    )


def _finite(metrics: Mapping[str, MetricValue | None]) -> dict[str, Any]:
    return {name: None if value is None else finite(value) for name, value in metrics.items()}


def _warnings(model: Sequential, task: Task, kept: int, prepared: Prepared) -> tuple[Finding, ...]:
    """What a score does not tell: that the mean is as good where nothing is held out, or for one output of several.

    It was trained on so many of the first rows.
    """
    train = prepared.dataset
    held: Dataset | None = train.test or train.validation
    if held is None and kept < train.rows:
        train, held = Dataset(train.x[:kept], train.y[:kept]), Dataset(train.x[kept:], train.y[kept:])
    with np.errstate(all="ignore"):
        if not is_worse_than_mean(model, task, train, held):
            return ()
    at = "#/data/y" if prepared.targets is None else "#/data/target"
    rows = "the training rows" if held is None else "the rows that were held out"
    said = f"On {rows} the mean of the targets is at least as good a prediction as those of the network."
    hint = "Scale the targets, train longer, or with another learning rate; or the features do not tell the target."
    return (Finding(at, "no_better_than_baseline", f"{said} {hint}"),)


def salvage(state: TrainingState, keep: Keep) -> NewVersion:
    """What a training of `train` had learnt at this moment, as a partial result; it takes no data and no training.

    `ValueError` or `LookupError` if the state is not one of such a training.
    """
    told = state.remembered("Description")["told"]
    asked = {key: value for key, value in told["data"].items() if key in DataSpec.model_fields}
    parts = {part: told[part] for part in ("spec", "compile", "fit")}
    request = TrainingRequest.from_json_dict(parts | {"data": asked})
    model = request.spec.build(told["input"]["shape"][-1], seed=request.fit.seed)
    model.compile(**request.compile.arguments())
    model.optimizer.build(model.parameters)
    state.restore(model)
    best = BestWeights()
    best.set_state(state.remembered("BestWeights"))
    past = {"history": dict(state.remembered("History")["history"])} | state.remembered("TimeLimit")
    if request.folds is None:
        return _partial(model, told, keep, best, **past)
    members = Members.stored(state)
    add_partial(members, model, best, keep, past["history"])
    members.seconds, members.partial = past["seconds"], True
    return _of_members(told, members)


def _partial(
    model: Sequential,
    told: Mapping[str, Any],
    keep: Keep,
    best: BestWeights,
    *,
    history: dict[str, list[Any]],
    seconds: float,
) -> NewVersion:
    """Not measured on the test part: who cancels does not want to wait for that."""
    model.optimizer.finish()
    metrics = best.restore(model) if keep is Keep.BEST else None
    metrics = metrics or {name: values[-1] for name, values in history.items()}
    return _result(model, told, history, metrics, seconds, partial=True)


def _told(request: TrainingRequest, prepared: Prepared, model: Sequential, scale: TargetScale | None) -> dict[str, Any]:
    """What is known of the version before the training begins, as JSON has it."""
    asked, dataset = request.to_json_dict(), prepared.dataset
    return {
        "spec": asked["spec"],
        "compile": asked["compile"],
        "fit": asked.get("fit", {}) | {"seed": model.seed},
        "summary": [dict(row) for row in model.summary_rows()],
        "input": {
            "features": prepared.encoder.features,
            "shape": [None, dataset.columns],
            "typical": typical_row(prepared.encoder, dataset.x),
        },
        "output": {
            "classes": dataset.classes and list(dataset.classes),
            "shape": [None, *model.output_shape[1:]],
            "targets": prepared.targets,
        }
        | ({} if scale is None else {"transform": scale.to_json()}),
        "data": _described(asked.get("data", {}), prepared),
        "environment": environment() | {key: asked[key] for key in ("from",) if key in asked},
    }


def _result(
    model: Sequential,
    told: Mapping[str, Any],
    history: dict[str, list[Any]],
    metrics: Mapping[str, MetricValue],
    seconds: float,
    *,
    partial: bool = False,
    evaluation: dict[str, Any] | None = None,
) -> NewVersion:
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    known = {**told, "timing": told["timing"] | {"fit_seconds": seconds}}
    return NewVersion(
        **known,
        metrics=_finite(metrics),
        history=history,
        evaluation=evaluation,
        weights=weights,
        optimizer=pack(model.optimizer.get_state()),
        partial=partial,
    )


def _prepared(request: TrainingRequest, data: Dataset | Table, start: Start | None, *, classifies: bool) -> Prepared:
    findings = Findings()
    prepared = prepare(
        data,
        request.data or DataSpec(),
        findings,
        classifies=classifies,
        validation_split=request.fit.validation_split,
        learnt=None if start is None else start.learnt,
    )
    if prepared is None:
        raise findings.refusal()
    return prepared


def _described(asked: Mapping[str, Any], prepared: Prepared) -> dict[str, Any]:
    if not asked:
        return {}
    return {**asked, "left_out": list(prepared.left_out), "parts": prepared.parts}


def _task_of(loss: AskedLoss, prepared: Prepared, model: Sequential, scale: TargetScale | None) -> Task:
    dataset = prepared.dataset
    outputs = OutputMeaning.of(model, loss, classes=dataset.classes, target_names=prepared.targets)
    return Task.of(dataset.y, outputs, scale)


def _evaluation(model: Sequential, task: Task, test: Dataset) -> dict[str, Any]:
    """Loss, metrics and report of the test part."""
    with np.errstate(all="ignore"):
        measured = measure(model, task, test)
    return {"part": "test", "rows": test.rows, "metrics": measured.metrics, "report": measured.report}


def environment() -> dict[str, Any]:
    """What the numbers of a training depend on besides its request."""
    built_with = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "fitd": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{built_with['name']} {built_with['version']}",
        "blas_threads": blas.threads(),
        "machine": platform.machine(),
    }
