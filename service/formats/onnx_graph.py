"""An ONNX graph in the making: nodes one after the other, each named by what it gives."""

from collections.abc import Mapping
from typing import Any

import numpy as np

OPSET = 17
IR_VERSION = 8
"""Old enough for every runtime in use, new enough for every node that is written here."""

INPUT, OUTPUT, ROWS = "input", "output", "rows"


class OnnxGraph:
    """Collects nodes and constants; values are known by their names, and `shape` is what the last one has."""

    def __init__(self, columns: int) -> None:
        # onnx is heavy, and only who asks for an ONNX file pays for it.
        from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415

        self._helper, self._numpy, self._checker, self._types = helper, numpy_helper, checker, TensorProto
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._columns = columns
        self.shape: tuple[Any, ...] = (None, columns)

    def node(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> str:
        """Adds a node; inputs are names of values, or numbers and arrays, which become constants.

        Answers the name of its first output, where it has several.
        """
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = f"{operator.lower()}_{len(self._nodes)}"
        unused = [f"{name}_{number}" for number in range(1, outputs)]
        self._nodes.append(self._helper.make_node(operator, names, [name, *unused], name=name, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """The name of a constant: float32, unless it is an array of another type."""
        array = value if isinstance(value, np.ndarray) else np.asarray(value, np.float32)
        for name, known in self._constants.items():
            if known.dtype == array.dtype and known.shape == array.shape and np.array_equal(known, array):
                return name
        name = f"constant_{len(self._constants)}"
        self._constants[name] = array
        return name

    def sizes(self, *sizes: int) -> str:
        """The name of a constant of whole numbers, such as a shape or axes."""
        return self.constant(np.asarray(sizes, np.int64))

    def to_bytes(self, last: str, name: str, producer_version: str, metadata: Mapping[str, str]) -> bytes:
        """The file of the graph that ends with the value `last`, checked by ONNX's own checker."""
        helper, floats = self._helper, self._types.FLOAT
        self._nodes.append(helper.make_node("Identity", [last], [OUTPUT], name="output"))
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(INPUT, floats, [ROWS, self._columns])],
            [helper.make_tensor_value_info(OUTPUT, floats, [ROWS, *self.shape[1:]])],
            [self._numpy.from_array(array, key) for key, array in self._constants.items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="fitd",
            producer_version=producer_version,
        )
        helper.set_model_props(model, dict(metadata))
        self._checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content
