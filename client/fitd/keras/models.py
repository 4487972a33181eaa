"""Keras's Sequential, whose training and predictions happen on a service."""

import math
import re
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fitd.errors import FitdError, JobCancelled
from fitd.keras import printing
from fitd.keras.callbacks import History, LearningRateScheduler
from fitd.keras.layers import InputLayer, Layer
from fitd.keras.session import close_clients, input_width, joined, next_seed, shape_text, shared_client
from fitd.keras.specs import Spec, json_of
from fitd.keras.weights import ordered_weights
from fitd.synchronous.client import Client
from fitd.synchronous.jobs import Job
from fitd.synchronous.models import Model

_INLINE_CELLS = 200_000


class Sequential:
    """A stack of layers; `fit` trains it on the service of the settings, or of `client`."""

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None, *,
        client: Client | None = None,
    ) -> None:  # fmt: skip
        if not trainable:
            raise ValueError("Expected a trainable model; freeze layers instead.")
        self.name = name or "sequential"
        self.stop_training = False
        self.history: History | None = None
        self._layers: list[Any] = list(layers or ())
        self._compiled: dict[str, Any] | None = None
        self._is_fresh = True
        self._weights: list[Any] | None = None
        self._client = client
        self._version: Model | None = None

    @property
    def layers(self) -> list[Any]:
        """The layers but the input."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    @property
    def client(self) -> Client:
        """The client, made when it is first needed."""
        if self._client is None:
            self._client = shared_client()
        return self._client

    @property
    def version(self) -> Model:
        """The trained version on the service."""
        if self._version is None and self._weights is not None:
            document = {"spec": self._spec(), "weights": self._weights}
            if self._compiled is not None:
                document["compile"] = self._compiled
            self._version = self.client.models.import_(document | {"model": self._service_name()})
        if self._version is None:
            raise ValueError("Expected a model that was trained or has weights; call fit or set_weights first.")
        return self._version

    def add(self, layer: Any) -> None:
        """Puts a layer on top."""
        if not isinstance(layer, Layer):
            raise ValueError(f"Expected a layer of fitd.keras.layers; received {type(layer).__name__}.")
        self._layers.append(layer)

    def pop(self) -> None:
        """Takes the top layer off."""
        self._layers.pop()

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
        weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
        jit_compile: Any = "auto", auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Says the optimizer, the loss and the metrics; what changes no number is accepted."""
        if loss_weights is not None:
            raise ValueError("Expected no loss_weights: there is one loss.")
        said = {"optimizer": optimizer, "loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics}
        self._compiled = {key: json_of(value) for key, value in said.items() if value is not None}
        self._is_fresh = True

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Sequence[Any] | None = None, validation_split: float = 0.0, validation_data: Any = None,
        shuffle: bool = True, class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
        validation_batch_size: int | None = None, validation_freq: int = 1,
    ) -> History:  # fmt: skip
        """Trains on the service, prints Keras's lines as the epochs are told, and returns the history."""
        if self._compiled is None or "loss" not in self._compiled:
            raise ValueError("Expected a compiled model; call compile with a loss first.")
        if initial_epoch:
            raise ValueError("Expected initial_epoch 0: a second fit goes on from the first.")
        x, y = np.asarray(x, np.float32), np.asarray(y)
        rows = len(x)
        if validation_data is not None:
            x, y, sample_weight, validation_split = joined(x, y, sample_weight, validation_data)
        fit = {
            "epochs": epochs, "batch_size": batch_size, "validation_split": validation_split, "shuffle": shuffle,
            "class_weight": None if class_weight is None else {str(key): value for key, value in class_weight.items()},
            "validation_batch_size": validation_batch_size, "validation_freq": validation_freq, "seed": next_seed(),
        }  # fmt: skip
        sent = [one for one in callbacks or () if isinstance(one, Spec)]
        planned = [self._planned(one, epochs) for one in sent]
        fit = {key: value for key, value in fit.items() if value is not None}
        request = self._request() | {"fit": fit | ({"callbacks": json_of(planned)} if planned else {})}
        job = self.client.submit(request | {"data": self._data(x, y, sample_weight)})
        kept = rows if validation_data is not None else math.floor(len(x) * (1 - validation_split))
        steps = math.ceil(kept / (batch_size or 32))
        local = [one for one in callbacks or () if not isinstance(one, Spec)]
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        return self._follow(job, local, params, 1 if verbose == "auto" else int(verbose))

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: Any = None) -> Any:
        """The outputs for each row."""
        rows = np.asarray(x, np.float32)
        began = time.monotonic()
        found = self.version.predict(rows)
        self._told(math.ceil(len(rows) / (batch_size or 32)), time.monotonic() - began, {}, verbose)
        return found

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
        sample_weight: Any = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Loss and metrics on these rows."""
        x, y = np.asarray(x, np.float32), np.asarray(y)
        began = time.monotonic()
        data = self._data(x, y, sample_weight)
        answer = self.client.transport.post(f"{self.version._path}:evaluate", {"data": data})
        metrics: dict[str, Any] = answer["metrics"]
        self._told(math.ceil(len(x) / (batch_size or 32)), time.monotonic() - began, metrics, verbose)
        if return_dict:
            return metrics
        return list(metrics.values()) if len(metrics) > 1 else metrics["loss"]

    def summary(self) -> None:
        """Prints the layers, their outputs and their parameters."""
        if self._version is not None:
            found = self._version.describe()["summary"]
        else:
            found = self._validated()
        rows = [
            (self._typed(one, place), shape_text(one["output_shape"]), f"{one['params']:,}")
            for place, one in enumerate(found)
        ]
        total = sum(one["params"] for one in found)
        print(printing.table(self.name, rows, [f"Total params: {total:,}"]))  # noqa: T201 - that is its promise

    def count_params(self) -> int:
        """The number of all weights."""
        found = self._version.describe()["summary"] if self._version is not None else self._validated()
        return sum(one["params"] for one in found)

    def get_weights(self) -> list[Any]:
        """Every weight in Keras's order."""
        if self._version is None and self._weights is not None:
            return [weight.copy() for weight in self._weights]
        return ordered_weights(self.version.export("safetensors"))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets every weight, in Keras's order; the next fit goes on from them."""
        self._weights = [np.asarray(weight, np.float32) for weight in weights]
        self._version = None
        self._is_fresh = True

    def save(self, filepath: str | Path, overwrite: bool = True) -> None:
        """Writes a `.keras` file."""
        if Path(filepath).exists() and not overwrite:
            raise FileExistsError(f"There is a file {filepath} already.")
        self.version.export("keras", filepath)

    def get_config(self) -> dict[str, Any]:
        """The name and the layers."""
        return {"name": self.name, "layers": json_of(self._layers)}

    def _request(self) -> dict[str, Any]:
        if self._version is None and self._weights is None:
            return {"model": self._service_name(), "spec": self._spec(), "compile": self._compiled}
        version = self.version
        start = {"model": version.name, "version": version.version}
        return {"model": version.name, "from": start} | ({"compile": self._compiled} if self._is_fresh else {})

    def _spec(self) -> dict[str, Any]:
        return {"layers": json_of(self._layers)}

    def _service_name(self) -> str:
        plain = re.sub(r"[^A-Za-z0-9._-]", "-", self.name).strip("-._") or "model"
        return f"{plain[:80]}-{secrets.token_hex(4)}"

    def _data(self, x: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
        if x.size + y.size > _INLINE_CELLS:
            return {"dataset": self.client.datasets.upload(x, y, sample_weight=sample_weight).id}
        weights = {} if sample_weight is None else {"sample_weight": np.asarray(sample_weight, np.float32)}
        return {"x": x, "y": y, **weights}

    def _planned(self, callback: Any, epochs: int) -> Any:
        if not isinstance(callback, LearningRateScheduler):
            return callback
        optimizer = (self._compiled or {}).get("optimizer", "rmsprop")
        rate = optimizer.get("learning_rate") if isinstance(optimizer, dict) else None
        name = optimizer if isinstance(optimizer, str) else str(optimizer["class_name"]).lower()
        return callback.planned(epochs, rate if isinstance(rate, float) else 0.01 if name == "sgd" else 0.001)

    def _follow(self, job: Job, callbacks: list[Any], params: dict[str, Any], verbose: int) -> History:
        history = next((one for one in callbacks if isinstance(one, History)), None) or History()
        run = [history, *(one for one in callbacks if one is not history)]
        self.stop_training = False
        for one in run:
            one.set_model(self)
            one.set_params(params)
            one.on_train_begin()
        try:
            self._watch(job, run, params, verbose)
        except KeyboardInterrupt:
            self._interrupted(job)
        with suppress(JobCancelled):
            job.wait(timeout=None)
        if job.version is not None:
            self._version, self._weights, self._is_fresh = job.model, None, False
        self.history = history
        for one in run:
            one.on_train_end()
        return history

    def _watch(self, job: Job, run: list[Any], params: dict[str, Any], verbose: int) -> None:
        for event in job.watch(timeout=None):
            if event.kind != "epoch":
                continue
            epoch, metrics = event.data["epoch"], dict(sorted(event.data["metrics"].items()))
            if verbose:
                print(f"Epoch {epoch}/{params['epochs']}")  # noqa: T201 - Keras's line
                line = printing.epoch_line(params["steps"], event.data.get("seconds") or 0.0, metrics, verbose)
                print(line, flush=True)  # noqa: T201
            for one in run:
                one.on_epoch_begin(epoch - 1)
                one.on_epoch_end(epoch - 1, dict(metrics))
            if self.stop_training:
                job.cancel(keep="last")
                return

    def _interrupted(self, job: Job) -> None:
        """Asks what is to become of the job; without a terminal it goes on."""
        answer = "d"
        if sys.stdin.isatty():
            question = "\nThe training goes on at the service. [d]etach, [c]ancel, or cancel and [k]eep the best? "
            answer = (input(question).strip().lower() or "d")[0]
        if answer == "k":
            job.cancel(keep="best")
            return
        if answer == "c":
            job.cancel()
            raise KeyboardInterrupt
        raise KeyboardInterrupt(f"The training {job.id} goes on; `fitd watch {job.id}` follows it.")

    def _told(self, steps: int, seconds: float, metrics: dict[str, Any], verbose: Any) -> None:
        if verbose:
            print(printing.epoch_line(steps, seconds, metrics, 1 if verbose == "auto" else int(verbose)))  # noqa: T201

    def _validated(self) -> Any:
        """The summary of a network that was not trained, as the service would make it."""
        width = input_width(self._layers)
        units = [layer.units for layer in self._layers if "units" in layer.get_config()]
        outputs = units[-1] if units else width
        asked = {
            "spec": self._spec(),
            "compile": {"loss": "mse"},
            "data": {"x": [[0.0] * width] * 2, "y": [[0.0] * outputs, [1.0] * outputs]},
        }
        try:
            return self.client.validate(asked)["summary"]
        except FitdError as error:
            raise ValueError(f"The network cannot be built: {error}") from error

    def _typed(self, row: Any, place: int) -> str:
        layers = self.layers
        return f"{row['layer']} ({type(layers[place]).__name__})" if place < len(layers) else str(row["layer"])


def load_model(filepath: str | Path, *, client: Client | None = None) -> Sequential:
    """The model in a `.keras` file, ready to predict and to train further."""
    used = client or shared_client()
    version = used.models.import_(Path(filepath))
    model = Sequential(name=Path(filepath).stem, client=used)
    model._version = version
    model._is_fresh = False
    model._compiled = version.describe()["compile"]
    return model


__all__ = ["Sequential", "close_clients", "load_model"]
