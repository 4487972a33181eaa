"""How a preset becomes a whole request: what it makes, below what the request itself says."""

from collections.abc import Callable, Mapping
from typing import Any

from service.data.datasets import Dataset
from service.data.tables import Table
from service.spec.data import DataSpec
from service.task.presets.embedded import embedded
from service.task.presets.plain import plain
from service.task.presets.profile import Profile
from service.task.presets.realmlp import realmlp
from service.task.presets.tabm import tabm

Json = dict[str, Any]

VALIDATION, _FEWEST_HELD_OUT, _ROWS_OF_A_CLASS = 0.2, 10, 3
FOLDS, FEWEST_OF_BAG, MOST_OF_BAG = 5, 25, 10_000
"""The members of the bag that `auto` makes, and of how many rows it makes one."""

_ALIKE: Mapping[str, Callable[[Profile], Json]] = {"plain": plain, "realmlp": realmlp, "tabm": tabm}
NAMES = ("auto", *_ALIKE)
"""The names of the presets; `auto` chooses among the others."""


def wants_preset(document: Mapping[str, Any]) -> str | None:
    """The preset that a request asks for: `auto` where it says neither preset, network nor compilation."""
    given = document.get("preset")
    if isinstance(given, str):
        return given if given in NAMES else None
    said = [document.get(key) for key in ("preset", "spec", "compile", "from")]
    return "auto" if all(one is None for one in said) else None


def with_split(name: str, asked: DataSpec, data: Dataset | Table, *, classifies: bool) -> DataSpec:
    """What is asked of the data, with rows held out for validation where nothing is said and enough are there.

    `auto` deals the rows of a table or of arrays that are not large into folds; other presets hold a part out.
    """
    has_validation = isinstance(data, Dataset) and data.validation is not None
    if asked.split is not None and (asked.split.validation or asked.split.folds or asked.split.method != "random"):
        return asked
    if has_validation or data.rows * VALIDATION < _FEWEST_HELD_OUT / 5:
        return asked
    share = 1.0 if asked.split is None else 1 - asked.split.test
    is_bag = name == "auto" and FEWEST_OF_BAG <= data.rows * share <= MOST_OF_BAG
    split: Json = {"folds": FOLDS} if is_bag else {"validation": VALIDATION}
    split["method"] = "stratified" if classifies and _has_rows_of_each(asked, data) else "random"
    split |= {} if asked.split is None else asked.split.model_dump(exclude_unset=True)
    return DataSpec.model_validate({**asked.model_dump(exclude_unset=True), "split": split})


def _has_rows_of_each(asked: DataSpec, data: Dataset | Table) -> bool:
    """Whether the classes of a table have some rows each, so that a part of every class can be held out."""
    if not isinstance(data, Table) or not asked.target:
        return False
    told: Mapping[str, Any] = data.profile.get(asked.target[0].name, {})
    return _ROWS_OF_A_CLASS * int(told.get("distinct", 2)) <= data.rows


def expanded(name: str, document: Mapping[str, Any], asked: DataSpec, profile: Profile) -> Json:
    """The whole request: the parts that the preset makes, with everything in them that the document says otherwise."""
    made = _chosen(name)(profile)
    features = made.pop("features", None)
    about = asked.model_dump(mode="json", exclude_unset=True)
    if features is not None and asked.features is None:
        about["features"] = features
    elif features is not None:
        about["features"] = _overlaid(features, about["features"])
    fit = made["fit"]
    if not _validates(document, asked):
        fit.pop("callbacks")
    whole = {
        **document,
        "preset": name,
        "spec": document.get("spec") or made["spec"],
        "compile": {**made["compile"], **(document.get("compile") or {})},
        "fit": {**fit, **(document.get("fit") or {})},
    }
    if document.get("calibrate") is None and _gives_probabilities(document, asked, profile):
        whole["calibrate"] = True
    data = document.get("data")
    return whole | {"data": {**data, **about} if isinstance(data, Mapping) else data}


def _chosen(name: str) -> Callable[[Profile], Json]:
    return embedded if name == "auto" else _ALIKE[name]


def _overlaid(features: list[Json], given: list[Json]) -> list[Json]:
    """The features in the preset's order and encodings, with what was said of each."""
    said = {one["name"]: one for one in given}
    return [{**one, **said[one["name"]]} for one in features if one["name"] in said]


def _gives_probabilities(document: Mapping[str, Any], asked: DataSpec, profile: Profile) -> bool:
    """Whether the preset's own network ends in probabilities, with rows to calibrate them by.

    A bag is not calibrated: the rows of a fold tell how sure one member is, and not the mean of all.
    """
    if asked.split is not None and asked.split.folds:
        return False
    own = document.get("spec") is None and (document.get("compile") or {}).get("loss") is None
    return own and profile.classifies and _validates(document, asked)


def _validates(document: Mapping[str, Any], asked: DataSpec) -> bool:
    """Whether some rows are held out to stop by."""
    fit = document.get("fit") or {}
    return bool(asked.split is not None and (asked.split.validation or asked.split.folds)) or any(
        isinstance(fit, Mapping) and fit.get(key) for key in ("validation_split", "validation_data")
    )
