"""Measures probabilities: whether they are confident, and whether they are calibrated.

Log loss and Brier score are those of scikit-learn (`log_loss`, `brier_score_loss`); the expected calibration error is
that of Guo et al. 2017 ("On Calibration of Modern Neural Networks"), with bins of equal width.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
_SMALLEST = float(np.finfo(np.float64).eps)


def probability_report(probabilities: NDArray[Any], truth: NDArray[Any]) -> dict[str, Any]:
    """Log loss, Brier score, calibration error and reliability bins.

    `probabilities` (rows, classes) sum to one in each row; `truth` (rows,) are class indices. Of two classes the bins
    hold the probability of the second, of more the probability of the likeliest.
    """
    p = normalized(probabilities)
    chosen = p.argmax(axis=1)
    if p.shape[1] == 2:
        confidence, right = p[:, 1], truth == 1
    else:
        confidence, right = p[np.arange(len(p)), chosen], truth == chosen
    bins = reliability(confidence, right)
    return {
        "log_loss": log_loss(p, truth),
        "brier": brier(p, truth),
        "expected_calibration_error": calibration_error(bins),
        "reliability": bins,
    }


def normalized(probabilities: NDArray[Any]) -> Floats:
    """Probabilities in float64 whose rows sum to one, however they were rounded."""
    p = np.clip(probabilities.astype(np.float64), 0.0, None)
    total = p.sum(axis=1, keepdims=True)
    made: Floats = np.divide(p, total, out=np.full_like(p, 1 / p.shape[1]), where=total > 0)
    return made


def log_loss(p: Floats, truth: NDArray[Any]) -> float:
    """Returns the mean negative logarithm of the probability of the true class."""
    return float(-np.log(np.clip(p[np.arange(len(p)), truth], _SMALLEST, 1.0)).mean())


def brier(p: Floats, truth: NDArray[Any]) -> float:
    """Returns the mean squared distance of the probabilities from the truth; with two classes, of the second alone."""
    if p.shape[1] == 2:
        return float(np.square(p[:, 1] - (truth == 1)).mean())
    distance = np.square(p).sum(axis=1) - 2 * p[np.arange(len(p)), truth] + 1
    return float(distance.mean())


def reliability(confidence: Floats, right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Returns for each bin of confidence its number of rows, mean confidence, and share of correct predictions."""
    places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    rows = np.bincount(places, minlength=BINS)
    sums, hits = (np.bincount(places, weights=one, minlength=BINS) for one in (confidence, right))
    return [
        {
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "rows": int(rows[place]),
            "confidence": float(sums[place] / rows[place]) if rows[place] else None,
            "share": float(hits[place] / rows[place]) if rows[place] else None,
        }
        for place in range(BINS)
    ]


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """Returns the mean distance of confidence from accuracy over the bins, weighted by their rows."""
    total = sum(one["rows"] for one in bins)
    apart = [one["rows"] * abs(one["confidence"] - one["share"]) for one in bins if one["rows"]]
    return float(sum(apart) / max(1, total))
