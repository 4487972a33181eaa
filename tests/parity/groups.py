"""All cases by group. A group is one recorded file and one test module."""

from collections.abc import Mapping

from tests.parity.cases import (
    activations,
    architectures,
    callbacks,
    ends,
    fit_options,
    fits,
    formulas,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
)
from tests.parity.engine import Case

GROUPS: Mapping[str, Mapping[str, Case]] = {
    "fits": {
        f"{kind}: {name}": case
        for kind, cases in {
            "optimizer": fits.OPTIMIZERS,
            "activation": fits.ACTIVATIONS,
            "loss": fits.LOSSES,
            "end": ends.CASES,
            "metrics": fits.METRICS,
            "option": fit_options.CASES,
        }.items()
        for name, case in cases.items()
    },
    "activations": activations.CASES,
    "losses": losses.CASES,
    "metrics": metrics.CASES,
    "formulas": formulas.CASES,
    "initializers": initializers.CASES,
    "optimizers": optimizers.CASES,
    "layers": layers.CASES,
    "callbacks": callbacks.CASES,
    "architectures": architectures.CASES,
}
