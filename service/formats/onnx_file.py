"""ONNX files: a network for the runtimes of others, with any number of rows."""

from collections.abc import Mapping

from service.config import VERSION
from service.errors import Finding, Invalid, pointer
from service.formats.onnx_graph import INPUT, OnnxGraph
from service.formats.onnx_layers import LAYERS
from service.nn import Sequential


def write_onnx(model: Sequential, metadata: Mapping[str, str]) -> bytes:
    """An ONNX file that predicts as the model does; `Invalid` names the layer for which ONNX has no words."""
    graph = OnnxGraph(model.input_shape[-1])
    x = INPUT
    for place, layer in enumerate(model.layers):
        write = LAYERS.get(type(layer))
        if write is None:
            said = f"ONNX has no words for the layer {layer.name!r} ({type(layer).__name__})."
            raise Invalid([Finding(pointer("spec", "layers", place), "not_exportable", said)])
        shape = tuple(layer.compute_output_shape(graph.shape))
        x = write(graph, layer, x)
        graph.shape = shape
    return graph.to_bytes(x, model.name, VERSION, metadata)
