"""How near is near enough, and the table of exceptions.

Both sides compute in float32, whose rounding is 6e-8 per operation, but sum in different orders and, in a
training, thousands of operations deep. An element may therefore differ by 1e-5 of itself plus 1e-5 of the
largest element of its array: an element that is small by cancellation carries the rounding of the large ones.
Arrays whose largest element is below 0.1 are judged as if it were 0.1: an absolute 1e-6 is the noise of sums
over values around one, which all cases use.
"""

from typing import NamedTuple

import numpy as np

from tests.parity.engine import Array

TOLERANCE = 1e-5
SMALLEST_SCALE = 0.1


class Allowed(NamedTuple):
    """A tolerance in place of the usual one, and why it is needed."""

    tolerance: float
    reason: str


_SPARSEMAX = "3.15.1 adds up partial sums, so that rows do not sum to one; mended later (keras#23425)"

DELIBERATE: dict[tuple[str, str], str] = {
    ("activations", "sparsemax"): _SPARSEMAX,
    ("activations", "sparsemax(axis=0)"): _SPARSEMAX,
    ("layers", "Dense 'sparsemax'"): _SPARSEMAX,
}
"""(group, case) -> why ours differs on purpose; a test checks that it still does."""

EXCEPTIONS: dict[tuple[str, str], Allowed] = {
    ("architectures", "architecture 40"): Allowed(
        1e-4, "Keras in float32 ends 3e-5 away from Keras in float64; ours ends 2e-6 away from it"
    ),
}
"""(group, case) -> what is allowed there."""


def tolerance_for(group: str, case: str) -> float:
    """The relative tolerance of a case."""
    allowed = EXCEPTIONS.get((group, case))
    return allowed.tolerance if allowed else TOLERANCE


def difference(expected: Array, received: Array, tolerance: float) -> str | None:
    """Say how the arrays differ, or None where they agree."""
    if expected.shape != received.shape:
        return f"expected shape {expected.shape}, received {received.shape}"
    finite = np.isfinite(expected)
    if (
        not np.array_equal(expected[~finite], received[~finite], equal_nan=True)
        or not np.isfinite(received[finite]).all()
    ):
        return f"expected {expected!r}, received {received!r}: not finite in the same places"
    if not finite.any():
        return None
    expected, received = expected[finite].astype(np.float64), received[finite].astype(np.float64)
    scale = max(float(np.abs(expected).max()), SMALLEST_SCALE)
    error = np.abs(received - expected)
    worst = int((error - tolerance * np.abs(expected)).argmax())
    if error[worst] <= tolerance * (abs(expected[worst]) + scale):
        return None
    return (
        f"expected {expected[worst]:.9g}, received {received[worst]:.9g} at {worst} of {expected.size}; "
        f"off by {error[worst] / scale:.1e} of the largest element, allowed {tolerance:.0e}"
    )
