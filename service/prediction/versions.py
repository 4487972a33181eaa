"""Versions that answer: their weights, loaded once and asked often."""

import itertools
import math
import threading
from collections import OrderedDict
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.checks.targets import check_targets
from service.data.datasets import Dataset
from service.data.features import restored
from service.errors import Findings
from service.evaluation import Conformity, Measured, importance, measure
from service.formats.weights import unpack
from service.nn import Sequential
from service.nn.folding import fold
from service.spec import CompileSpec
from service.task import AskedLoss, OutputMeaning, Task
from service.task.calibration import Temperature, copied
from service.task.network import scale_of, served_network, trained_network
from service.versions import Trained, Version

Floats = NDArray[np.float32]

_NUMBER_BYTES, _NAMED_NUMBER_BYTES = 32, 200


class LoadedVersion:
    """A trained network that answers; may be asked by several threads at once."""

    def __init__(self, trained: Trained, weights: bytes) -> None:
        """The network of a version with its weights, safetensors bytes."""
        arrays, _ = unpack(weights)
        self.trained = trained
        self.columns = int(trained.input["shape"][-1])
        self.model = served_network(trained, arrays.values())
        self._folded = fold(self.model)
        self.size_bytes = len(weights) if self._folded is self.model else 2 * len(weights)
        targets = trained.output.get("targets")
        loss = AskedLoss.of(CompileSpec.model_validate(trained.compile))
        classes = trained.output.get("classes")
        self.meaning = OutputMeaning.of(self.model, loss, classes=classes, target_names=targets)
        self.conformity = Conformity.from_json(trained.output.get("conformity"))
        self._scale = scale_of(trained)
        others = (*trained.data.get("left_out", ()), *(targets or ()))
        self.encoder = restored(trained.input.get("features"), self.columns, others)
        self._lock = threading.Lock()
        self._evaluating = threading.Lock()

    @classmethod
    def of(cls, version: Version, weights: bytes) -> Self:
        """A stored version; `Damaged` if these are not its weights any more."""
        version.check_intact(weights)
        return cls(version, weights)

    def answer_bytes(self, rows: int, *, named: bool = False) -> int:
        """About so much memory the outputs of so many rows take, and their text, where each number may be `named`."""
        numbers: int = rows * math.prod(self.model.output_shape[1:])
        return numbers * (_NAMED_NUMBER_BYTES if named else _NUMBER_BYTES)

    @property
    def is_busy(self) -> bool:
        """Whether somebody would have to wait for an answer."""
        return self._lock.locked()

    @cached_property
    def places(self) -> list[slice]:
        """Where the inputs of each column are."""
        ends = [0, *np.cumsum([len(column.outputs) for column in self.encoder.columns]).tolist()]
        return [slice(start, end) for start, end in itertools.pairwise(ends)]

    @property
    def outputs(self) -> int:
        """The number of outputs for each row."""
        return math.prod(self.model.output_shape[1:])

    def predict(self, x: Floats) -> Floats:
        """The outputs (rows, units) for rows of the right width."""
        with self._lock, np.errstate(all="ignore"):
            return self._folded.predict(x)

    def evaluate(self, dataset: Dataset, findings: Findings, *, repeats: int = 0) -> Measured:
        """Loss and metrics, and a report, on a dataset; `Invalid` with the findings where it does not suit.

        With `repeats` the report says how much each feature matters, by dealing its values to other rows so often.
        Others may predict meanwhile; who evaluates, too, waits.
        """
        task = Task.of(dataset.y, self.meaning, self._scale)
        if dataset.columns != self.columns:
            expected = f"Expected rows of {self.columns} values; received rows of {dataset.columns}."
            findings.error("#/data/x", "width_mismatch", expected)
        if dataset.classes is not None and task.classes is None:
            expected = "Expected targets in numbers: this version was not trained on class names."
            findings.error("#/data/y", "unknown_class", expected)
        else:
            check_targets(dataset.y, task, "#/data/y", findings)
        findings.raise_errors()
        # One copy of the network at a time, however many ask.
        with self._evaluating, np.errstate(all="ignore"):
            model = self._copy()
            asked = CompileSpec.model_validate(self.trained.compile)
            model.compile(**task.compilation(asked, task.encoded(dataset.y[:1])) | {"optimizer": "sgd"})
            measured = measure(model, task, dataset)
            if repeats:
                measured.report["importance"] = self._importance(model, dataset, task.encoded(dataset.y), repeats)
        return measured

    def _copy(self) -> Sequential:
        if Temperature.of(self.trained.output) is not None:
            return copied(self.model)
        return trained_network(self.trained, [weight.value for weight in self.model.weights])

    def _importance(self, model: Sequential, dataset: Dataset, y: Any, repeats: int) -> list[dict[str, Any]]:
        """How much the loss of the network grows without each feature."""

        def loss(x: Any) -> float:
            measured = model.evaluate(x, y, sample_weight=dataset.sample_weight, return_dict=True)
            return float(measured["loss"])

        columns = dict(zip([column.name for column in self.encoder.columns], self.places, strict=True))
        return importance(loss, dataset.x.copy(), columns, repeats=repeats, seed=0)


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
