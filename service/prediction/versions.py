"""Versions that answer: their weights, loaded once and asked often."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.checks.ranges import threshold_of
from service.checks.suitability import classifies, resolved_loss
from service.checks.targets import check_targets, encoded, wanted_by
from service.data.datasets import Dataset
from service.data.features import Encoder
from service.errors import Findings
from service.evaluation import importance, names_for, report
from service.formats.weights import unpack
from service.nn import Sequential
from service.prediction.likelihood import likelihood_of
from service.published import Published, check_intact
from service.spec import CompileSpec, ModelSpec

Floats = NDArray[np.float32]

_MANY_ROWS, _FEW_COLUMNS = 1000, 32


class LoadedVersion:
    """A trained network that answers; may be asked by several threads at once."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        *,
        columns: int,
        classes: Sequence[str] | None,
        weights: bytes,
        compiled: Mapping[str, Any],
        features: Sequence[Mapping[str, Any]] | None = None,
        targets: Sequence[str] | None = None,
        others: Collection[str] = (),
    ) -> None:
        """`features` are what the columns of its table have learnt; `others` are columns that it has no use for."""
        arrays, _ = unpack(weights)
        self._spec = ModelSpec.model_validate(spec)
        self.model = self._spec.build(columns, seed=0)
        self.model.set_weights(list(arrays.values()))
        self.size_bytes = len(weights)
        self.columns = columns
        self.units = int(self.model.output_shape[-1])
        activation = self.model.layers[-1].output_activation
        self._threshold = threshold_of(activation)
        self._likelihood = likelihood_of(activation, compiled)
        self._classifies = classifies(CompileSpec.model_validate(compiled))
        self.classes = None if classes is None else list(classes)
        self.targets = None if targets is None else list(targets)
        self.encoder = None if features is None else Encoder.from_json_list(features, (*others, *(targets or ())))
        self._lock = threading.Lock()
        self._evaluating = threading.Lock()

    @classmethod
    def of(cls, version: Published, weights: bytes) -> Self:
        """The version that was published so; `Damaged` if these are not its weights any more."""
        check_intact(version, weights)
        return cls(
            version.spec,
            columns=version.input["shape"][-1],
            classes=version.output["classes"],
            weights=weights,
            compiled=version.compile,
            features=version.input.get("features"),
            targets=version.output.get("targets"),
            others=version.data.get("left_out", ()),
        )

    @property
    def is_busy(self) -> bool:
        """Whether somebody would have to wait for an answer."""
        return self._lock.locked()

    def predict(self, x: Floats) -> Floats:
        """The outputs (rows, units) for rows of the right width."""
        with self._lock, np.errstate(all="ignore"):
            return self.model.predict(x)

    def named(self, predictions: Floats) -> list[str] | None:
        """The most likely class of each prediction, where the classes have names."""
        if self.classes is None or not self.names_classes:
            return None
        return [self.classes[i] for i in self.likeliest(predictions)]

    @property
    def names_classes(self) -> bool:
        """Whether the most likely class of a prediction has a name."""
        return self.classes is not None and len(self.classes) > 1

    def likeliest(self, predictions: Floats) -> NDArray[np.int64]:
        """The index of the most likely class (rows,) of each prediction."""
        if self.units == 1:
            return (predictions[:, 0] > self._threshold).astype(np.int64)
        return _places_of_most(predictions[:, : len(self.classes or ()) or None])

    def names(self, count: int) -> list[str]:
        """Different names of so many outputs or scores: those of the classes or targets, else their places from 0."""
        targets = self.targets if self.targets is not None and len(self.targets) == count else []
        names = (self.classes or targets)[:count]
        for place in range(len(names), count):
            name = str(place)
            while name in names:
                name += "_"
            names.append(name)
        return names

    @property
    def scored(self) -> list[str] | None:
        """The names of what `scores` scores; None where the outputs are no scores."""
        names_sides = len(self.classes or ()) == 2 or self._threshold != 0 or self._likelihood is not None
        are_scores = names_sides or (self.units > 1 and (self.classes is not None or self._classifies))
        if len(self.model.output_shape) != 2 or not are_scores:
            return None
        return self.names(2 if self.units == 1 else len(self.classes or ()) or self.units)

    def scores(self, predictions: Floats) -> Floats | None:
        """The score of each class (rows, classes) for predictions; None where the outputs are no scores.

        A probability wherever the outputs stand for one, logits and logarithms among them.
        """
        if self.scored is None:
            return None
        middle = self._threshold
        if self._likelihood is not None:
            predictions, middle = self._likelihood(predictions), 0.5
        if self.units > 1:
            return predictions if self.classes is None else predictions[:, : len(self.classes)]
        return np.concatenate([2 * middle - predictions, predictions], axis=-1)

    def evaluate(
        self, compiled: Mapping[str, Any], dataset: Dataset, findings: Findings, *, repeats: int = 0
    ) -> tuple[dict[str, float | None], dict[str, Any]]:
        """Loss and metrics, and a report, on a dataset; `Invalid` with the findings where it does not suit.

        With `repeats` the report says how much each feature matters, by dealing its values to other rows so often.
        Others may predict meanwhile; who evaluates, too, waits.
        """
        asked = CompileSpec.model_validate(compiled)
        loss = resolved_loss(asked, dataset.y, self.units)
        if dataset.columns != self.columns:
            expected = f"Expected rows of {self.columns} values; received rows of {dataset.columns}."
            findings.error("#/data/x", "width_mismatch", expected)
        if dataset.classes is not None and self.classes is None:
            expected = "Expected targets in numbers: this version was not trained on class names."
            findings.error("#/data/y", "unknown_class", expected)
        else:
            check_targets(dataset.y, self.classes, loss=loss, units=self.units, at="#/data/y", findings=findings)
        findings.raise_errors()
        want = wanted_by(loss)
        y = encoded(dataset.y, want, self.units)
        # One copy of the network at a time, however many ask.
        with self._evaluating, np.errstate(all="ignore"):
            model = self._copy()
            model.compile(**asked.arguments() | {"optimizer": "sgd"})
            measured = model.evaluate(dataset.x, y, sample_weight=dataset.sample_weight, return_dict=True)
            predictions = model.predict(dataset.x)
            metrics = {name: float(value) if np.isfinite(value) else None for name, value in measured.items()}
            names = names_for(want, self.units, self.classes, self.targets)
            from_logits = getattr(loss, "from_logits", False)
            found = report(predictions, y, want, names=names, from_logits=from_logits, threshold=self._threshold)
            if repeats:
                found["importance"] = self._importance(model, dataset, y, repeats)
        return metrics, found

    def _copy(self) -> Sequential:
        model = self._spec.build(self.columns, seed=0)
        model.set_weights([weight.value for weight in self.model.weights])
        return model

    def _importance(self, model: Sequential, dataset: Dataset, y: Any, repeats: int) -> list[dict[str, Any]]:
        """How much the loss of the network grows without each feature."""

        def loss(x: Any) -> float:
            measured = model.evaluate(x, y, sample_weight=dataset.sample_weight, return_dict=True)
            return float(measured["loss"])

        columns, place = {}, 0
        named = None if self.encoder is None else [(one.name, len(one.outputs)) for one in self.encoder.columns]
        for name, width in named or [(str(column), 1) for column in range(self.columns)]:
            columns[name] = slice(place, place + width)
            place += width
        return importance(loss, dataset.x.copy(), columns, repeats=repeats, seed=0)


def _places_of_most(scores: Floats) -> NDArray[np.int64]:
    """`argmax(axis=1)`, which takes its time with many short rows; of these, how many scores come before the most."""
    rows, columns = scores.shape
    place: NDArray[np.int64] = np.zeros(rows, np.int64)
    if rows < _MANY_ROWS or columns > _FEW_COLUMNS:
        return scores.argmax(axis=1, out=place)
    by_column = scores.T.copy()
    most = by_column.max(axis=0)
    comes_before = np.ones(rows, bool)
    for column in by_column:
        comes_before &= column != most
        place += comes_before
    nowhere = np.flatnonzero(place == columns)  # NaN is not even what it is itself
    place[nowhere] = scores[nowhere].argmax(axis=1)
    return place


class LoadedVersions:
    """Versions kept in memory, the least recently used forgotten first; a version never changes, so none is stale.

    At most `size` of them, with weights of `size_bytes` together; the last one always stays, however large.
    """

    def __init__(self, size: int, size_bytes: int) -> None:
        self._size = size
        self._size_bytes = size_bytes
        self._lock = threading.Lock()
        self._versions: OrderedDict[str, LoadedVersion] = OrderedDict()

    def find(self, version_id: str) -> LoadedVersion | None:
        """The version of this id, if it is in memory."""
        with self._lock:
            found = self._versions.get(version_id)
            if found is not None:
                self._versions.move_to_end(version_id)
            return found

    def add(self, version_id: str, loaded: LoadedVersion) -> None:
        """Keeps a version in memory, and no more of them than fit."""
        with self._lock:
            self._versions[version_id] = loaded
            while len(self._versions) > 1 and not self._fit():
                self._versions.popitem(last=False)

    def _fit(self) -> bool:
        size_bytes = sum(loaded.size_bytes for loaded in self._versions.values())
        return len(self._versions) <= self._size and size_bytes <= self._size_bytes
