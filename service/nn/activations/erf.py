"""The normal distribution function, which NumPy lacks, to float64 accuracy.

Rational approximations of erf and erfc as in Cephes (Moshier, `ndtr.c`), relative error below 1e-15.
"""

import math
from collections.abc import Callable
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


# erf(z) = z A(z^2) / B(z^2) for |z| < 3.8325, and one beyond, to all that float32 can tell; lowest power first.
# A minimax approximation for float32, as XLA has it (`ErfImpl32`), relative error 4e-8 before rounding.
A = (1.128379143519084, 0.18520832239976145, 0.050955695062380861, 0.0034082910107109506, 0.00022905065861350646)
B = (1.0, 0.49746925110067538, 0.11098505178285362, 0.014070470171167667, 0.0010179625278914885, 2.3547966471313185e-5,
     -1.1791602954361697e-7)  # fmt: skip
END = 3.832506856900711
# Numbers whose seven powers stay in the cache.
PART = 8192


def connect_normal_distribution(x: Array, out: Array) -> Callable[[], None]:
    """A call that writes the probabilities that a standard normal variable is below x, all in contiguous float32.

    Both polynomials are one product of their coefficients with the powers of x^2; absolute error below 1e-6.
    """
    halves = 0.5 ** np.arange(len(B))
    coefficients = np.zeros((2, len(B)), np.float32)
    coefficients[0, : len(A)] = 0.5 * math.sqrt(0.5) * np.array(A) * halves[: len(A)]
    coefficients[1] = np.array(B) * halves
    half = np.asarray(0.5, np.float32)
    sizes = {min(PART, x.size - at) for at in range(0, x.size, PART)}
    powers = {size: np.ones((len(B), size), np.float32) for size in sizes}
    values = {size: np.empty((2, size), np.float32) for size in sizes}
    # Arrays, because NumPy compares arrays in whole registers, but an array with one number one after another.
    bounds = np.repeat(np.array([[0], [1], [2 * END**2]], np.float32), max(sizes), axis=1)
    parts = [slice(at, at + PART) for at in range(0, x.size, PART)]
    pieces = [(x.reshape(-1)[part], out.reshape(-1)[part]) for part in parts]

    def distribute() -> None:
        for given, found in pieces:
            p, v = powers[given.size], values[given.size]
            zero, one, end = bounds[:, : given.size]
            np.square(given, out=p[1])
            np.minimum(p[1], end, out=p[1])
            np.square(p[1], out=p[2])
            np.multiply(p[1], p[2], out=p[3])
            np.square(p[2], out=p[4])
            np.multiply(p[2], p[3], out=p[5])
            np.square(p[3], out=p[6])
            np.dot(coefficients, p, out=v)
            np.multiply(given, v[0], out=found)
            np.divide(found, v[1], out=found)
            np.add(found, half, out=found)
            np.minimum(found, one, out=found)
            np.maximum(found, zero, out=found)

    return distribute
