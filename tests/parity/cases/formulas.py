"""Formulas without state: regularizers and their gradients, constraints, schedules, exact initializers."""

from functools import partial
from typing import Any

import numpy as np

from tests.parity.cases.data import draw
from tests.parity.engine import Case, Engine, Outcome

Spec = tuple[str, dict[str, Any]]

REGULARIZERS: list[Spec] = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.2, "l2": 0.05}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.2, "mode": "columns"}),
]

CONSTRAINTS: list[Spec] = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 1.2, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.3, "axis": 1}),
]

SCHEDULES: list[Spec] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 2.0},
    ),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "power": 0.5, "cycle": True}),
    ("PiecewiseConstantDecay", {"boundaries": [5, 20, 40], "values": [0.1, 0.05, 0.01, 0.001]}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 40}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 40, "alpha": 0.2}),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.0, "decay_steps": 40, "warmup_target": 0.1, "warmup_steps": 10},
    ),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.02,
            "decay_steps": 30,
            "alpha": 0.1,
            "warmup_target": 0.1,
            "warmup_steps": 8,
        },
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 8}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.5, "m_mul": 0.7, "alpha": 0.05},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.0}),
]

EXACT: list[Spec] = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {}),
    ("Constant", {"value": 0.3}),
    ("Identity", {}),
    ("Identity", {"gain": 0.5}),
]


def penalty(engine: Engine, name: str, options: dict[str, Any]) -> Outcome:
    """The penalty of a matrix and its gradient."""
    weights = draw(5, 4, seed=51)
    regularizer = getattr(engine.keras.regularizers, name)(**options)
    value, gradient = engine.penalty(regularizer, weights)
    return {"penalty": value, "gradient": gradient}


def constrain(engine: Engine, name: str, options: dict[str, Any]) -> Outcome:
    """A matrix and, where the axis allows, a vector after the constraint."""
    constraint = getattr(engine.keras.constraints, name)(**options)
    outcome: Outcome = {"matrix": constraint(draw(6, 4, seed=52))}
    return outcome if options.get("axis") else outcome | {"vector": constraint(draw(7, seed=53))}


def schedule(engine: Engine, name: str, options: dict[str, Any]) -> Outcome:
    """The learning rate at sixty steps, boundaries and cycles included."""
    rate = getattr(engine.keras.optimizers.schedules, name)(**options)
    return {"rates": [float(rate(step)) for step in range(60)]}


def initialize(engine: Engine, name: str, options: dict[str, Any]) -> Outcome:
    """An initializer without chance."""
    initializer = getattr(engine.keras.initializers, name)(**options)
    outcome: Outcome = {"square": initializer((4, 4)), "wide": initializer((2, 5))}
    return outcome if name == "Identity" else outcome | {"vector": initializer((3,))}


def orthogonal(engine: Engine, gain: float) -> Outcome:
    """Columns (or rows, whichever are fewer) are orthogonal and have the length of the gain."""
    initializer = engine.keras.initializers.Orthogonal(gain=gain, seed=1)
    tall, wide = (np.asarray(initializer(shape)) for shape in ((20, 6), (6, 20)))
    return {"tall": tall.T @ tall, "wide": wide @ wide.T}


def _label(name: str, options: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"


_ORTHOGONAL: dict[str, Case] = {
    f"initializer: Orthogonal(gain={gain})": partial(orthogonal, gain=gain) for gain in (1.0, 2.5)
}

CASES: dict[str, Case] = _ORTHOGONAL | {
    f"{kind}: {_label(name, options)}": partial(function, name=name, options=options)
    for kind, function, specs in (
        ("regularizer", penalty, REGULARIZERS),
        ("constraint", constrain, CONSTRAINTS),
        ("schedule", schedule, SCHEDULES),
        ("initializer", initialize, EXACT),
    )
    for name, options in specs
}
"""One case for each class and set of arguments."""
