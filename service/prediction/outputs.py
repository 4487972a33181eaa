"""Outputs: the requested outputs of a version for each row, as the columns of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.errors import Findings
from service.prediction.certainty import check_interval
from service.prediction.versions import LoadedVersion
from service.spec.prediction import PredictionJobRequest

Floats = NDArray[np.float32]

NO_NAMES = "Expected a version that knows classes; ask this one for `predictions`."
"""What is told to who asks for more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The outputs that a request asks for."""

    outputs: frozenset[str] = frozenset()
    """Some of `Output`; in columns, where none is named, those that suit the version."""
    top_k: int | None = None
    interval: float | None = None
    """The probability with which the truth is to lie in the interval, or in the set of classes, of each row."""

    @classmethod
    def of(cls, request: PredictionJobRequest) -> Self:
        """What a prediction job asks for."""
        return cls(frozenset(request.outputs or ()), request.top_k, request.interval)

    @property
    def needs_scores(self) -> bool:
        """Whether classes are asked for with their scores."""
        return self.top_k is not None or "probabilities" in self.outputs


class Outputs:
    """The columns of a prediction, named after the version's targets and classes."""

    def __init__(self, loaded: LoadedVersion, asked: Asked, findings: Findings, at: str = "#/") -> None:
        """Notes what the version cannot tell; `at` is put before the names `outputs` and `top_k`."""
        suiting = {"predicted_classes", "probabilities"} if loaded.meaning.names_classes else {"predictions"}
        self._loaded = loaded
        self._outputs = asked.outputs or suiting
        self._scored = loaded.meaning.scored or []
        wrong = {
            "outputs": ("predicted_classes" in self._outputs and not loaded.meaning.names_classes)
            or ("probabilities" in self._outputs and not self._scored),
            "top_k": asked.top_k is not None and not self._scored,
        }
        for key in (key for key, is_wrong in wrong.items() if is_wrong):
            findings.error(f"{at}{key}", "not_a_classifier", NO_NAMES)
        check_interval(asked.interval, loaded, f"{at}interval", findings)
        self._interval = None if findings.total else asked.interval
        self._best = min(asked.top_k or 0, len(self._scored))
        self.names = self._names()

    def columns(self, predictions: Floats) -> list[Any]:
        """The pyarrow arrays of the columns `names`, for predictions (rows, ...); those of texts are dictionaries."""
        import pyarrow as pa  # noqa: PLC0415 - only who asks in columns pays for it

        made: list[Any] = []
        if "predicted_classes" in self._outputs:
            made.append(_texts(self._loaded.meaning.classes or (), self._loaded.meaning.likeliest(predictions)))
        if "predictions" in self._outputs:
            flat = predictions.reshape(len(predictions), -1)
            made += map(pa.array, flat.T.copy())
        scores = self._loaded.meaning.scores(predictions)
        if scores is not None and "probabilities" in self._outputs:
            made += map(pa.array, scores.T.copy())
        if scores is not None and self._best:
            order = np.argsort(-scores, axis=1, kind="stable")[:, : self._best]
            for place, best in zip(order.T, np.take_along_axis(scores, order, axis=1).T, strict=True):
                made += [_texts(self._scored, place), pa.array(best.copy())]
        return made + [pa.array(column) for column in self._bounds(predictions)]

    def _bounds(self, predictions: Floats) -> list[Any]:
        """The ends of the interval of each output, or of each class whether it is in the set."""
        conformity = self._loaded.conformity
        if self._interval is None or conformity is None:
            return []
        if conformity.is_of_classes:
            scores = self._loaded.meaning.scores(predictions)
            return [] if scores is None else list(conformity.sets(scores, self._interval).T)
        ends = conformity.intervals(predictions, self._interval)
        return list(ends.reshape(len(ends), -1).T.copy())

    def _names(self) -> list[str]:
        loaded, names = self._loaded, []
        targets = loaded.meaning.target_names or []
        if "predicted_classes" in self._outputs:
            names.append(f"predicted_{targets[0]}" if len(targets) == 1 else "predicted_class")
        if "predictions" in self._outputs:
            names += self._names_of_predictions(targets)
        if "probabilities" in self._outputs:
            names += [f"probability_{name}" for name in self._scored]
        for rank in range(1, self._best + 1):
            names += [f"top_{rank}", f"top_{rank}_score"]
        if self._interval is not None and loaded.conformity is not None:
            if loaded.conformity.is_of_classes:
                names += [f"in_set_{name}" for name in self._scored]
            else:
                names += [f"{name}_{end}" for name in self._names_of_predictions(targets) for end in ("low", "high")]
        return names

    def _names_of_predictions(self, targets: Sequence[str]) -> list[str]:
        width = int(np.prod(self._loaded.model.output_shape[1:]))
        if self._loaded.meaning.classes is None and len(targets) == width:
            return [f"predicted_{target}" for target in targets]
        return ["prediction"] if width == 1 else [f"prediction_{name}" for name in self._loaded.meaning.names(width)]


def _texts(names: Sequence[str], places: NDArray[np.int64]) -> Any:
    """The names at these places, as a dictionary and the places in it."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(names, pa.string()))
