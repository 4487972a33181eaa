"""The verb train: a request and a dataset become weights, knowing nothing of SQL, HTTP or processes."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.checks.fits import class_weights, resolved_loss
from service.checks.targets import encoded, wanted_by
from service.config import VERSION
from service.datasets import Dataset
from service.errors import TrainingFailed
from service.formats.weights import digest, pack
from service.nn import Sequential, blas, callbacks
from service.spec import TrainingRequest
from service.spec.vocabulary import made


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training made: weights as safetensors bytes, and everything worth knowing about them."""

    spec: dict[str, Any]
    compile: dict[str, Any]
    fit: dict[str, Any]
    summary: list[dict[str, Any]]
    metrics: dict[str, float | None]
    history: dict[str, list[float]]
    input: dict[str, Any]
    output: dict[str, Any]
    weights: bytes
    sha256: str
    environment: dict[str, Any]
    timing: dict[str, Any]


def train(
    request: TrainingRequest | Mapping[str, Any],
    dataset: Dataset,
    callbacks: Sequence[callbacks.Callback] = (),
) -> TrainingResult:
    """Trains the network and answers its weights; the same request, seed and data give the same weights.

    `callbacks` see every epoch after the request's own. `TrainingFailed` if the loss stops being a number.
    """
    if not isinstance(request, TrainingRequest):
        request = TrainingRequest.from_json_dict(request)
    started = time.perf_counter()
    model = request.spec.build(dataset.columns, seed=request.fit.seed)
    model.compile(**request.compile.arguments())
    watchers = [NumberGuard(), *(made("callback", one) for one in request.fit.callbacks), *callbacks]
    built = time.perf_counter()
    with np.errstate(all="ignore"):
        history = model.fit(**_fit_arguments(request, dataset, model), callbacks=watchers, verbose=0).history
    fitted = time.perf_counter()
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    asked = request.to_json_dict()
    asked.setdefault("fit", {})["seed"] = model.seed
    return TrainingResult(
        spec=asked["spec"],
        compile=asked["compile"],
        fit=asked["fit"],
        summary=[dict(row) for row in model.summary_rows()],
        metrics={name: _finite(values[-1]) for name, values in history.items()},
        history=history,
        input={"features": None, "shape": [None, dataset.columns]},
        output={"classes": dataset.classes and list(dataset.classes), "shape": [None, *model.output_shape[1:]]},
        weights=weights,
        sha256=digest(weights),
        environment=environment(),
        timing={"build_seconds": built - started, "fit_seconds": fitted - built},
    )


def load_dataset(content: bytes) -> Dataset:
    """The dataset that was stored as these bytes."""
    return Dataset.from_bytes(content)


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


class NumberGuard(callbacks.Callback):
    """Ends a training whose loss is no longer a number, and says since when."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the losses of the epoch."""
        for name in ("loss", "val_loss"):
            value = (logs or {}).get(name, 0.0)
            if not np.isfinite(value):
                word = "NaN" if np.isnan(value) else "infinite"
                hint = "Try a smaller learning rate, scaled inputs, or clipnorm."
                said = f"{name} became {word} in epoch {epoch + 1} of {self.params['epochs']}. {hint}"
                raise TrainingFailed(said, code="non_finite_loss")


def _fit_arguments(request: TrainingRequest, dataset: Dataset, model: Sequential) -> dict[str, Any]:
    fit, units = request.fit, int(model.output_shape[-1])
    want = wanted_by(resolved_loss(request.compile, dataset.y, units))
    validation: tuple[Any, ...] | None = None
    if dataset.validation is not None:
        held = dataset.validation
        validation = (held.x, encoded(held.y, want, units))
        validation += () if held.sample_weight is None else (held.sample_weight,)
    return {
        "x": dataset.x,
        "y": encoded(dataset.y, want, units),
        "epochs": fit.epochs,
        "batch_size": fit.batch_size,
        "validation_split": fit.validation_split,
        "validation_data": validation,
        "validation_freq": fit.validation_freq,
        "validation_batch_size": fit.validation_batch_size,
        "shuffle": fit.shuffle,
        "class_weight": class_weights(request, dataset),
        "sample_weight": dataset.sample_weight,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
