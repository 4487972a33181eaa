"""Intervals and sets of classes: what the truth probably is, at a level that a request names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import Findings
from service.prediction.versions import LoadedVersion

_NO_ROWS = (
    "Expected a version whose training held out rows to learn from how far it errs; this one has none. Train with "
    "data.split.validation or fit.validation_split, or with a preset, which holds them out by itself."
)
_OTHER_OUTPUTS = (
    "Expected a version that predicts numbers, or the probabilities of classes of which one is true; this one does not."
)


def check_interval(level: Any, loaded: LoadedVersion, at: str, findings: Findings) -> None:
    """Notes at the pointer `at` why a version cannot give intervals or sets of this level; nothing if it is None."""
    if level is None:
        return
    if type(level) not in (int, float) or not 0 < level < 1:
        findings.error(at, "out_of_range", "Expected a probability above 0 and below 1, such as 0.9.")
    elif loaded.conformity is None:
        # A score is measured on held-out rows, so that where there is one, the outputs are what does not suit.
        findings.error(at, "no_interval", _NO_ROWS if loaded.trained.score is None else _OTHER_OUTPUTS)
    elif level > loaded.conformity.highest_level:
        rows, highest = loaded.conformity.rows, int(loaded.conformity.highest_level * 1e4) / 1e4
        expected = f"Expected at most {highest:g}: more cannot be promised from the {rows:,} rows that were held out."
        findings.error(at, "too_few_rows", expected)


def bounds(loaded: LoadedVersion, predictions: NDArray[Any], level: float) -> dict[str, Any]:
    """The `intervals` of predictions, or their `sets`, at a level that `check_interval` has passed."""
    if loaded.conformity is None:
        return {}
    if not loaded.conformity.is_of_classes:
        return {"intervals": loaded.conformity.intervals(predictions, level)}
    scores, names = loaded.meaning.scores(predictions), loaded.meaning.scored
    if scores is None or names is None:
        return {}
    return {"sets": [[names[place] for place in np.flatnonzero(row)] for row in loaded.conformity.sets(scores, level)]}
