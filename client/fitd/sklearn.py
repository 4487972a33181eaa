"""scikit-learn's face: estimators that train on a service, and are scikit-learn's in everything else."""

import secrets
from typing import Any, Literal, Self

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_feature_names,
        _check_n_features,
        _check_sample_weight,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise ImportError("fitd.sklearn needs scikit-learn 1.8 or newer; run: pip install 'fitd[sklearn]'") from error

from fitd.frames import columns_of, is_mixed, with_columns
from fitd.keras.specs import json_of
from fitd.synchronous.client import Client
from fitd.synchronous.jobs import Job

Preset = Literal["auto", "plain", "realmlp", "tabm"]
_INLINE_CELLS = 200_000
"""Data of fewer numbers go with the request, and are deleted with its job."""

_ONE_BY_ONE = 64
"""So many rows are predicted one by one: in a larger product the rounding of a row depends on its place."""


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators share; the arguments are those of a training request.

    Args:
        preset: The recipe of network and training; `layers` replaces its network.
        layers: Layers as JSON or of `fitd.keras.layers`; the last has a unit for each output, or `auto`.
        optimizer, loss, epochs, batch_size: What the preset says if not given.
        validation_split: Share of the rows that are held out, at random; what the preset says if not given.
        random_state: Seed of the training, or what seeds are drawn from.
        model: Name of the model on the service; a name is made if not given.
        url: Address of the service, else of the settings; the key is no argument, so that it is in no pickle.
        timeout: Seconds to wait for a training; None waits for ever.
    """

    def __init__(
        self,
        preset: Preset = "auto",
        *,
        layers: Any = None,
        optimizer: Any = None,
        loss: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation_split: float | None = None,
        random_state: Any = None,
        model: str | None = None,
        url: str | None = None,
        timeout: float | None = 3600.0,
    ) -> None:
        self.preset = preset
        self.layers = layers
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_split = validation_split
        self.random_state = random_state
        self.model = model
        self.url = url
        self.timeout = timeout

    def delete(self) -> None:
        """Deletes the fitted version on the service."""
        check_is_fitted(self, "version_")
        with self._client() as client:
            client.models[self.model_].at(self.version_).delete()

    def _client(self) -> Client:
        return Client(self.url)

    def _request(self) -> dict[str, Any]:
        layers = None if self.layers is None else [json_of(layer) for layer in self.layers]
        compiled = {
            "optimizer": json_of(self.optimizer) or ("adam" if layers else None),
            "loss": json_of(self.loss) or self._default_loss(),
        }
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        fit = {"epochs": self.epochs or (100 if layers else None), "batch_size": self.batch_size, "seed": seed}
        request: dict[str, Any] = {
            "model": self.model or f"sklearn-{secrets.token_hex(6)}",
            "compile": _given(compiled),
            "fit": _given(fit),
        }
        return request | ({"preset": self.preset} if layers is None else {"spec": {"layers": layers}})

    def _continuation(self) -> dict[str, Any]:
        fit = _given({"batch_size": self.batch_size})
        return {"model": self.model_, "from": {"model": self.model_, "version": self.version_}, "fit": fit}

    def _split(self) -> dict[str, Any] | None:
        if self.validation_split is None:
            return None
        return {"validation": self.validation_split, "method": "random"}

    def _default_loss(self) -> str:
        raise NotImplementedError

    def _train(self, request: dict[str, Any], x: Any, y: Any, sample_weight: Any, **data: Any) -> None:
        """Trains on arrays, small ones in the request itself; a weight counts as repetition of its row."""
        if sample_weight is not None:
            kept = sample_weight > 0
            x, y, sample_weight = x[kept], y[kept], sample_weight[kept] / np.mean(sample_weight[kept])
        extra = _given({"split": self._split(), **data})
        with self._client() as client:
            is_small = x.size + np.asarray(y).size <= _INLINE_CELLS
            if is_small:
                told = _given({"x": np.asarray(x, np.float32), "y": y, "sample_weight": sample_weight})
                request = request | {"data": told | extra}
            else:
                dataset = client.datasets.upload(x, y, sample_weight=sample_weight)
                request = request | {"data": {"dataset": dataset.id} | extra}
            self._keep(client.submit(request), discard=is_small)

    def _keep(self, job: Job, *, discard: bool = False) -> None:
        job.wait(timeout=self.timeout)
        self.model_: str = job.view["model"]
        self.version_: int = job.version or 0
        self.score_ = job.score
        self.history_ = columns_of(job.epochs())
        if discard:
            job.delete()

    def _train_frame(self, request: dict[str, Any], frame: Any, target: Any, sample_weight: Any) -> None:
        """Trains on a frame with texts or gaps: the service makes inputs of its columns."""
        _check_feature_names(self, frame, reset=True)
        _check_n_features(self, frame, reset=True)
        added = {"target_": target} | ({} if sample_weight is None else {"weight_": np.asarray(sample_weight)})
        taken = set(added) & set(map(str, frame.columns))
        if taken:
            raise ValueError(f"Expected columns of other names than {', '.join(sorted(taken))}, which are used here.")
        with self._client() as client:
            job = client.train(
                with_columns(frame, added),
                target="target_",
                sample_weight=None if sample_weight is None else "weight_",
                split=self._split(),
                **request,
            )
            self._keep(job)
        self.is_table_ = True

    def _outputs(self, rows: Any) -> Any:
        """The outputs for each row: an array, or the frame of predictions where a frame was learnt from."""
        check_is_fitted(self, "version_")
        if self.is_table_:
            _check_feature_names(self, rows, reset=False)
            _check_n_features(self, rows, reset=False)
        else:
            rows = validate_data(self, rows, reset=False, dtype=np.float64)
        with self._client() as client:
            model = client.models[self.model_].at(self.version_)
            if self.is_table_ or len(rows) > _ONE_BY_ONE:
                return model.predict(rows)
            return np.concatenate([model.predict(row[None, :]) for row in rows])


class FitdClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A classifier that is trained on a Fitd service."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains a new version; frames may hold texts and gaps."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if is_mixed(X):
            check_classification_targets(y)
            codes = self._classes_of(column_or_1d(y, warn=True))
            self._train_frame(self._request(), X, np.asarray([f"c{code}" for code in codes]), sample_weight)
            return self
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        codes = self._classes_of(column_or_1d(y, warn=True))
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.is_table_ = False
        if weights is not None and len(np.unique(codes[weights > 0])) < 2:
            raise ValueError("Expected rows of at least two classes with a weight above 0; received one class.")
        self._train(self._request(), X, np.eye(len(self.classes_))[codes], weights)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Goes on for an epoch from the version so far; the first call names all `classes`."""
        is_first = not hasattr(self, "version_")
        X, y = validate_data(self, X, y, reset=is_first, dtype=np.float64)
        check_classification_targets(y)
        if is_first:
            self._classes_of(np.asarray(y if classes is None else classes))
        codes = np.searchsorted(self.classes_, y)
        if np.any(codes >= len(self.classes_)) or np.any(self.classes_[np.minimum(codes, len(self.classes_) - 1)] != y):
            raise ValueError("Expected classes that the first call of partial_fit named; received others.")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.is_table_ = False
        request = self._request() if is_first else self._continuation()
        self._train(_one_epoch(request), X, np.eye(len(self.classes_))[codes], weights)
        return self

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row."""
        found = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[found]

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, in the order of `classes_`."""
        found = self._outputs(X)
        if self.is_table_:
            names = [f"probability_c{code}" for code in range(len(self.classes_))]
            found = np.column_stack([np.asarray(found[name]) for name in names])
        found = np.asarray(found, np.float64)
        if found.shape[1] == 1:
            found = np.hstack([1 - found, found])
        return found / found.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _classes_of(self, y: Any) -> Any:
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Expected at least two classes; received {len(self.classes_)} class.")
        return codes.reshape(-1)

    def _default_loss(self) -> str:
        return "categorical_crossentropy"


class FitdRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A regressor that is trained on a Fitd service, for one target or several."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains a new version; frames may hold texts and gaps."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if is_mixed(X):
            target = column_or_1d(y, warn=True, dtype=np.float64)
            self.outputs_ = 1
            self._train_frame(self._request(), X, target, sample_weight)
            return self
        X, y = self._validated(X, y, reset=True, ensure_min_samples=2)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.is_table_ = False
        self._train(self._request(), X, y, weights, target={"transform": "standardize"})
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Goes on for an epoch from the version so far."""
        is_first = not hasattr(self, "version_")
        X, y = self._validated(X, y, reset=is_first)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.is_table_ = False
        request = self._request() if is_first else self._continuation()
        target = {"target": {"transform": "standardize"}} if is_first else {}
        self._train(_one_epoch(request), X, y, weights, **target)
        return self

    def predict(self, X: Any) -> Any:
        """The value of each target for each row."""
        found = self._outputs(X)
        if self.is_table_:
            return np.asarray(found["predicted_target_"], np.float64)
        found = np.asarray(found, np.float64)
        return found[:, 0] if self.outputs_ == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _validated(self, x: Any, y: Any, **options: Any) -> tuple[Any, Any]:
        x, y = validate_data(self, x, y, dtype=np.float64, multi_output=True, y_numeric=True, **options)
        y = np.asarray(y, np.float64)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self.outputs_ = 1 if y.ndim == 1 else y.shape[1]
        return x, y

    def _default_loss(self) -> str:
        return "mean_squared_error"


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _one_epoch(request: dict[str, Any]) -> dict[str, Any]:
    fit = {**request.get("fit", {}), "epochs": 1, "callbacks": []}
    return {**request, "fit": fit}


__all__ = ["FitdClassifier", "FitdRegressor"]
