"""Networks as Keras writes them, read as one stack of layers."""

import copy
from typing import Any

import pytest

from service.spec.mistakes import pointer_in
from service.spec.networks import NotAStack, folders, stack_of


def dense(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name, "units": 2, **config}}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "inner", "layers": list(layers)}}


def after(layer: dict[str, Any], *names: str, **options: Any) -> dict[str, Any]:
    """A layer of a Functional model that takes the outputs of these layers, in the words of Keras 2."""
    node = [[name, 0, 0, options] for name in names]
    return {**layer, "name": layer["config"]["name"], "inbound_nodes": [node] if names else []}


def tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 2], "keras_history": [name, 0, 0]}}


def functional(*layers: dict[str, Any], output: str) -> dict[str, Any]:
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [[output, 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "outer", "layers": list(layers), **ends}}


INPUT = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 2]}}
LEAKY = {"class_name": "LeakyReLU", "config": {"negative_slope": 0.2}}
LINEAR = functional(after(INPUT), after(dense("b"), "a"), after(dense("a"), "in"), output="b")


def names(network: dict[str, Any]) -> list[str]:
    return [one.written["config"]["name"] for one in stack_of(network)]


def test_a_functional_model_is_read_from_its_input_to_its_output() -> None:
    assert names(LINEAR) == ["in", "a", "b"]
    assert [one.folder for one in stack_of(LINEAR)] == ["input_layer", "dense_1", "dense"]


def test_tensors_of_keras_3_are_links_as_well() -> None:
    network = copy.deepcopy(LINEAR)
    for layer in network["config"]["layers"][1:]:
        (source,) = layer["inbound_nodes"][0]
        layer["inbound_nodes"] = [{"args": [tensor(source[0])], "kwargs": {"mask": None}}]
    network["config"] |= {"input_layers": ["in", 0, 0], "output_layers": ["b", 0, 0]}
    assert names(network) == ["in", "a", "b"]


@pytest.mark.parametrize(
    "network",
    [
        functional(after(INPUT), after(dense("a"), "in"), after(dense("b"), "in"), output="b"),
        functional(after(INPUT), after(dense("a"), "in", "in"), output="a"),
        functional(after(INPUT), after(dense("a"), "in"), output="in"),
        functional(after(INPUT), after(dense("a"), "in"), after(dense("b"), "a"), output="a"),
        functional(after(INPUT), after(dense("a"), "in", training=True), output="a"),
        functional(after(dense("a"), "b"), after(dense("b"), "a"), output="b"),
        functional(after(INPUT), after(dense("a"), "nobody"), output="a"),
        functional(after(INPUT), {**after(dense("a"), "in"), "inbound_nodes": [[["in", 0, 0, {}]]] * 2}, output="a"),
        functional(after(INPUT), {**dense("a"), "inbound_nodes": 3}, output="a"),
        functional(output="a"),
        {"class_name": "Functional", "config": {}},
        {"class_name": "Model", "config": []},
        {"class_name": "Functional", "config": {"layers": [1]}},
        sequential({"class_name": "Sequential"}),
        sequential({"class_name": "Model", "config": [dense("a")]}),
        {"class_name": "Sequential", "config": {"layers": {}}},
    ],
)
def test_what_is_no_stack_is_refused(network: dict[str, Any]) -> None:
    with pytest.raises(NotAStack, match=r"Expected .*\."):
        stack_of(network)


def test_networks_in_networks_are_not_followed_for_ever() -> None:
    network = sequential(dense("a"))
    for _ in range(200):
        network = sequential(network)
    with pytest.raises(NotAStack):
        stack_of(network)


def test_layers_of_a_network_within_have_names_and_places_of_their_own() -> None:
    stack = stack_of(sequential(dense("a"), sequential(INPUT, dense("a"), dense("b"))))
    assert [one.written["config"]["name"] for one in stack] == ["a", "a_of_1", "b"]
    assert [one.folder for one in stack] == ["dense", "sequential/layers/dense", "sequential/layers/dense_1"]
    assert stack[2].keys == ("config", "layers", 1, "config", "layers", 2)
    assert [one.outermost for one in stack] == [0, 1, 1]


def test_an_activation_that_is_a_layer_becomes_one_and_the_penalty_follows_it() -> None:
    stack = stack_of(sequential(dense("a", activation=LEAKY, activity_regularizer="l2"), dense("b")))
    assert [one.written["class_name"] for one in stack] == ["Dense", "LeakyReLU", "Activation", "Dense"]
    assert stack[0].written["config"] == {"name": "a", "units": 2, "activation": "linear"}
    assert stack[2].written["config"]["activity_regularizer"] == "l2"


def test_a_place_in_the_stack_points_to_where_the_layer_was_written() -> None:
    document = {"spec": sequential(dense("a", activation=LEAKY), dense("b"))}
    assert pointer_in(document, "spec", "layers", 1) == "#/spec/config/layers/0/config/activation"
    assert pointer_in(document, "spec", "layers", 2, "units") == "#/spec/config/layers/1/config/units"
    plain = {"spec": {"layers": [{"class_name": "Dense", "units": 2, "activation": LEAKY}, dense("b")]}}
    assert (
        pointer_in(plain, "spec", "layers", 1, "negative_slope") == "#/spec/layers/0/activation/config/negative_slope"
    )
    assert pointer_in(plain, "spec", "layers", 2) == "#/spec/layers/1"


def test_only_what_keras_2_wrote_has_its_hard_sigmoid() -> None:
    layer = dense("a", activation="hard_sigmoid")
    old = {**sequential(layer), "keras_version": "2.15.0"}
    assert [one.written["class_name"] for one in stack_of(old)] == ["Dense", "Rescaling", "Activation"]
    new = [sequential(layer), {**sequential(layer), "keras_version": "3.15.1"}, {"layers": [layer]}]
    assert [len(stack_of(network)) for network in new] == [1, 1, 1]


def test_folders_count_the_layers_of_a_class() -> None:
    assert folders(["Dense", "LeakyReLU", "Dense"]) == ["dense", "leaky_re_lu", "dense_1"]


def test_a_layer_that_is_none_is_left_for_the_checks_that_follow() -> None:
    wrong = {"class_name": "LeakyReLU", "config": 3}
    stack = stack_of(sequential(dense("a", activation=wrong), {"class_name": "Dense", "config": None}))
    assert [one.written for one in stack][1:] == [wrong, {"class_name": "Dense", "config": None}]
    assert [one.written for one in stack_of({"layers": [1, "flatten", None]})] == [1, "flatten", None]
