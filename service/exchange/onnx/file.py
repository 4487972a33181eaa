"""ONNX files: a network for the runtimes of others, with any number of rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from service.config import VERSION
from service.data.features import Encoder
from service.errors import Finding, Invalid, pointer
from service.exchange.onnx.activations import softmax
from service.exchange.onnx.columns import read_columns
from service.exchange.onnx.graph import LABEL, OUTPUT, OnnxGraph
from service.exchange.onnx.layers import KNOWN, LAYERS
from service.nn import Sequential
from service.task.output_meaning import OutputMeaning


def write_onnx(
    model: Sequential,
    metadata: Mapping[str, str],
    encoder: Encoder,
    *,
    classes: Sequence[str] = (),
    meaning: OutputMeaning | None = None,
) -> bytes:
    """An ONNX file that predicts as the model does; `Invalid` names the layer for which ONNX has no words.

    Its inputs are those of the encoder: one for each named column, else one for all.

    Two or more `classes` give a second output with the name of the one that a row is taken for, as `meaning` has it.
    """
    graph = OnnxGraph()
    x = read_columns(graph, encoder)
    graph.shape = (None, encoder.width)
    for place, layer in enumerate(model.layers):
        write = LAYERS.get(type(layer))
        if write is None or layer.output_activation not in KNOWN:
            what = type(layer).__name__ if write is None else layer.output_activation
            said = f"ONNX has no words for the layer {str(layer.name)[:60]!r} ({what})."
            said = f"{said} The formats json and safetensors take every layer."
            raise Invalid([Finding(pointer("spec", "layers", place), "not_exportable", said)])
        shape = tuple(layer.compute_output_shape(graph.shape))
        x = write(graph, layer, x)
        graph.shape = shape
    graph.output(x, OUTPUT, graph.shape[1:])
    if len(classes) > 1 and len(graph.shape) == 2:
        graph.output(_likeliest(graph, x, classes, meaning), LABEL, kind="STRING")
    return graph.to_bytes(model.name, VERSION, metadata)


def _likeliest(graph: OnnxGraph, x: str, classes: Sequence[str], meaning: OutputMeaning | None) -> str:
    if meaning is not None and meaning.decision is not None and graph.shape[-1] == 2:
        shares = softmax(graph, x) if meaning.are_logits else x
        second = graph.node("Slice", shares, graph.sizes(1), graph.sizes(2), graph.sizes(1))
        above = graph.node("Greater", graph.node("Squeeze", second, graph.sizes(1)), meaning.decision)
        index = graph.node("Cast", above, to=7)
    elif graph.shape[-1] == 1:
        threshold = 0.5 if meaning is None else meaning.turning
        above = graph.node("Greater", graph.node("Squeeze", x, graph.sizes(1)), threshold)
        index = graph.node("Cast", above, to=7)
    else:
        scores = graph.node("Slice", x, graph.sizes(0), graph.sizes(len(classes)), graph.sizes(1))
        index = graph.node("ArgMax", scores, axis=1, keepdims=0)
    return graph.node("Gather", np.asarray(classes, object), index, axis=0)
