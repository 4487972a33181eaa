"""Everything that `nn` registers can be asked for, with nn's own arguments, bounds and defaults."""

import dataclasses
import inspect
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.nn import losses
from service.nn.glossary import MEANINGS
from service.spec.spelling import BY_SHAPE, REGISTRIES
from service.spec.vocabulary import Named, Thing, made, model_of, reference

KINDS = sorted(REGISTRIES)
CLASSES = [(kind, cls) for kind in KINDS if kind != "activation" for cls in REGISTRIES[kind]]
NEEDED: dict[str, Any] = {
    "activation": "relu",
    "alpha": 0.5,
    "boundaries": [1, 2],
    "decay_rate": 0.9,
    "decay_steps": 10,
    "dims": [1],
    "first_decay_steps": 10,
    "initial_learning_rate": 0.1,
    "input_dim": 3,
    "n": 2,
    "output_dim": 2,
    "precision": 0.5,
    "rate": 0.5,
    "recall": 0.5,
    "scale": 2.0,
    "schedule": {"class_name": "ExponentialDecay", "initial_learning_rate": 1, "decay_steps": 1, "decay_rate": 1},
    "sensitivity": 0.5,
    "specificity": 0.5,
    "stddev": 0.1,
    "target_shape": [1],
    "transformers": [{"columns": [0], "layers": [{"class_name": "Embedding", "input_dim": 3, "output_dim": 2}]}],
    "units": 3,
    "values": [0.1, 0.2, 0.3],
}
"""An argument for each that has no default."""
ALTERNATIVES = {"InputLayer": {"shape": [3]}}
"""Arguments of classes that need one of several."""


def needed(cls: type) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    missing = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    return {name: NEEDED[name] for name in missing} | ALTERNATIVES.get(cls.__name__, {})


def ask(kind: str, value: Any) -> Any:
    return TypeAdapter(reference(kind)).validate_python(value)


@pytest.mark.parametrize(("kind", "cls"), CLASSES, ids=lambda part: getattr(part, "__name__", part))
def test_every_class_is_reachable_in_each_spelling(kind: str, cls: type) -> None:
    arguments = needed(cls)
    beside = ask(kind, {"class_name": cls.__name__, **arguments})
    within = ask(kind, {"class_name": cls.__name__, "config": arguments})
    keras = ask(
        kind,
        {
            "module": getattr(cls, "keras_module", "keras"),
            "class_name": cls.__name__,
            "config": arguments,
            "registered_name": None,
        },
    )
    assert isinstance(beside, Thing)
    assert beside == within == keras
    assert type(made(kind, beside)) is cls


@pytest.mark.parametrize(("kind", "cls"), CLASSES, ids=lambda part: getattr(part, "__name__", part))
def test_every_argument_has_its_default(kind: str, cls: type) -> None:
    fields = model_of(kind, cls).model_fields
    parameters = inspect.signature(cls).parameters
    assert set(fields) == {*parameters, "class_name"}
    for field in dataclasses.fields(cls):
        if field.init and field.default is not dataclasses.MISSING:
            assert fields[field.name].default == field.default


@pytest.mark.parametrize(("kind", "cls"), CLASSES, ids=lambda part: getattr(part, "__name__", part))
def test_what_a_made_thing_says_of_itself_makes_an_equal_one(kind: str, cls: type) -> None:
    first = made(kind, ask(kind, {"class_name": cls.__name__, **needed(cls)}))
    again = made(kind, ask(kind, {"class_name": cls.__name__, "config": first.get_config()}))
    assert again.get_config() == first.get_config()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "learning rate schedule"])
def test_every_name_is_reachable(kind: str) -> None:
    for name in REGISTRIES[kind].names():
        cls = None if kind == "activation" else REGISTRIES[kind].class_of(name)
        if cls is None or not needed(cls):
            assert ask(kind, name) == name
            made(kind, name)
        else:
            with pytest.raises(ValidationError, match=next(iter(needed(cls)))):
                ask(kind, name)


@pytest.mark.parametrize("kind", BY_SHAPE)
def test_names_that_follow_from_shapes_are_reachable(kind: str) -> None:
    for name in BY_SHAPE[kind]:
        assert ask(kind, name) == name


def test_every_kind_that_an_argument_refers_to_is_known() -> None:
    for kind, cls in CLASSES:
        TypeAdapter(model_of(kind, cls)).json_schema()


def test_no_two_models_share_a_name_in_the_documentation() -> None:
    names = [model_of(kind, cls).__name__ for kind, cls in CLASSES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("cls", list(losses.REGISTRY), ids=lambda cls: cls.__name__)
def test_every_loss_says_itself_what_its_targets_mean(cls: type[losses.Loss]) -> None:
    assert any("targets" in vars(base) for base in cls.__mro__[: cls.__mro__.index(losses.Loss)])
    assert cls.targets.is_one_class == any(word in cls.__name__ for word in ("Categorical", "Divergence"))


def test_fields_are_marked_by_kinds_that_exist() -> None:
    from service.spec.request import CompileSpec, FitSpec, ModelSpec

    for model in (ModelSpec, CompileSpec, FitSpec):
        for field in model.model_fields.values():
            for mark in field.metadata:
                if isinstance(mark, Named):
                    assert mark.kind in REGISTRIES


@pytest.mark.parametrize(("kind", "cls"), CLASSES, ids=lambda part: getattr(part, "__name__", part))
def test_every_argument_says_what_it_means(kind: str, cls: type) -> None:
    fields = model_of(kind, cls).model_fields.items()
    assert [name for name, field in fields if name != "class_name" and not field.description] == []


def test_the_glossary_has_no_word_that_nothing_uses() -> None:
    used = set()
    for _, cls in CLASSES:
        for field in dataclasses.fields(cls):
            words = [*(f"{parent.__name__}.{field.name}" for parent in cls.__mro__), field.name]
            used |= set(words[:1] if words[0] in MEANINGS else words)
    assert set(MEANINGS) - used == set()
