"""What a version answers to rows in numbers with names: the probability of each class, or each output."""

import numpy as np
from numpy.typing import NDArray

from service.prediction.versions import LoadedVersion

Floats = NDArray[np.float32]


def answers(loaded: LoadedVersion, x: Floats) -> NDArray[np.float64]:
    """The score of each class, or the outputs (rows, outputs) where they are no scores, for inputs (rows, width)."""
    predictions = loaded.predict(x)
    scores = loaded.meaning.scores(predictions)
    made: NDArray[np.float64] = (predictions if scores is None else scores).reshape(len(x), -1).astype(np.float64)
    return made


def answer_names(loaded: LoadedVersion) -> list[str]:
    """The names of the answers."""
    return loaded.meaning.scored or loaded.meaning.names(loaded.outputs)
