"""Chooses how numeric targets are scaled: as the request says, else as suits the loss and the last layer."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.data.features import Prepared
from service.errors import Findings
from service.spec import TrainingRequest
from service.spec.data import DataSpec, TargetSpec, Transform
from service.spec.mistakes import pointer_in
from service.task import AskedLoss
from service.task.network import scale_of
from service.task.output_meaning import activation_of
from service.task.start import Start


def with_transforms(
    request: TrainingRequest,
    prepared: Prepared,
    start: Start | None,
    document: Mapping[str, Any],
    findings: Findings,
) -> TrainingRequest:
    """The request with the transform of each target, where they are scaled; notes those that cannot be.

    A training that continues from a version scales as the version does.
    """
    asked = [] if request.data is None else [one.transform for one in request.data.target or ()]
    count = prepared.dataset.y.reshape(prepared.dataset.rows, -1).shape[1]
    at = pointer_in(document, "data", "target")
    if start is not None:
        scale = scale_of(start.version)
        own: list[Transform] = ["none"] * count if scale is None else list(scale.transforms)
        if any(one not in (None, known) for one, known in zip(asked, own, strict=False)):
            said = f"Expected the transform of {start.version.title}, {own[0]!r}, which may be left out."
            findings.error(at, "conflict", f"{said} Received another.")
        return request
    loss = AskedLoss.of(request.compile)
    is_numbers = not loss.classifies and prepared.dataset.classes is None
    default: Transform = "standardize" if prepared.targets is not None and _suits(request, loss) else "none"
    chosen: list[Transform] = [one or default for one in asked] or [default if is_numbers else "none"]
    if prepared.targets is None and len(chosen) == 1:
        chosen *= count
    if set(chosen) == {"none"}:
        return request
    if not is_numbers:
        if any(one not in (None, "none") for one in asked):
            findings.error(at, "conflict", "Expected targets that are numbers to scale; these are classes.")
        return request
    _check(chosen, prepared.dataset.y, at, findings)
    data = request.data or DataSpec()
    names = [one.model_dump(exclude_unset=True) for one in data.target or ()] or [{} for _ in chosen]
    targets = [
        TargetSpec.model_validate({**one, "transform": transform})
        for one, transform in zip(names, chosen, strict=False)
    ]
    spelt = data.model_dump(exclude_unset=True) | {"target": [one.model_dump(exclude_unset=True) for one in targets]}
    return request.model_copy(update={"data": DataSpec.model_validate(spelt)})


def _suits(request: TrainingRequest, loss: AskedLoss) -> bool:
    """Whether outputs may be any number, and the loss grows with the size of the targets."""
    last = request.spec.make_layers()[-1]
    activation = activation_of(last)
    is_free = activation is None or activation.output_range == (-math.inf, math.inf)
    return loss.known is not None and loss.known.grows_with_targets and is_free and not last.rescales_outputs


def _check(chosen: list[Transform], y: Any, at: str, findings: Findings) -> None:
    columns = y.reshape(len(y), -1)
    for place, transform in enumerate(chosen):
        if transform == "log" and not (columns[:, place] > 0).all():
            least = np.min(columns[:, place])
            said = f"Expected targets above 0 for the transform 'log'; the least is {least:g}."
            findings.error(at, "out_of_range", f"{said} Use 'standardize', or leave those rows out.")
