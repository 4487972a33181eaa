"""Initial weights that depend on the data: layer after layer, from what the layers before make of training rows."""

from typing import Any

import numpy as np

from service.nn import randomness
from service.nn.engine.network import Network
from service.nn.engine.samples import Samples
from service.nn.layers.layer import Setting

Array = np.ndarray[Any, Any]

MOST_NUMBERS = 2**24
"""The most numbers that the outputs of a layer have; of more rows some are drawn."""


def initialize(network: Network, data: Samples) -> None:
    """Shows each layer that initializes from data its inputs, once; weights that were set stay as they are."""
    waiting = [layer for layer in network.layers if layer.initializes_from_data and not layer.initialized]
    x, y = (data.x, data.y) if not waiting else _some(data, network)
    for place, layer in enumerate(network.layers):
        if not waiting:
            break
        if layer is waiting[0]:
            layer.initialize_from(x, y)
            del waiting[0]
        if waiting:
            setting = Setting(training=False, dtype=network.dtype, clock=network.clock, index=place)
            x = layer.connect(x.shape, setting).forward(x)
    for layer in network.layers:
        layer.initialized = True


def _some(data: Samples, network: Network) -> tuple[Array, Array]:
    """All rows, or as many of them, drawn from the model's seed, as fit into memory; the targets are of all rows."""
    most = max(1000, MOST_NUMBERS // network.widest)
    x = data.x
    if len(x) > most:
        rng = randomness.generator(network.clock.seed, randomness.WEIGHTS, len(network.layers))
        x = x[np.sort(rng.choice(len(x), most, replace=False))]
    return np.ascontiguousarray(x, network.dtype), data.y
