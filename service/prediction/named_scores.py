"""Predictions by name: the probability of each class, and the likeliest few."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from service.errors import Finding, Findings, Invalid, pointer
from service.prediction.certainty import check_interval
from service.prediction.outputs import NO_NAMES, Asked
from service.prediction.versions import LoadedVersion
from service.spec.prediction import Output

EVERYTHING = Asked(frozenset({"predictions", "predicted_classes"}))
"""What is answered where nothing is said."""


def read_asked(document: Mapping[str, Any], loaded: LoadedVersion) -> Asked:
    """The `outputs`, `top_k` and `interval` of a request to this version; `Invalid` with the mistakes."""
    findings = Findings()
    known = get_args(Output)
    outputs, top_k = document.get("outputs"), document.get("top_k")
    if outputs is not None and not (isinstance(outputs, list) and outputs and all(one in known for one in outputs)):
        findings.error("#/outputs", "unknown_name", f"Expected a list of some of {', '.join(known)}.")
    elif "predicted_classes" in (outputs or ()) and not loaded.meaning.names_classes:
        findings.error("#/outputs", "not_a_classifier", NO_NAMES)
    if top_k is not None and not (type(top_k) is int and top_k >= 1):
        findings.error("#/top_k", "out_of_range", "Expected a whole number of at least 1.")
    interval = document.get("interval")
    check_interval(interval, loaded, "#/interval", findings)
    findings.raise_errors()
    return Asked(EVERYTHING.outputs if outputs is None else frozenset(outputs), top_k, interval)


def named_scores(loaded: LoadedVersion, predictions: NDArray[np.float32], asked: Asked) -> dict[str, Any]:
    """The `probabilities` and `top_k` of predictions; `Invalid` where the outputs are no classes."""
    scores = loaded.meaning.scores(predictions)
    names = loaded.meaning.scored
    if scores is None or names is None:
        detail = "Expected a version that knows classes; the outputs of this one are plain numbers."
        asks = {"outputs": "probabilities" in asked.outputs, "top_k": asked.top_k is not None}
        raise Invalid([Finding(pointer(key), "not_a_classifier", detail) for key, is_asked in asks.items() if is_asked])
    content: dict[str, Any] = {}
    if "probabilities" in asked.outputs:
        content["probabilities"] = [dict(zip(names, row, strict=True)) for row in scores.tolist()]
    if asked.top_k is not None:
        best = np.argsort(-scores, axis=1, kind="stable")[:, : asked.top_k]
        content["top_k"] = [
            [{"name": names[place], "score": float(row[place])} for place in places]
            for row, places in zip(scores, best, strict=True)
        ]
    return content
