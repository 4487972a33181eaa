"""Likelihoods: how probable each class is, told from what a network answers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.checks.targets import Want, wanted_by
from service.nn import activations
from service.spec import CompileSpec
from service.spec.spelling import BY_SHAPE
from service.spec.vocabulary import made

Floats = NDArray[np.float32]
Likelihood = Callable[[Floats], Floats]

_LOGARITHMS = ("log_softmax", "log_sigmoid")


def likelihood_of(activation: str | None, compiled: Mapping[str, Any]) -> Likelihood | None:
    """What makes probabilities of outputs that stand for some: of logarithms, and of the logits that a loss took.

    None where the outputs are taken as they are.
    """
    if activation in _LOGARITHMS:
        return np.exp
    loss = CompileSpec.model_validate(compiled).loss
    if activation not in (None, "linear") or loss in BY_SHAPE["loss"]:
        return None
    taken = made("loss", loss)
    if not getattr(taken, "from_logits", False):
        return None
    return activations.sigmoid if wanted_by(taken) is Want.SIDES else activations.softmax
