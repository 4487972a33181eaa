"""RealMLP-TD-S, RealMLP-TD and TabM-mini as the papers train them, in the words of a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.task.presets import realmlp, tabm

Json = dict[str, Any]


def realmlp_td_s(units: int, *, classifies: bool, width: int = 256) -> Json:
    """RealMLP-TD-S, for columns that are scaled robustly and clipped smoothly before."""
    optimizer = realmlp.optimizer(classifies=classifies, is_simple=True)
    return _request(realmlp.td_s(classifies=classifies, units=units, width=width), optimizer, loss(classifies))


def realmlp_td(
    units: int,
    *,
    classifies: bool,
    numbers: Sequence[int],
    one_hot: Sequence[int],
    codes: Mapping[int, int],
    **sizes: Any,
) -> Json:
    """RealMLP-TD: places of numeric columns, of one-hot categories, and of embedded ones with their number of codes."""
    layers = realmlp.td(classifies=classifies, numbers=numbers, others=one_hot, codes=codes, units=units, **sizes)
    return _request(layers, realmlp.optimizer(classifies=classifies, is_simple=False), loss(classifies))


def tabm_mini(units: int, *, classifies: bool, chunks: Sequence[int], **sizes: Any) -> Json:
    """TabM-mini: `chunks` are the numbers of inputs of each feature, `numbers` the places of embedded ones."""
    layers = tabm.tabm_mini(classifies=classifies, chunks=chunks, units=units, **sizes)
    return _request(layers, tabm.optimizer(), loss(classifies, smoothing=0)) | {
        "fit": {"epochs": 1000, "batch_size": 256}
    }


def _request(layers: list[Json], optimizer: Json, lost: Json | str) -> Json:
    return {
        "spec": {"layers": layers},
        "compile": {"optimizer": optimizer, "loss": lost},
        "fit": {"epochs": realmlp.EPOCHS, "batch_size": realmlp.BATCH_SIZE},
    }


def loss(classifies: bool, smoothing: float = 0.1) -> Json | str:
    """Cross-entropy on softened labels, or the squared error."""
    if not classifies:
        return "mean_squared_error"
    return {"class_name": "CategoricalCrossentropy", "label_smoothing": smoothing}
