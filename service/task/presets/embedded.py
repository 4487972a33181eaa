"""What `auto` makes: a bag of networks with two relu layers, on piecewise-linear embeddings of the numbers.

Embeddings (Gorishniy et al. 2022) let a network of few layers see numbers that are really codes; the rule, and how it
was found, is in `benchmarks/quality.py` and `docs/explanation/auto.md`.
"""

from typing import Any

from service.task.presets.places import Places
from service.task.presets.plain import normalization, plain, stops_early
from service.task.presets.profile import Profile

Json = dict[str, Any]

BINS, VECTOR, WIDTH = 32, 8, 128
MOST_EMBEDDED = 256
"""More numbers than this are taken as they are: their vectors would make the first kernel too large."""

_ROWS_OF_ALL_EPOCHS, _FEWEST_EPOCHS, _PATIENCE = 10_000_000, 20, 20


def embedded(profile: Profile) -> Json:
    """The network of `auto`, and for how long it is trained: the more rows, the fewer epochs."""
    made = plain(profile)
    made["spec"] = {"layers": [*_first(profile), *_hidden(), made["spec"]["layers"][-1]]}
    epochs = max(_FEWEST_EPOCHS, min(int(made["fit"]["epochs"]), _ROWS_OF_ALL_EPOCHS // max(1, profile.rows)))
    made["fit"] |= {"epochs": epochs, "callbacks": [stops_early(min(_PATIENCE, epochs // 2))]}
    return made | ({"features": Places.of(profile, encoding="quantile").features} if profile.columns else {})


def _first(profile: Profile) -> list[Json]:
    """The embeddings, of the columns of a table or of arrays."""
    numbers: Json = {"class_name": "PiecewiseLinearEmbedding", "output_dim": VECTOR, "num_bins": BINS}
    if not profile.columns:
        return [normalization(profile), *([numbers] if len(profile.means) <= MOST_EMBEDDED else [])]
    places = Places.of(profile, encoding="quantile")
    groups: list[Json] = []
    if places.numbers and len(places.numbers) <= MOST_EMBEDDED:
        groups.append({"columns": places.numbers, "layers": [numbers]})
    for place, size in places.codes.items():
        vectors = {"class_name": "Embedding", "input_dim": size, "output_dim": VECTOR}
        groups.append({"columns": [place], "layers": [vectors]})
    return [{"class_name": "ColumnTransformer", "transformers": groups}] if groups else []


def _hidden() -> list[Json]:
    return [{"class_name": "Dense", "units": units, "activation": "relu"} for units in (WIDTH, WIDTH // 2)]
