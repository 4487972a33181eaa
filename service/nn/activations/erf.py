"""The normal distribution function, which NumPy lacks, to float64 accuracy.

Rational approximations of erf and erfc as in Cephes (Moshier, `ndtr.c`), relative error below 1e-15.
"""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# erf(x) = x T(x^2) / U(x^2) for |x| < 1; erfc(x) = e^(-x^2) P(x) / Q(x) for 1 <= x < 8; highest power first.
T = (9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3,
     5.55923013010394962768e4)  # fmt: skip
U = (1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4,
     4.92673942608635921086e4)  # fmt: skip
P = (2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0, 4.86371970985681366614e1,
     1.96520832956077098242e2, 5.26445194995477358631e2, 9.34528527171957607540e2, 1.02755188689515710272e3,
     5.57535335369399327526e2)  # fmt: skip
Q = (1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
     1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3,
     5.57535340817727675546e2)  # fmt: skip
LARGEST = 8.0


def normal_distribution(x: Array) -> Array:
    """Probability that a standard normal variable is below x; same shape and dtype as x."""
    z = x * (1 / math.sqrt(2))
    size = np.minimum(np.abs(z), LARGEST)
    square = size * size
    middle = 0.5 + 0.5 * z * _polynomial(T, np.minimum(square, 1)) / _polynomial(U, np.minimum(square, 1))
    tail = 0.5 * np.exp(-square) * _polynomial(P, size) / _polynomial(Q, size)
    return np.where(size < 1, middle, np.where(z > 0, 1 - tail, tail))


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += coefficient
    return value
