"""The columns of a table in an order in which a network can find those that it embeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.task.presets.profile import MOST_CODES, Column, Profile

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Numbers first, then embedded categories, then all others, whose inputs pass on as they are."""

    features: list[Json]
    """The columns in their order, as `data.features` says them."""
    numbers: list[int]
    """The places of the numbers among the inputs."""
    marks: list[int]
    """The places that tell whether a number is missing."""
    codes: Mapping[int, int]
    """The places of embedded categories, and how many codes each has."""

    @classmethod
    def of(cls, profile: Profile, *, encoding: str = "robust") -> Self:
        """The places of the inputs; numbers have this encoding, and a mark where values are missing."""
        numbers = [one for one in profile.columns if one.is_number]
        embedded = [one for one in profile.columns if one.is_embedded]
        others = [one for one in profile.columns if not (one.is_number or one.is_embedded)]
        features, place = [], 0
        of_numbers, marks, codes = [], [], {}
        for column in numbers:
            of_numbers.append(place)
            place += 1
            if column.has_gaps:
                marks.append(place)
                place += 1
            features.append(feature_spec(column, {"encoding": encoding}))
        for column in embedded:
            count = min(column.distinct, MOST_CODES)
            codes[place] = count + 1
            place += 1
            features.append(feature_spec(column, {"encoding": "integer", "max_categories": count}))
        return cls([*features, *(feature_spec(one, {}) for one in others)], of_numbers, marks, codes)


def feature_spec(column: Column, encoding: Mapping[str, Any]) -> Json:
    """A column as `data.features` says it; a number of which some are missing gets a mark that says so."""
    told = {"name": column.name, "type": _type_of(column), **encoding}
    return told | ({"missing": "indicator"} if column.is_number and column.has_gaps else {})


def _type_of(column: Column) -> str:
    return "boolean" if column.learnt.encoding == "boolean" else column.learnt.type
