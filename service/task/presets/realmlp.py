"""`realmlp`: RealMLP-TD and its simpler form TD-S (Holzmueller, Grinsztajn, Steinwart 2024, "Better by default").

Label smoothing is left out, because the loss is what a score is measured by; otherwise the numbers are the paper's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.task.presets.places import Places, feature_spec
from service.task.presets.plain import normalization, stops_early
from service.task.presets.profile import Profile

Json = dict[str, Any]

EPOCHS, BATCH_SIZE, WIDTH = 256, 256, 256

_VECTORS: Json = {"embeddings_initializer": {"class_name": "RandomNormal", "stddev": 1}}


def td_s(*, classifies: bool, units: int | str = "auto", width: int = WIDTH) -> list[Json]:
    """The layers of RealMLP-TD-S, for columns that are scaled robustly and clipped smoothly before."""
    normal = {"class_name": "RandomNormal", "stddev": 1}
    hidden = {"class_name": "Dense", "units": width, "activation": "selu" if classifies else "mish"}
    hidden |= {"parametrization": "ntk", "kernel_initializer": normal, "bias_initializer": normal}
    last = {"class_name": "Dense", "units": units, "activation": "softmax" if classifies else "linear"}
    last |= {"parametrization": "ntk", "kernel_initializer": "zeros"}
    return [{"class_name": "Scale"}, *[hidden] * 3, last]


def td(
    *,
    classifies: bool,
    numbers: Sequence[int],
    others: Sequence[int],
    codes: Mapping[int, int],
    units: int | str = "auto",
    width: int = WIDTH,
    dropout: float = 0.15,
) -> list[Json]:
    """The layers of RealMLP-TD: places of numeric columns, of those that stay as they are, and of embedded categories.

    `codes` are places with their numbers of codes, of which 0 is that of missing and unknown texts. Others follow.
    """
    transformers: list[Json] = []
    if numbers:
        transformers.append(
            {"columns": list(numbers), "layers": [{"class_name": "PeriodicEmbedding", "output_dim": 3}]}
        )
    if [*numbers, *others]:
        transformers.append({"columns": [*numbers, *others]})
    transformers += [
        {"columns": [place], "layers": [{"class_name": "Embedding", "input_dim": size, "output_dim": 8} | _VECTORS]}
        for place, size in codes.items()
    ]
    kernel: Json = {
        "class_name": "Dense",
        "parametrization": "ntk",
        "kernel_initializer": "unit_variance",
        "bias_initializer": "convex_combination",
    }
    block: list[Json] = [
        kernel | {"units": width},
        {"class_name": "ParametricActivation", "activation": "selu" if classifies else "mish"},
        {"class_name": "Dropout", "rate": dropout, "rate_schedule": "flat_cosine_decay"},
    ]
    last = [kernel | {"units": units, "activation": "softmax" if classifies else "linear"}]
    clamp: list[Json] = [] if classifies else [{"class_name": "Clamp"}]
    first: list[Json] = [{"class_name": "ColumnTransformer", "transformers": transformers}] if transformers else []
    return [*first, {"class_name": "Scale"}, *block * 3, *last, *clamp]


def optimizer(*, classifies: bool, is_simple: bool) -> Json:
    """Adam as RealMLP-TD-S (`is_simple`) or RealMLP-TD has it."""
    rate = 0.04 if classifies else 0.07 if is_simple else 0.2
    adam: Json = {
        "class_name": "Adam",
        "learning_rate": {"class_name": "CosineLogCycles", "initial_learning_rate": rate},
        "beta_2": 0.95,
        "epsilon": 1e-8,
        "epsilon_form": "corrected",
    }
    if is_simple:
        return adam | {"learning_rate_factors": {"scale": 6, "bias": 0.1}}
    small = dict.fromkeys(["alpha", "frequencies", "phases", "amplitudes", "offsets"], 0.1)
    return adam | {
        "weight_decay": 0.02,
        "weight_decay_schedule": "flat_cosine_decay",
        "learning_rate_factors": {"scale": 6, "bias": 0.1} | small,
        "weight_decay_factors": {"scale": 6, "bias": 0} | small,
    }


def realmlp(profile: Profile) -> Json:
    """RealMLP-TD for a table, TD-S for arrays."""
    if not profile.columns:
        return td_s_preset(profile)
    places = Places.of(profile)
    layers = td(classifies=profile.classifies, numbers=places.numbers, others=places.marks, codes=places.codes)
    return _preset(profile, layers, is_simple=False) | {"features": places.features}


def td_s_preset(profile: Profile) -> Json:
    """RealMLP-TD-S; the columns of arrays are standardized by its first layer."""
    layers = td_s(classifies=profile.classifies)
    if not profile.columns:
        return _preset(profile, [normalization(profile), *layers], is_simple=True)
    features = [feature_spec(one, {"encoding": "robust"} if one.is_number else {}) for one in profile.columns]
    return _preset(profile, layers, is_simple=True) | {"features": features}


def _preset(profile: Profile, layers: list[Json], *, is_simple: bool) -> Json:
    return {
        "spec": {"layers": layers},
        "compile": {
            "optimizer": optimizer(classifies=profile.classifies, is_simple=is_simple),
            "loss": "categorical_crossentropy" if profile.classifies else "mean_squared_error",
            "metrics": ["accuracy"] if profile.classifies else ["mean_absolute_error"],
        },
        "fit": {
            "epochs": EPOCHS,
            "batch_size": min(BATCH_SIZE, max(1, profile.rows)),
            "callbacks": [stops_early(EPOCHS)],
        },
    }
