"""Names that nobody knows: answered with the one that was meant, in a time that nobody can stretch."""

import copy
from typing import Any
from unittest.mock import Mock

import pytest

from service.api.examples import SMALL
from service.checks import read_training
from service.config import Limits
from service.errors import Findings, Invalid

LIMITS = Limits()


def mistakes(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        read_training(document, LIMITS)
    return [(one.pointer, one.code) for one in caught.value.findings]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"optimizer": "adma"}, "adam"),
        ({"optimizer": "Adm"}, "adam"),
        ({"optimizer": {"class_name": "adamw2"}}, "AdamW"),
        ({"optimizer": {"class_name": "SGD", "lr": 0.1}}, "learning_rate"),
        ({"loss": "sparse_crossentropy"}, "sparse_categorical_crossentropy"),
        ({"loss": "cross_entropy"}, "crossentropy"),
        ({"loss": "mean_square_error"}, "mean_squared_error"),
        ({"metrics": ["f1"]}, "f1_score"),
        ({"metrics": ["r2"]}, "r2_score"),
        ({"metrics": ["rmse"]}, "root_mean_squared_error"),
        ({"metrics": ["confusion_matrix"]}, None),
    ],
)
def test_a_name_with_a_common_slip_is_answered_with_the_one_that_was_meant(
    asked: dict[str, Any], meant: str | None
) -> None:
    document = copy.deepcopy(SMALL)
    document["compile"] |= asked
    with pytest.raises(Invalid) as caught:
        read_training(document, LIMITS)
    said = caught.value.findings[0].detail
    assert ("Did you mean" in said) == (meant is not None)
    assert meant is None or f"Did you mean {meant!r}?" in said


@pytest.mark.parametrize(("written", "meant"), [("Relu", "relu"), ("ReLU", "relu"), ("leakyrelu", "leaky_relu")])
def test_capitals_make_no_difference_to_what_was_meant(written: str, meant: str) -> None:
    document = copy.deepcopy(SMALL)
    document["spec"]["layers"][0]["activation"] = written
    with pytest.raises(Invalid, match=f"Did you mean {meant!r}"):
        read_training(document, LIMITS)


@pytest.mark.parametrize("part", ["metrics", "layers", "callbacks"])
def test_of_too_many_names_none_is_looked_at(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [{"class_name": f"name{number}"} for number in range(3000)]
    at = {"metrics": "compile", "layers": "spec", "callbacks": "fit"}[part]
    compared = Mock(return_value="")
    monkeypatch.setattr("service.spec.spelling.hint", compared)
    document = {**copy.deepcopy(SMALL)}
    document[at] = {**document[at], part: names}
    assert mistakes(document) == [(f"#/{at}/{part}", "wrong_form")]
    assert compared.call_count < 3000
    document[at][part] = names[:900]
    assert len(mistakes(document)) == Findings().limit


def test_of_many_unknown_keys_only_those_are_compared_that_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Mock(return_value="")
    monkeypatch.setattr("service.spec.mistakes.hint", compared)
    document = {**copy.deepcopy(SMALL), "fit": {f"epoch{number}": 1 for number in range(3000)}}
    assert mistakes(document) == [(f"#/fit/epoch{number}", "unknown_key") for number in range(compared.call_count)]
    assert compared.call_count == LIMITS.max_errors_shown
