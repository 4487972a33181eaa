"""Going on from a version: what a request leaves out is the version's, and what it says has to fit the weights."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from service.checks.architecture import Locate
from service.errors import Findings, NotFound
from service.nn import layers
from service.nn.optimizers import Optimizer
from service.spec import CompileSpec, FromSpec, ModelSpec, TrainingRequest
from service.spec.mistakes import pointer_in, report
from service.spec.request import Continuation
from service.spec.vocabulary import made
from service.task.outline import Outline, Shape
from service.task.start import Start

OpenStart = Callable[[str, int | str | None], Start]
"""Opens a version by its model and its number, a label, or None for the latest; `NotFound` if there is none."""


def no_versions(model: str, _which: int | str | None) -> Start:
    """An `OpenStart` where nothing is stored."""
    raise NotFound("model", model)


def read_start(document: Mapping[str, Any], findings: Findings, open_start: OpenStart) -> Start | None:
    """The version that a request goes on from, if any; `Invalid` if it is none, because all else depends on it."""
    try:
        asked = Continuation.model_validate({"from": document.get("from")}).from_
        return None if asked is None else _single(open_start(asked.model, asked.which), document, findings)
    except ValidationError as error:
        report(error, document, TrainingRequest, findings)
    except NotFound as missing:
        findings.error(f"#/from/{missing.kind}", "not_found", missing.detail)
    raise findings.refusal()


def _single(start: Start, document: Mapping[str, Any], findings: Findings) -> Start:
    """The start, which is one network, and not to become a bag."""
    if start.version.members is not None:
        said = f"Expected a version that is one network; {start.version.title} is a bag of {start.version.members}."
        hint = "Ask for a new training of what its description shows, on more rows or with other settings."
        findings.error("#/from", "conflict", f"{said} {hint}")
        raise findings.refusal()
    data = document.get("data")
    asked = data.get("split") if isinstance(data, Mapping) else None
    if isinstance(asked, Mapping) and asked.get("folds") is not None:
        said = "Expected no folds beside from: the version has seen rows of every fold, so none would be held out."
        findings.error("#/data/split/folds", "conflict", said)
        raise findings.refusal()
    return start


def settled(
    request: TrainingRequest,
    found: Outline,
    start: Start,
    *,
    document: Mapping[str, Any],
    compiles: bool,
    findings: Findings,
) -> TrainingRequest:
    """The request with the version's number, whether the optimizer goes on, and the rate at which it does.

    `compiles` says that the request has a `compile` of its own: then the optimizer begins anew unless asked for.
    What does not fit is noted, with pointers into `document`.
    """
    before = findings.total
    trains = _check_layers(found, start, functools.partial(pointer_in, document), findings)
    if request.from_ is None or findings.total > before:
        return request
    wanted = request.from_.optimizer
    goes_on = wanted if wanted is not None else not compiles and start.optimizer is not None
    misfit = _misfit(request, start, trains) if goes_on else None
    if misfit is not None and wanted:
        findings.error("#/from/optimizer", "optimizer_mismatch", misfit)
    elif misfit is not None:
        findings.warn("#/from", "optimizer_mismatch", f"{misfit} The optimizer begins anew.")
        goes_on = False
    compiled = start.with_its_rate(request.compile) if goes_on and not compiles else request.compile
    asked = FromSpec(model=start.version.model, version=start.version.number, optimizer=goes_on)
    return request.model_copy(update={"from_": asked, "compile": compiled})


def _check_layers(found: Outline, start: Start, locate: Locate, findings: Findings) -> list[bool]:
    """Notes layers whose weights have other shapes than the version's; tells of each weight whether it trains."""
    groups = itertools.groupby(start.weights.items(), key=lambda weight: _layer_of(weight[0], start))
    of_version = iter([[array.shape for _, array in group] for _, group in groups])
    trains: list[bool] = []
    for place, layer, shapes in _with_shapes(found, start.learnt.columns):
        expected = next(of_version, []) if shapes else shapes
        if expected != shapes:
            said = f"Expected weights of the shapes {_listed(expected)}, as {start.version.title} has them here"
            said = f"{said}; this layer has {_listed(shapes)}."
            findings.error(locate("spec", "layers", place), "weights_mismatch", said)
            return trains
        trains += [layer.trainable] * len(shapes)
    left = len(list(of_version))
    if left:
        said = f"Expected layers for all weights of {start.version.title}; those of {left} of its layers are left over."
        findings.error(locate("spec", "layers"), "weights_mismatch", said)
    return trains


def _layer_of(path: str, start: Start) -> str:
    """The layer of a version that has the weight of this path; names may have slashes, and layers may have layers."""
    names = [line["layer"] for line in start.version.summary if path.startswith(f"{line['layer']}/")]
    return max(names, key=len, default=path.rpartition("/")[0])


def _with_shapes(found: Outline, columns: int) -> Iterator[tuple[int, layers.Layer, list[Shape]]]:
    """Place, layer and the shapes of its weights."""
    before: Shape = (None, columns)
    for place, layer, after in zip(found.places, found.layers, found.shapes, strict=True):
        yield place, layer, layer.weight_shapes(before)
        before = after


def _listed(shapes: list[Shape]) -> str:
    return " and ".join(str(list(shape)) for shape in shapes) or "none"


def _misfit(request: TrainingRequest, start: Start, trains: list[bool]) -> str | None:
    """Why the state of the version's optimizer is none for this request, if it is not."""
    if start.optimizer is None:
        return f"There is no optimizer's state in {start.version.title}."
    own = made("optimizer", request.compile.optimizer)
    other = made("optimizer", CompileSpec.model_validate(start.version.compile).optimizer)
    name, of_version = type(own).__name__, type(other).__name__
    if name != of_version:
        return f"Expected {of_version}, whose state {start.version.title} has; received {name}."
    for key, expected in _remembered(other).items():
        received = _remembered(own)[key]
        if received != expected:
            return f"Expected {name} with {key} {expected!r}, as {start.version.title} has it; received {received!r}."
    if trains != _trained(start):
        return f"Expected the same layers to be trained as in {start.version.title}: the state is of their weights."
    return None


def _remembered(optimizer: Optimizer) -> dict[str, Any]:
    """What the arrays of an optimizer's state follow from and are scaled by, besides its class and the weights."""
    keys = ("use_ema", "gradient_accumulation_steps", "beta_1", "beta_2")
    return {"slots": list(optimizer.slots())} | {key: getattr(optimizer, key, None) for key in keys}


def _trained(start: Start) -> list[bool]:
    """Of each weight of a version, whether its layer trains."""
    everything = ModelSpec.model_validate(start.version.spec).make_layers()
    stack = [layer for layer in everything if not isinstance(layer, layers.InputLayer)]
    trains = {line["layer"]: layer.trainable for line, layer in zip(start.version.summary, stack, strict=True)}
    return [trains[_layer_of(path, start)] for path in start.weights]
