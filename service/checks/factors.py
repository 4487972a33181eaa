"""Factors of variables: whether each of them has a variable."""

from typing import Any

from service.checks.architecture import Locate
from service.errors import Findings
from service.nn import Sequential
from service.nn.optimizers.factors import keys_of
from service.nn.suggestions import hint

_MOST_SHOWN = 20


def check_factors(model: Sequential, locate: Locate, findings: Findings) -> None:
    """Notes factors of rates and decays whose key names no variable and no layer of a compiled network."""
    known = sorted({key for variable in model.weights for key in keys_of(variable)})
    names = sorted({variable.name for variable in model.weights})
    for argument in ("learning_rate_factors", "weight_decay_factors"):
        given: dict[str, Any] = getattr(model.optimizer, argument) or {}
        for key in given:
            if key not in known:
                said = f"No variable and no layer is called {key[:40]!r}.{hint(key, known)}"
                said = f"{said} Variables: {', '.join(names[:_MOST_SHOWN])}."
                findings.error(locate("compile", "optimizer", argument, key), "unknown_variable", said)
