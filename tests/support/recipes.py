"""RealMLP-TD-S, RealMLP-TD and TabM-mini as a request says them: JSON for `spec`, `compile` and the rest of `fit`."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def realmlp_td_s(units: int, *, classifies: bool, width: int = 256) -> Json:
    """RealMLP-TD-S, for columns that are scaled robustly and clipped smoothly before."""
    normal = {"class_name": "RandomNormal", "stddev": 1}
    hidden = {"class_name": "Dense", "units": width, "activation": "selu" if classifies else "mish"}
    hidden |= {"parametrization": "ntk", "kernel_initializer": normal, "bias_initializer": normal}
    last = {"class_name": "Dense", "units": units, "activation": "softmax" if classifies else "linear"}
    last |= {"parametrization": "ntk", "kernel_initializer": "zeros"}
    optimizer = {
        "class_name": "Adam",
        "learning_rate": {"class_name": "CosineLogCycles", "initial_learning_rate": 0.04 if classifies else 0.07},
        "beta_2": 0.95,
        "epsilon": 1e-8,
        "epsilon_form": "corrected",
        "learning_rate_factors": {"scale": 6, "bias": 0.1},
    }
    return {
        "spec": {"layers": [{"class_name": "Scale"}, *[hidden] * 3, last]},
        "compile": {"optimizer": optimizer, "loss": loss(classifies)},
        "fit": {"epochs": 256, "batch_size": 256},
    }


def realmlp_td(
    units: int,
    *,
    classifies: bool,
    numbers: Sequence[int],
    one_hot: Sequence[int],
    codes: dict[int, int],
    width: int = 256,
    dropout: float = 0.15,
) -> Json:
    """RealMLP-TD: places of numeric columns, of one-hot categories, and of embedded ones with their number of codes.

    Code 0 is that of missing and unknown categories.
    """
    transformers: list[Json] = [
        {"columns": list(numbers), "layers": [{"class_name": "PeriodicEmbedding", "output_dim": 3}]},
        {"columns": [*numbers, *one_hot]},
    ]
    categories = [
        {"columns": [place], "layers": [{"class_name": "Embedding", "input_dim": size, "output_dim": 8} | _VECTORS]}
        for place, size in codes.items()
    ]
    kernel = {
        "class_name": "Dense",
        "parametrization": "ntk",
        "kernel_initializer": "unit_variance",
        "bias_initializer": "convex_combination",
    }
    block = [
        kernel | {"units": width},
        {"class_name": "ParametricActivation", "activation": "selu" if classifies else "mish"},
        {"class_name": "Dropout", "rate": dropout, "rate_schedule": "flat_cosine_decay"},
    ]
    last = [kernel | {"units": units, "activation": "softmax" if classifies else "linear"}]
    small = dict.fromkeys(["alpha", "frequencies", "phases", "amplitudes", "offsets"], 0.1)
    optimizer = {
        "class_name": "Adam",
        "learning_rate": {"class_name": "CosineLogCycles", "initial_learning_rate": 0.04 if classifies else 0.2},
        "beta_2": 0.95,
        "epsilon": 1e-8,
        "epsilon_form": "corrected",
        "weight_decay": 0.02,
        "weight_decay_schedule": "flat_cosine_decay",
        "learning_rate_factors": {"scale": 6, "bias": 0.1} | small,
        "weight_decay_factors": {"scale": 6, "bias": 0} | small,
    }
    layers = [{"class_name": "Scale"}, *block * 3, *last, *([] if classifies else [{"class_name": "Clamp"}])]
    return {
        "spec": {"layers": [{"class_name": "ColumnTransformer", "transformers": transformers + categories}, *layers]},
        "compile": {"optimizer": optimizer, "loss": loss(classifies)},
        "fit": {"epochs": 256, "batch_size": 256},
    }


_VECTORS: Json = {"embeddings_initializer": {"class_name": "RandomNormal", "stddev": 1}}


def tabm_mini(
    units: int,
    *,
    classifies: bool,
    chunks: Sequence[int],
    numbers: Sequence[int] = (),
    members: int = 32,
    width: int = 512,
    dropout: float = 0.1,
    bins: int = 48,
    vector: int = 16,
) -> Json:
    """TabM-mini: `chunks` are the numbers of inputs of each feature, `numbers` the places of embedded ones."""
    fan_in = {"class_name": "VarianceScaling", "scale": 1 / 3, "distribution": "uniform"}  # +- 1 / sqrt(fan in)
    embedding = {"class_name": "PiecewiseLinearEmbedding", "output_dim": vector, "num_bins": bins}
    first: list[Json] = []
    if numbers:
        transformers = [{"columns": list(numbers), "layers": [embedding]}]
        first = [{"class_name": "ColumnTransformer", "transformers": transformers}]
    scale = {"class_name": "RandomNormal", "stddev": 1} if numbers else "random_signs"
    block = [
        {"class_name": "Dense", "units": width, "activation": "relu", "kernel_initializer": fan_in},
        {"class_name": "Dropout", "rate": dropout},
    ]
    heads = {"class_name": "EnsembleDense", "units": units, "activation": "softmax" if classifies else "linear"}
    layers = [
        *first,
        {"class_name": "EnsembleScale", "members": members, "chunks": list(chunks), "scale_initializer": scale},
        *block * (2 if numbers else 3),
        heads | {"kernel_initializer": fan_in},
    ]
    optimizer = {"class_name": "AdamW", "learning_rate": 2e-3, "weight_decay": 3e-4, "epsilon": 1e-8}
    return {
        "spec": {"layers": layers},
        "compile": {
            "optimizer": optimizer | {"epsilon_form": "corrected", "global_clipnorm": 1.0},
            "loss": loss(classifies, smoothing=0),
        },
        "fit": {"epochs": 1000, "batch_size": 256},
    }


def loss(classifies: bool, smoothing: float = 0.1) -> Json | str:
    """Cross-entropy on softened labels, or the squared error."""
    if not classifies:
        return "mean_squared_error"
    return {"class_name": "CategoricalCrossentropy", "label_smoothing": smoothing}
