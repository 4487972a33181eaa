"""Builds an ONNX graph: nodes one after another, each named after its output."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

OPSET, ML_OPSET = 17, 3
IR_VERSION = 8
"""Old enough for every runtime in use, new enough for every node that is written here."""

ML = "ai.onnx.ml"
"""The domain of ONNX's operators beyond tensors, such as those that look up texts."""

INPUT, OUTPUT, LABEL, ROWS = "input", "output", "label", "rows"


class OnnxGraph:
    """Collects nodes and constants; values are known by their names, and `shape` is what the last one has."""

    def __init__(self) -> None:
        # onnx takes long to import, so it is imported only for an ONNX file.
        from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415

        self._helper, self._numpy, self._checker, self._types = helper, numpy_helper, checker, TensorProto
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: dict[str, Any] = {}
        self._outputs: list[Any] = []
        self.shape: tuple[Any, ...] = (None,)

    def input(self, name: str, columns: int = 1, kind: str = "FLOAT") -> str:
        """Adds an input (rows, columns) of this name and type, before any node, and returns its name."""
        self._inputs[name] = self._info(name, kind, [ROWS, columns])
        return name

    def node(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> str:
        """Adds a node; inputs are names of values, or numbers and arrays, which become constants.

        Returns the name of its first output, where it has several.
        """
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = self._free(f"{operator.lower()}_{len(self._nodes)}")
        unused = [self._free(f"{name}_{number}") for number in range(1, outputs)]
        self._nodes.append(self._helper.make_node(operator, names, [name, *unused], name=name, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """The name of a constant: float32, unless it is an array of another type; of texts where it is one of them."""
        array = value if isinstance(value, np.ndarray) else np.asarray(value, np.float32)
        for name, known in self._constants.items():
            if known.dtype == array.dtype and known.shape == array.shape and np.array_equal(known, array):
                return name
        name = self._free(f"constant_{len(self._constants)}")
        self._constants[name] = array
        return name

    def sizes(self, *sizes: int) -> str:
        """The name of a constant of whole numbers, such as a shape or axes."""
        return self.constant(np.asarray(sizes, np.int64))

    def output(self, value: str, name: str, sizes: Sequence[int] = (), kind: str = "FLOAT") -> None:
        """Makes a value an output (rows, *sizes) of this name and type."""
        name = self._free(name)
        self._nodes.append(self._helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(self._info(name, kind, [ROWS, *sizes]))

    def to_bytes(self, name: str, producer_version: str, metadata: Mapping[str, str]) -> bytes:
        """The file of the graph, checked by ONNX's own checker."""
        helper = self._helper
        constants = [self._numpy.from_array(array, key) for key, array in self._constants.items()]
        graph = helper.make_graph(self._nodes, name, list(self._inputs.values()), self._outputs, constants)
        domains = {"": OPSET} | ({ML: ML_OPSET} if any(node.domain == ML for node in self._nodes) else {})
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in domains.items()],
            ir_version=IR_VERSION,
            producer_name="fitd",
            producer_version=producer_version,
        )
        helper.set_model_props(model, dict(metadata))
        self._checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _info(self, name: str, kind: str, shape: list[Any]) -> Any:
        return self._helper.make_tensor_value_info(name, getattr(self._types, kind), shape)

    def _free(self, name: str) -> str:
        """This name, or with underscores behind it where an input has it: columns are named by users."""
        while name in self._inputs:
            name += "_"
        return name
