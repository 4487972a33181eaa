"""Checks that the layers of a spec make a network for the rows, and that it is not too large."""

import math
from collections.abc import Callable

from service.config import Limits
from service.errors import Findings
from service.nn import ArgumentError, layers
from service.spec import ModelSpec
from service.task.outline import Outline, Shape

Locate = Callable[..., str]
"""Makes a pointer into the request, as it was written, out of keys such as `"spec", "layers", 0`."""

BUILT_PARAMETERS = 2_000_000
"""Networks up to this size are built to look at them; of larger ones only shapes are traced."""

SPREAD = 8
"""A layer such as RepeatVector may make of a row so many times the values that a layer may have units."""

FAILURES = (ValueError, TypeError, IndexError, ArithmeticError, AssertionError, AttributeError)
"""The exceptions of layers that do not fit the layer before them."""


def outline(
    spec: ModelSpec, columns: int, limits: Limits, locate: Locate, findings: Findings, *, learns: bool = True
) -> Outline | None:
    """The network's outline for rows of so many columns, or None and a finding for each mistake.

    Without a weight to train, a network that `learns` is a mistake, and one that only predicts is none.
    """
    before = findings.total
    made = list(enumerate(spec.make_layers()))
    _check_layers(made, limits, locate, findings)
    _check_inputs(made, columns, locate, findings)
    if findings.total > before:
        return None
    stack = [(place, layer) for place, layer in made if not isinstance(layer, layers.InputLayer)]
    found = _traced(stack, (None, columns), limits, locate, findings)
    if found is None:
        return None
    if len(found.shapes[-1]) != 2:
        at, shape = locate("spec", "layers", found.places[-1]), found.shapes[-1][1:]
        expected = f"Expected the last layer to return a row of outputs; it returns the shape {shape}. Add Flatten."
        findings.error(at, "shape_mismatch", expected)
        return None
    if found.is_built and not any(layer.trainable_weights if learns else layer.weights for layer in found.layers):
        expected = f"Expected a layer with weights{' to train' if learns else ''}."
        findings.error(locate("spec", "layers"), "no_weights", expected)
        return None
    return found


def _check_layers(made: list[tuple[int, layers.Layer]], limits: Limits, locate: Locate, findings: Findings) -> None:
    if len(made) > limits.max_layers:
        expected = f"Expected at most {limits.max_layers} layers; received {len(made)}."
        findings.error(locate("spec", "layers"), "too_many_layers", expected)
    names: set[str] = set()
    for place, layer in made:
        for key in ("units", "output_dim"):
            if (size := getattr(layer, key, 0)) > limits.max_units:
                expected = f"Expected at most {limits.max_units:,} units; received {size:,}."
                findings.error(locate("spec", "layers", place, key), "too_many_units", expected)
        if layer.name is not None and layer.name in names:
            at = locate("spec", "layers", place, "name")
            findings.error(at, "duplicate", "Expected each layer's name once; this one is taken.")
        names |= {layer.name} if layer.name is not None else set()
    if all(isinstance(layer, layers.InputLayer) for _, layer in made):
        findings.error(locate("spec", "layers"), "no_weights", "Expected a layer besides the input.")


def _check_inputs(made: list[tuple[int, layers.Layer]], columns: int, locate: Locate, findings: Findings) -> None:
    for place, layer in made:
        is_input, shape = isinstance(layer, layers.InputLayer), layer.declared_input_shape()
        if place > 0 and is_input:
            findings.error(locate("spec", "layers", place), "input_not_first", "Expected Input as the first layer.")
        if shape is None or layer.vocabulary is not None:
            continue
        key = next(key for key in _INPUT_KEYS if getattr(layer, key, None) is not None)
        at = locate("spec", "layers", place, key)
        if place > 0 and not is_input:
            said = "Only the first layer has an input shape of its own; here it changes nothing."
            findings.warn(at, "input_not_first", said)
        elif len(shape) != 1 or (shape[0] is not None and not isinstance(shape[0], int)):
            findings.error(at, "shape_mismatch", "Expected the shape of a row with one axis, such as [100].")
        elif shape[0] not in (None, columns):
            expected = f"The first layer expects {shape[0]} inputs; the data gives {columns} for each row."
            hint = "Left out, it follows from the data; texts and dates of a table become several inputs."
            findings.error(at, "width_mismatch", f"{expected} {hint}")


_INPUT_KEYS = ("input_dim", "input_shape", "batch_input_shape", "batch_shape", "shape")


def _traced(
    stack: list[tuple[int, layers.Layer]], shape: Shape, limits: Limits, locate: Locate, findings: Findings
) -> Outline | None:
    shapes: list[Shape] = []
    parameters = 0
    is_built = True
    for place, layer in stack:
        at = locate("spec", "layers", place)
        try:
            after = tuple(layer.compute_output_shape(shape))
            parameters += sum(map(math.prod, layer.weight_shapes(shape)))
            values = math.prod(after[1:])
            if values > SPREAD * limits.max_units:
                expected = f"Expected at most {SPREAD * limits.max_units:,} values for each row; it gives {values:,}."
                findings.error(at, "too_many_units", expected)
                return None
            if parameters > limits.max_parameters:
                expected = f"Expected at most {limits.max_parameters:,} parameters"
                findings.error(at, "too_many_parameters", f"{expected}; up to this layer there are {parameters:,}.")
                return None
            is_built = is_built and parameters <= BUILT_PARAMETERS
            if is_built:
                layer.build(shape)
        except FAILURES as error:
            reason = f" {error}" if isinstance(error, ArgumentError) else f" {type(error).__name__}: {str(error)[:200]}"
            follows = f"This layer cannot follow what gives the shape {shape[1:]}.{reason}"
            findings.error(at, "shape_mismatch", follows)
            return None
        shape = after
        shapes.append(shape)
    return Outline([layer for _, layer in stack], [place for place, _ in stack], shapes, parameters, is_built)
