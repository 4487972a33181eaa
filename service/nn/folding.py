"""A trained network in fewer and plainer layers that answer the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.nn.layers import (
    Activation,
    ActivityRegularization,
    AlphaDropout,
    ColumnTransformer,
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Identity,
    Layer,
    ParametricActivation,
    Scale,
)
from service.nn.layers.column_transformer import Transformer
from service.nn.layers.input_layer import InputLayer
from service.nn.sequential import Sequential

Array = np.ndarray[Any, Any]

_SILENT = (ActivityRegularization, AlphaDropout, Dropout, GaussianDropout, GaussianNoise, Identity)
"""Layers that change nothing once the training is over."""


def foldable(model: Sequential) -> bool:
    """Whether the network has something that `fold` makes plainer."""
    return any(_is_foldable(layer) for layer in model.layers)


def fold(model: Sequential) -> Sequential:
    """A network that predicts as this one does, up to rounding, with plain Dense layers wherever these can say it.

    A Scale goes into the kernel of the Dense layer behind it, a kernel in NTK scale becomes a plain one, and a
    ParametricActivation whose alphas are all 1 the activation itself; layers that do nothing in inference are left out.
    The layers of each group of columns are folded, too.
    What no Dense layer can say, such as members and embeddings, stays as it is. The network is not compiled, and has no
    part in this one's weights. One without anything to fold is returned as it is.
    """
    if not foldable(model):
        return model
    kept = _folded_stack(model.layers)
    folded = Sequential([InputLayer(shape=model.input_shape[1:]), *(layer for layer, _ in kept)], name=model.name)
    folded.set_weights([weight for _, weights in kept for weight in weights])
    return folded


def _folded_stack(stack: Sequence[Layer]) -> list[tuple[Layer, list[Array]]]:
    """Layers that follow one another in fewer and plainer ones, each with its weights."""
    kept: list[tuple[Layer, list[Array]]] = []
    scale: Scale | None = None
    for layer in stack:
        if isinstance(layer, _SILENT):
            continue
        if scale is not None:
            if isinstance(layer, Dense):
                kept.append(_dense(layer, scale.scale.value))
                scale = None
                continue
            kept.append(_same(scale))
            scale = None
        if isinstance(layer, Scale):
            scale = layer
        else:
            kept.append(_folded(layer))
    return kept if scale is None else [*kept, _same(scale)]


def _is_foldable(layer: Layer) -> bool:
    if isinstance(layer, ColumnTransformer):
        return any(_is_foldable(inner) for inner in layer.inner_layers)
    is_scaled = isinstance(layer, Dense) and layer.parametrization == "ntk"
    return is_scaled or isinstance(layer, Scale) or _is_activation(layer)


def _is_activation(layer: Layer) -> bool:
    return isinstance(layer, ParametricActivation) and bool((layer.alpha.value == 1).all())


def _folded(layer: Layer) -> tuple[Layer, list[Array]]:
    if isinstance(layer, Dense):
        return _dense(layer)
    if isinstance(layer, ColumnTransformer):
        return _groups(layer)
    if isinstance(layer, ParametricActivation) and _is_activation(layer):
        return Activation(layer.activation, name=layer.name, dtype=layer.dtype), []
    return _same(layer)


def _groups(layer: ColumnTransformer) -> tuple[Layer, list[Array]]:
    """The same columns through fewer and plainer layers in each group."""
    stacks = [_folded_stack(inner) for _, inner in layer.parts[: len(layer.transformers)]]
    groups: list[Transformer] = [
        {"columns": one["columns"], "layers": [plain for plain, _ in stack]}
        for one, stack in zip(layer.transformers, stacks, strict=True)
    ]
    made = type(layer)(groups, remainder=layer.remainder, name=layer.name, dtype=layer.dtype)
    return made, [weight for stack in stacks for _, weights in stack for weight in weights]


def _dense(layer: Dense, scale: Array | None = None) -> tuple[Layer, list[Array]]:
    """The plain layer of the same answers; products are taken in double precision."""
    kernel = layer.kernel.value.astype(np.float64) * layer.kernel_factor
    if scale is not None:
        kernel *= scale.astype(np.float64)[:, None]
    plain = Dense.from_config({**layer.get_config(), "parametrization": "standard"})
    return plain, [kernel.astype(layer.kernel.value.dtype), *(weight.numpy() for weight in layer.weights[1:])]


def _same(layer: Layer) -> tuple[Layer, list[Array]]:
    return type(layer).from_config(layer.get_config()), layer.get_weights()
