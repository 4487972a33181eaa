"""The columns of a table in the words of Keras: a Functional model with an input for each, round the network.

Of the layers that read texts (`StringLookup`, `IntegerLookup`, `Hashing`) none loads without TensorFlow, so that a
category comes in as its place, and a date as the inputs that it becomes; numbers come in as they are, NaN where nothing
is. Numbers pass `Rescaling` and not `Normalization`, which divides by no less than 1e-7 and, in float32, loses digits
where the mean is large: the float32 part of the mean is subtracted first, which is exact, and what is left of it after.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.data.features import Encoder
from service.data.features.columns import CategoryColumn, NumberColumn

INPUTS = (
    "An input for each of the features. Numbers (true is 1) go in as they are, NaN where nothing is. Of a category its "
    "place in categories goes in, from 1; 0 for any other text; where nothing is, the place of fill if there is one, "
    "else one behind the last category if marks_missing, else 0. Of a date, and of a number with the encoding "
    "quantile, the numbers go in that it becomes."
)
"""The description of the inputs in a file."""

_OPERATIONS = ("Divide", "Isnan", "NanToNum", "Sqrt", "Square")
"""What is a function in Keras, and in a graph of layers stands as if it were one."""


def surround(network: Mapping[str, Any], encoder: Encoder) -> dict[str, Any]:
    """The JSON of a Functional model that makes the network's inputs of columns; `network` is that of a Sequential."""
    return _Functional(encoder).to_json_dict(network)


class _Functional:
    """A graph of layers in the making."""

    def __init__(self, encoder: Encoder) -> None:
        self._layers: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self._shapes: dict[str, tuple[int, str]] = {}
        self._inputs: dict[str, str] = {column.name: self._free(column.name) for column in encoder.columns}
        self._columns = encoder.columns

    def to_json_dict(self, network: Mapping[str, Any]) -> dict[str, Any]:
        """The whole graph, compiled as the network is."""
        parts = [part for column in self._columns for part in self._encoded(column)]
        width = sum(self._shapes[part][0] for part in parts)
        inputs = self._add("Concatenate", "inputs", {"axis": -1}, parts, width=width)
        within = {key: value for key, value in network.items() if key != "compile_config"}
        name = self._free(network["config"]["name"])
        within["config"] = {**network["config"], "name": name}
        self._layers.append({**within, "name": name, "inbound_nodes": [_node([self._tensor(inputs)])]})
        config = {
            "name": "functional",
            "trainable": True,
            "layers": self._layers,
            "input_layers": {name: [name, 0, 0] for name in self._inputs.values()},
            "output_layers": [name, 0, 0],
        }
        return {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": config,
            "registered_name": "Functional",
            **{key: network[key] for key in network if key == "compile_config"},
        }

    def _encoded(self, column: Any) -> list[str]:
        """Adds the layers of a column, and returns the names of those whose outputs are inputs of the network."""
        width = len(column.outputs)
        if isinstance(column, NumberColumn) and column.encoding != "quantile":
            return self._number(column)
        if isinstance(column, CategoryColumn) and column.encoding == "one_hot":
            place = self._input(column.name, 1, "int32")
            told = {"num_tokens": width, "output_mode": "one_hot"}
            return [self._add("CategoryEncoding", f"{place}:one_hot", told, [place], width=width)]
        return [self._input(column.name, width, "float32")]

    def _number(self, column: NumberColumn) -> list[str]:
        value = given = self._input(column.name, 1, "float32")
        if column.encoding in ("standardize", "robust"):
            large = float(np.float32(column.mean))
            scale, offset = 1 / column.deviation, (large - column.mean) / column.deviation
            told = {"scale": 1.0, "offset": -large}
            value = self._add("Rescaling", f"{given}:centred", told, [value])
            told = {"scale": scale, "offset": offset}
            value = self._add("Rescaling", f"{given}:standardized", told, [value])
        if column.missing != "reject":
            fill = (column.fill - column.mean) / column.deviation
            value = self._add("NanToNum", f"{given}:filled", {"nan": fill, "posinf": None, "neginf": None}, [value])
        if column.encoding == "robust":
            value = self._clipped(given, value)
        if column.missing == "indicator":
            mark = self._add("Isnan", f"{given}:missing", {}, [given])
            return [value, mark]
        return [value]

    def _clipped(self, given: str, value: str) -> str:
        """x / sqrt(1 + (x / 3)^2)."""
        third = self._add("Rescaling", f"{given}:third", {"scale": 1 / 3, "offset": 0.0}, [value])
        square = self._add("Square", f"{given}:square", {}, [third])
        more = self._add("Rescaling", f"{given}:more", {"scale": 1.0, "offset": 1.0}, [square])
        length = self._add("Sqrt", f"{given}:length", {}, [more])
        return self._add("Divide", f"{given}:clipped", {}, [value, length])

    def _input(self, column: str, width: int, kind: str) -> str:
        config = {"batch_shape": [None, width], "dtype": kind, "name": self._inputs[column]}
        return self._append("InputLayer", config, [], width)

    def _add(self, class_name: str, name: str, told: Mapping[str, Any], given: list[str], *, width: int = 1) -> str:
        """Adds a layer with these inputs, in one argument if they are several, and returns its name."""
        tensors = [self._tensor(one) for one in given]
        node = _node([tensors] if class_name == "Concatenate" else tensors)
        return self._append(class_name, {"name": self._free(name), **told}, [node], width)

    def _append(self, class_name: str, config: dict[str, Any], nodes: list[Any], width: int) -> str:
        is_operation = class_name in _OPERATIONS
        name: str = config["name"]
        self._layers.append(
            {
                "module": "keras.src.ops.numpy" if is_operation else "keras.layers",
                "class_name": class_name,
                "config": config,
                "registered_name": class_name if is_operation else None,
                "name": name,
                "inbound_nodes": nodes,
            }
        )
        self._shapes[name] = width, config.get("dtype", "bool" if class_name == "Isnan" else "float32")
        return name

    def _tensor(self, name: str) -> dict[str, Any]:
        width, kind = self._shapes[name]
        config = {"shape": [None, width], "dtype": kind, "keras_history": [name, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": config}

    def _free(self, name: str) -> str:
        """A name for a layer that no other has; Keras allows no slash in it."""
        name = name.replace("/", "_")
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name


def _node(arguments: list[Any]) -> dict[str, Any]:
    return {"args": arguments, "kwargs": {}}
