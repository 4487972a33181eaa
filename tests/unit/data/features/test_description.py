"""Encoders that strangers describe: taken when a training could have given them, else refused at their place."""

from typing import Any

import pytest

from service.config import Limits
from service.data.features import Encoder
from service.data.features.description import read_encoder
from service.errors import Findings
from tests.support.encoders import COLUMNS

FEATURES = Encoder(COLUMNS).to_json_list()
NUMBER: dict[str, Any] = FEATURES[1]
CATEGORY: dict[str, Any] = FEATURES[0]


def read(value: Any, **limits: int) -> tuple[Encoder | None, set[tuple[str, str]]]:
    findings = Findings()
    found = read_encoder(value, ["name"], "#/features", findings, Limits(**limits))
    return found, {(one.pointer, one.code) for one in findings.errors}


def test_what_a_version_says_of_its_columns_is_an_encoder() -> None:
    found, mistakes = read(FEATURES)
    assert not mistakes
    assert found is not None
    assert found.to_json_list() == FEATURES
    assert found.others == {"name"}


@pytest.mark.parametrize(
    ("features", "place", "code"),
    [
        (None, "#/features", "wrong_type"),
        ([], "#/features", "wrong_type"),
        ([3], "#/features/0", "wrong_form"),
        ([{}], "#/features/0", "wrong_form"),
        ([{"type": ["number"]}], "#/features/0", "wrong_form"),
        ([{"type": "text"}], "#/features/0", "wrong_form"),
        ([NUMBER, NUMBER], "#/features", "duplicate"),
        ([NUMBER, {**NUMBER, "name": "b", "mean": "3"}], "#/features/1/mean", "wrong_form"),
        ([{**NUMBER, "mean": True}], "#/features/0/mean", "wrong_form"),
        ([{**NUMBER, "mean": float("nan")}], "#/features/0/mean", "wrong_form"),
        ([{**NUMBER, "mean": 1e39}], "#/features/0/mean", "out_of_range"),
        ([{**NUMBER, "deviation": 0.0}], "#/features/0/deviation", "out_of_range"),
        ([{**NUMBER, "name": ""}], "#/features/0/name", "out_of_range"),
        ([{**NUMBER, "name": "n" * 201}], "#/features/0/name", "out_of_range"),
        ([{**NUMBER, "encoding": "one_hot"}], "#/features/0/encoding", "out_of_range"),
        ([{**NUMBER, "missing": "drop"}], "#/features/0/missing", "out_of_range"),
        ([{**NUMBER, "code": "import os"}], "#/features/0/code", "unknown_key"),
        ([{key: NUMBER[key] for key in NUMBER if key != "fill"}], "#/features/0/fill", "wrong_form"),
        ([{**CATEGORY, "missing": "mean"}], "#/features/0/missing", "out_of_range"),
        ([{**CATEGORY, "categories": []}], "#/features/0/categories", "out_of_range"),
        ([{**CATEGORY, "categories": ["a", "a"]}], "#/features/0/categories", "out_of_range"),
        ([{**CATEGORY, "categories": ["a", 3]}], "#/features/0/categories/1", "wrong_form"),
        ([{**CATEGORY, "fill": "smooth"}], "#/features/0/fill", "out_of_range"),
        ([{**CATEGORY, "missing": "most_frequent", "fill": "b"}], "#/features/0/fill", "out_of_range"),
        ([{**CATEGORY, "encoding": "integer"}], "#/features/0/marks_missing", "out_of_range"),
    ],
)
def test_what_no_training_could_have_given_is_refused_at_its_place(features: Any, place: str, code: str) -> None:
    found, mistakes = read(features)
    assert found is None
    assert (place, code) in mistakes


def test_there_are_no_more_columns_than_the_limit() -> None:
    assert read(FEATURES, max_columns=3) == (None, {("#/features", "too_many_columns")})
