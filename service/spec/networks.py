"""Turns networks in the forms that Keras writes into one stack of layers of `service.nn`.

Keras may write a Sequential or a Functional model, put one into another, and give a layer an activation that is a
layer itself; Keras 2 computed `hard_sigmoid` by another formula. Each of these is a stack of plain layers that
computes the same numbers, and each layer of it remembers where it stood.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.nn.registry import snake_case

Keys = tuple[str | int, ...]

MODEL_CLASSES = ("Sequential", "Functional", "Model")
"""The classes of networks that may be a stack of layers; before TensorFlow 2.3 Functional was called `Model`."""

_DEEPEST = 20
_AS_ACTIVATION = ("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU")
_HARD_SIGMOID_OF_KERAS_2 = 1.2  # clip(0.2 x + 0.5) is Keras 3's clip(x / 6 + 0.5) of 1.2 x


class NotAStack(ValueError):
    """The layers of a network do not form a single chain; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer of the stack, as it is written, and where it stood."""

    written: Any
    keys: Keys
    """The way to it from the network: `("config", "layers", 2)`."""
    folder: str
    """Where a `.keras` file has its weights: `"sequential/layers/dense_1"`."""

    def renamed(self, number: int) -> "Placed":
        """The layer under a name that has its number in it."""
        config = self.written.get("config", self.written)
        if not isinstance(config, Mapping):
            return self
        config = {**config, "name": f"{config.get('name') or 'activation'}_of_{number}"}
        return replace(self, written={**self.written, "config": config} if "config" in self.written else config)

    @property
    def outermost(self) -> int:
        """Which layer of the network, if networks in it count as one layer, this one belongs to."""
        return next(key for key in self.keys if isinstance(key, int))


def stack_of(network: Mapping[str, Any]) -> list[Placed]:
    """Returns the layers from the input to the output; raises `NotAStack` if they are no single chain."""
    found: list[Placed] = []
    _collect(network, (), "", found, is_keras_2=of_keras_2(network))
    return _named_once(found)


def written_layers(network: Mapping[str, Any], at: Keys = ()) -> tuple[Keys, Sequence[Any]]:
    """The layers of a network as they are written, and the way to them."""
    keys: Keys = (*at, "config") if "config" in network else at
    config = network.get("config", network)
    if isinstance(config, Mapping):
        keys, config = (*keys, "layers"), config.get("layers")
    if not isinstance(config, list):
        raise NotAStack("Expected the layers of the network as a list.")
    return keys, config


def _named_once(found: Sequence[Placed]) -> list[Placed]:
    """The layers, without the names of those that came out of another network or layer where a name is taken."""
    outer = min((len(one.keys) for one in found), default=0)
    taken: set[str | None] = {None, *(_name(one.written) for one in found if len(one.keys) == outer)}
    named = []
    for number, one in enumerate(found):
        is_inner = len(one.keys) > outer and isinstance(one.written, Mapping)
        named.append(one.renamed(number) if is_inner and _name(one.written) in taken else one)
        taken.add(_name(named[-1].written))
    return named


def of_keras_2(network: Mapping[str, Any]) -> bool:
    """Whether Keras 2 wrote the network: its version, else the form that only Keras 2 has, says so."""
    version = network.get("keras_version")
    if isinstance(version, str):
        return version.startswith(("1.", "2."))
    config = network.get("config")
    layers = config if isinstance(config, list) else None
    if isinstance(config, Mapping) and isinstance(config.get("layers"), list):
        layers = config["layers"]
    told = [layer.get("config") for layer in layers or () if isinstance(layer, Mapping)]
    return isinstance(config, list) or any(isinstance(one, Mapping) and "batch_input_shape" in one for one in told)


def folders(class_names: Iterable[str]) -> list[str]:
    """Where a `.keras` file has the weights of each layer: its class, and how many of the class came before it."""
    counted: Counter[str] = Counter()
    found = []
    for name in map(snake_case, class_names):
        found.append(f"{name}_{counted[name]}" if counted[name] else name)
        counted[name] += 1
    return found


def _collect(network: Mapping[str, Any], at: Keys, within: str, found: list[Placed], *, is_keras_2: bool) -> None:
    if len(at) > 3 * _DEEPEST:
        raise NotAStack(f"Expected networks in networks at most {_DEEPEST} deep.")
    keys, layers = written_layers(network, at)
    names = folders(_class_name(layer) for layer in layers)
    for place in _order(network, layers):
        layer, here, folder = _unlinked(layers[place]), (*keys, place), within + names[place]
        if _class_name(layer) in MODEL_CLASSES:
            _collect(layer, here, f"{folder}/layers/", found, is_keras_2=is_keras_2)
        elif not (at and found and _class_name(layer) == "InputLayer"):  # what a network in it is given is known
            found += _split(Placed(layer, here, folder), is_keras_2=is_keras_2)


def _class_name(layer: Any) -> str:
    name = layer.get("class_name") if isinstance(layer, Mapping) else None
    return name if isinstance(name, str) else ""


def _order(network: Mapping[str, Any], layers: Sequence[Any]) -> Iterable[int]:
    """Returns the places of the layers from input to output, which a Functional model gives by name."""
    if _class_name(network) not in ("Functional", "Model"):
        return range(len(layers))
    config = network.get("config")
    if not isinstance(config, Mapping):
        raise NotAStack("Expected the config of a Functional model as an object.")
    before = {place: _source(layer) for place, layer in enumerate(layers)}
    places = {_name(layer): place for place, layer in enumerate(layers)}
    after = {places.get(name): place for place, name in before.items()}
    order: list[int] = []
    place = after.get(None)  # the input, which follows nothing
    while place is not None and len(order) < len(layers):
        order.append(place)
        place = after.get(place)
    output = _first_text(config.get("output_layers"))
    if not order or len(order) < len(layers) or len(after) < len(layers) or _name(layers[order[-1]]) != output:
        said = "Expected layers that follow one another from one input to one output; this network branches."
        raise NotAStack(f"{said} Write it as a Sequential, or import the part that is one.")
    return order


def _name(layer: Any) -> str | None:
    arguments = layer.get("config", layer) if isinstance(layer, Mapping) else None
    name = arguments.get("name") if isinstance(arguments, Mapping) else None
    return name if isinstance(name, str) else None


def _source(layer: Any) -> str | None:
    """The name of the layer that this one of a Functional model follows; None for an input."""
    nodes = layer.get("inbound_nodes") if isinstance(layer, Mapping) else None
    if not isinstance(nodes, list) or not isinstance(layer.get("config"), Mapping):
        raise NotAStack("Expected a layer with a config and inbound_nodes, as Keras writes it.")
    if not nodes:
        return None
    if len(nodes) > 1:
        raise NotAStack(f"Expected layers that are used once; {_shown(layer)} is used {len(nodes)} times.")
    node = nodes[0]
    tensors, options = list(_tensors(node)), _options(node)
    if len(tensors) != 1 or tensors[0][2] != 0:
        said = f"{_shown(layer)} takes several outputs, or another than the first"
        raise NotAStack(f"Expected layers that each follow one other; {said}. Write the network as a Sequential.")
    if any(value not in (None, False) for value in options.values()):
        said = f"{_shown(layer)} is called with {', '.join(map(repr, list(options)[:3]))}"
        raise NotAStack(f"Expected layers that are called with their input alone; {said}.")
    return str(tensors[0][0])


def _shown(layer: Mapping[str, Any]) -> str:
    return f"the layer {str(_name(layer))[:40]!r}"


def _tensors(node: Any) -> Iterable[Sequence[Any]]:
    """Each `(layer, node, output)` in a node: in the lists of Keras 2, and in the tensors of Keras 3."""
    if isinstance(node, Mapping):
        config = node.get("config")
        history = config.get("keras_history") if isinstance(config, Mapping) else None
        node = history if isinstance(history, list) else node.get("args")
    if isinstance(node, list) and len(node) in (3, 4) and isinstance(node[0], str):
        yield node[:3]
    elif isinstance(node, list):
        for part in node[:MOST_TENSORS]:
            yield from _tensors(part)


MOST_TENSORS = 2
"""No more need to be looked at to know that there are several."""


def _options(node: Any) -> Mapping[str, Any]:
    """What a layer is called with besides its input."""
    while isinstance(node, list) and node and isinstance(node[0], list):
        node = node[0]
    options = node.get("kwargs") if isinstance(node, Mapping) else node[-1] if isinstance(node, list) and node else None
    return options if isinstance(options, Mapping) else {}


def _unlinked(layer: Any) -> Any:
    """A layer without what a Functional model says of its place."""
    if not isinstance(layer, Mapping) or "inbound_nodes" not in layer:
        return layer
    return {key: layer[key] for key in layer if key not in ("inbound_nodes", "name")}


def _first_text(value: Any) -> Any:
    """The name in `["dense", 0, 0]`, in a list of one such list, and in an object with one."""
    while isinstance(value, list | Mapping) and value:
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return value


def _split(placed: Placed, *, is_keras_2: bool) -> list[Placed]:
    """A layer whose activation `service.nn` has as a layer only, as two or three layers; else the layer itself."""
    layer = placed.written
    arguments = layer.get("config", layer) if isinstance(layer, Mapping) else {}
    activation = arguments.get("activation") if isinstance(arguments, Mapping) else None
    if _class_name(activation) in _AS_ACTIVATION:
        following = [Placed(activation, _argument_keys(placed), f"{placed.folder}/activation")]
    elif is_keras_2 and _function_name(activation) == "hard_sigmoid":
        scaled = {"class_name": "Rescaling", "scale": _HARD_SIGMOID_OF_KERAS_2}
        squashed = {"class_name": "Activation", "activation": "hard_sigmoid"}
        following = [Placed(one, _argument_keys(placed), f"{placed.folder}/activation") for one in (scaled, squashed)]
    else:
        return [placed]
    plain = {**arguments, "activation": "linear"}
    penalty = plain.pop("activity_regularizer", None)  # which is about what comes out of the activation
    if penalty is not None:
        last = {"class_name": "Activation", "config": {"activation": "linear", "activity_regularizer": penalty}}
        following.append(Placed(last, _argument_keys(placed), f"{placed.folder}/activation"))
    owner = {**layer, "config": plain} if "config" in layer else plain
    return [Placed(owner, placed.keys, placed.folder), *following]


def _argument_keys(placed: Placed) -> Keys:
    return (*placed.keys, *(("config",) if "config" in placed.written else ()), "activation")


def _function_name(activation: Any) -> Any:
    return activation.get("config") if _class_name(activation) == "function" else activation
