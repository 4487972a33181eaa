"""The body of a training request."""

from collections.abc import Mapping
from typing import Any


def training_request(
    *,
    dataset: str | None,
    target: Any,
    features: list[Any] | None,
    split: Mapping[str, Any] | None,
    sample_weight: str | None,
    rest: Mapping[str, Any],
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """What was given, and nothing of what was not."""
    spec = rest.get("spec")
    network = {"layers": spec} if isinstance(spec, list) else spec
    asked = {key: value for key, value in {**rest, "spec": network}.items() if value is not None}
    told = {
        "dataset": dataset,
        "target": target,
        "features": features,
        "split": split,
        "sample_weight": sample_weight,
        **data,
    }
    described = {key: value for key, value in told.items() if value is not None}
    return asked | ({"data": described} if described else {})
