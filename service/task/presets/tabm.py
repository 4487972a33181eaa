"""`tabm`: TabM-mini with piecewise-linear embeddings (Gorishniy et al. 2024; defaults of the package tabm)."""

from collections.abc import Sequence
from typing import Any

from service.task.presets.places import Places
from service.task.presets.plain import normalization, stops_early
from service.task.presets.profile import Profile

Json = dict[str, Any]

_PATIENCE, _MOST_EPOCHS = 16, 1000


def tabm_mini(
    *,
    classifies: bool,
    numbers: Sequence[int] = (),
    chunks: Sequence[int] | None = None,
    units: int | str = "auto",
    members: int = 32,
    width: int = 512,
    dropout: float = 0.1,
    bins: int = 48,
    vector: int = 16,
) -> list[Json]:
    """The layers of TabM-mini: `numbers` are the places of embedded ones, `chunks` how many inputs each feature has."""
    fan_in = {"class_name": "VarianceScaling", "scale": 1 / 3, "distribution": "uniform"}  # +- 1 / sqrt(fan in)
    embedding = {"class_name": "PiecewiseLinearEmbedding", "output_dim": vector, "num_bins": bins}
    first: list[Json] = []
    if numbers:
        transformers = [{"columns": list(numbers), "layers": [embedding]}]
        first = [{"class_name": "ColumnTransformer", "transformers": transformers}]
    block = [
        {"class_name": "Dense", "units": width, "activation": "relu", "kernel_initializer": fan_in},
        {"class_name": "Dropout", "rate": dropout},
    ]
    scale: Json = {
        "class_name": "EnsembleScale",
        "members": members,
        "scale_initializer": {"class_name": "RandomNormal", "stddev": 1} if numbers else "random_signs",
    }
    heads = {"class_name": "EnsembleDense", "units": units, "activation": "softmax" if classifies else "linear"}
    return [
        *first,
        scale | ({} if chunks is None else {"chunks": list(chunks)}),
        *block * (2 if numbers else 3),
        heads | {"kernel_initializer": fan_in},
    ]


def optimizer() -> Json:
    """AdamW as TabM has it."""
    return {
        "class_name": "AdamW",
        "learning_rate": 2e-3,
        "weight_decay": 3e-4,
        "epsilon": 1e-8,
        "epsilon_form": "corrected",
        "global_clipnorm": 1.0,
    }


def tabm(profile: Profile) -> Json:
    """TabM-mini, with embeddings of the numbers of a table."""
    places = Places.of(profile, encoding="quantile")
    layers = tabm_mini(classifies=profile.classifies, numbers=places.numbers)
    if not profile.columns:
        layers = [normalization(profile), *layers]
    return {
        "spec": {"layers": layers},
        "compile": {
            "optimizer": optimizer(),
            "loss": "categorical_crossentropy" if profile.classifies else "mean_squared_error",
            "metrics": ["accuracy"] if profile.classifies else ["mean_absolute_error"],
        },
        "fit": {
            "epochs": _MOST_EPOCHS,
            "batch_size": profile.batch_size,
            "callbacks": [stops_early(_PATIENCE)],
        },
    } | ({"features": places.features} if profile.columns else {})
