"""A model's layers as a table: the output shape of each, and its number of parameters."""

from collections.abc import Sequence
from typing import Any, TypedDict

from service.nn.layers.layer import Layer


class LayerSummary(TypedDict):
    """One row of the table; `output_shape` has None for the number of rows, and is None before it is known."""

    layer: str
    class_name: str
    output_shape: list[int | None] | None
    params: int


def rows(layers: Sequence[Layer], input_shape: tuple[Any, ...]) -> list[LayerSummary]:
    """One row for each layer that is built, in order."""
    shape, result = input_shape, []
    for layer in layers:
        shape = layer.compute_output_shape(shape)
        result.append(
            LayerSummary(
                layer=layer.name or "",
                class_name=type(layer).__name__,
                output_shape=[None, *shape[1:]],
                params=layer.count_params(),
            )
        )
    return result


def unbuilt_rows(layers: Sequence[Layer]) -> list[LayerSummary]:
    """One row for each layer of a model whose input shape is not known yet."""
    return [
        LayerSummary(layer=layer.name or "", class_name=type(layer).__name__, output_shape=None, params=0)
        for layer in layers
    ]


def text(name: str, table: Sequence[LayerSummary], trainable: int, frozen: int) -> str:
    """The table as Keras's `summary` prints it, in plain characters."""
    header = ("Layer (type)", "Output Shape", "Param #")
    lines = [
        (
            f"{row['layer']} ({row['class_name']})",
            "?" if row["output_shape"] is None else f"({', '.join(map(str, row['output_shape']))})",
            f"{row['params']:,}" if row["output_shape"] is not None else "0 (unbuilt)",
        )
        for row in table
    ]
    widths = [max(len(line[column]) for line in [header, *lines]) + 2 for column in range(3)]
    rule = "-" * sum(widths)

    def line(cells: Sequence[str]) -> str:
        return f"{cells[0]:<{widths[0]}}{cells[1]:<{widths[1]}}{cells[2]:>{widths[2]}}"

    body = [f'Model: "{name}"', rule, line(header), rule, *map(line, lines), rule]
    totals = [
        f"Total params: {trainable + frozen:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {frozen:,}",
    ]
    return "\n".join(body + totals)
