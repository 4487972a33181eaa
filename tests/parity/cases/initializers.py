"""Random initializers: the shape of what they draw, since the draws themselves are each library's own."""

from functools import partial
from typing import Any

import numpy as np

from tests.parity.engine import Case, Engine, Outcome

SHAPES: dict[str, tuple[int, ...]] = {
    "tall": (400, 300),
    "wide": (300, 400),
    "vector": (100_000,),
    "deep": (5, 120, 200),
}

SPECS: list[tuple[str, dict[str, Any]]] = [
    ("RandomNormal", {}),
    ("RandomNormal", {"mean": 1.0, "stddev": 0.5}),
    ("TruncatedNormal", {}),
    ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5}),
    ("RandomUniform", {}),
    ("RandomUniform", {"minval": -2.0, "maxval": 1.0}),
    ("GlorotUniform", {}),
    ("GlorotNormal", {}),
    ("HeUniform", {}),
    ("HeNormal", {}),
    ("LecunUniform", {}),
    ("LecunNormal", {}),
    *(
        ("VarianceScaling", {"scale": 1.7, "mode": mode, "distribution": distribution})
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("truncated_normal", "untruncated_normal", "uniform")
    ),
]


def statistics(engine: Engine, name: str, options: dict[str, Any]) -> Outcome:
    """Mean, standard deviation, least and greatest of a large draw, for shapes with different fans."""
    outcome: Outcome = {}
    for kind, shape in SHAPES.items():
        values = np.asarray(getattr(engine.keras.initializers, name)(**options, seed=1)(shape), dtype=np.float64)
        outcome[kind] = [
            values.mean(),
            values.std(),
            values.min(),
            values.max(),
            float(values.shape == shape),
        ]
    return outcome


CASES: dict[str, Case] = {
    f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})": partial(
        statistics, name=name, options=options
    )
    for name, options in SPECS
}
"""One case for each initializer and set of arguments."""
