"""The outputs of a connected network for many rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.nn.callbacks import Callback
from service.nn.engine.batches import Batches, Feed
from service.nn.engine.network import Network

Array = np.ndarray[Any, Any]

# Inference has nothing to gain from batches that leave the cache.
INFERENCE_ROWS = 256


def outputs(network: Network, x: Array, batch_size: int | None = None) -> Array:
    """The output of each row, in memory of the caller's own; few rows of the right type are not copied before."""
    if len(x) <= INFERENCE_ROWS and x.dtype == network.dtype:
        return network.connection(len(x)).forward(np.ascontiguousarray(x)).copy()
    out = np.empty((len(x), *network.output_shape), network.dtype)
    at = 0
    for block in Batches(x, None, None, batch_size=batch_size or INFERENCE_ROWS, dtype=network.dtype).blocks():
        out[at : at + len(block.x)] = network.connection(len(block.x)).forward(block.x)
        at += len(block.x)
    return out


def watched_outputs(model: Any, network: Network, batches: Batches, watchers: Sequence[Callback]) -> Array:
    """The output of each row, a batch at a time between the hooks; ends early at `model.stop_predicting`."""
    out = np.empty((batches.rows, *network.output_shape), network.dtype)
    model.stop_predicting = False
    stop = 0
    for watcher in watchers:
        watcher.on_predict_begin({})
    for batch, (block, run) in enumerate(Feed(batches.blocks()).runs(batches.steps, by_batch=True)):
        for watcher in watchers:
            watcher.on_predict_batch_begin(batch, logs={})
        rows = block.x[slice(*run[0])]
        start, stop = stop, stop + len(rows)
        out[start:stop] = network.connection(len(rows)).forward(rows)
        for watcher in watchers:
            watcher.on_predict_batch_end(batch, logs={"outputs": out[start:stop]})
        if model.stop_predicting:
            break
    for watcher in watchers:
        watcher.on_predict_end({})
    return out[:stop]
