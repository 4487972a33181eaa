"""A network as a script: a zip with `predictor.py`, short and readable, and its weights, for NumPy alone."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.errors import Finding, Invalid, pointer
from service.exchange.python.layers import LAYERS
from service.exchange.python.lines import ScriptLines
from service.exchange.python.sources import sources_of
from service.nn import Sequential
from service.spec.networks import folders

SCRIPT, WEIGHTS = "predictor.py", "weights.npz"

# No text of a user's gets in here but through repr: names of layers and classes are theirs, and this is code.
_FRAME = '''\
"""Predicts with {title}, on NumPy alone.

{usage}
"""

from __future__ import annotations

{imports}

import numpy as np

WEIGHTS = dict(np.load(Path(__file__).with_name("{weights}"), allow_pickle=False))
CLASSES = {classes}
{constants}
{functions}
def predict(rows):
    """The outputs, {units} for each row."""
    x = {inputs}
{lines}
    return x


if __name__ == "__main__":
    try:
        predictions = predict({given}).tolist()
    except (OSError, RecursionError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    json.dump(predictions, sys.stdout)
'''


@dataclass(frozen=True, slots=True)
class ScriptInputs:
    """How a script makes what the network is given (rows, columns) of its `rows`, and where it finds rows in a shell.

    All of it is code.
    """

    usage: str
    imports: str
    expression: str
    given: str
    functions: Sequence[Callable[..., Any]] = ()
    """What the expressions call."""


def numbers(rows: Any, columns: int) -> Any:
    """The rows as an array (rows, columns)."""
    expected = f"Expected rows of {columns} numbers each"
    try:
        with np.errstate(over="ignore"):
            x = np.asarray(rows, np.float32)
    except (OverflowError, TypeError, ValueError):
        raise ValueError(f"{expected}; received rows of different widths, or something that is no number.") from None
    if x.shape[1:] != (columns,):
        raise ValueError(f"{expected}; received the shape {x.shape}.")
    if not np.isfinite(x).all():
        raise ValueError(f"{expected}; received NaN, Infinity, or a number beyond float32.")
    return x


def rows_of(columns: int) -> ScriptInputs:
    """Rows of so many numbers, as the network takes them."""
    return ScriptInputs(
        usage=f"""\
In Python: `from predictor import predict; predict([[...], [...]])`, rows of {columns} numbers each.
In a shell: `python predictor.py < rows.json > predictions.json`, both lists of rows.
For other rows it raises ValueError, or in a shell says so on standard error and exits with 2.""",
        imports="import json\nimport math\nimport sys\nfrom pathlib import Path",
        expression=f"numbers(rows, {columns})",
        given="json.load(sys.stdin)",
        functions=[numbers],
    )


def write_script(model: Sequential, title: str, inputs: ScriptInputs, classes: Sequence[str] | None = None) -> bytes:
    """A zip with a script that predicts as the model does; `Invalid` names a layer that it has no words for."""
    script = ScriptLines(model.input_shape[-1], LAYERS)
    script.functions += inputs.functions
    for number, (place, layer) in enumerate(zip(_places(model), model.layers, strict=True)):
        if type(layer) not in LAYERS:
            said = f"The script has no words for the layer {str(layer.name)[:60]!r} ({type(layer).__name__})."
            said = f"{said} The formats json and safetensors take every layer."
            raise Invalid([Finding(pointer("spec", "layers", number), "not_exportable", said)])
        script.write(place, layer)
    sources = sources_of(script.functions)
    text = _FRAME.format(
        title=title,
        usage=inputs.usage,
        imports=inputs.imports,
        inputs=inputs.expression,
        given=inputs.given,
        units=model.output_shape[-1],
        weights=WEIGHTS,
        classes=None if classes is None else ascii(list(classes)),
        constants="".join(f"{source}\n" for source in sources if not source.startswith("def ")),
        functions="".join(f"\n{source}\n\n" for source in sources if source.startswith("def ")),
        lines="\n".join(f"    {line}" for line in script.lines),
    )
    arrays = io.BytesIO()
    np.savez(arrays, **script.weights)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(SCRIPT), text)
        archive.writestr(zipfile.ZipInfo(WEIGHTS), arrays.getvalue())
    return content.getvalue()


def _places(model: Sequential) -> list[str]:
    return folders(type(layer).__name__ for layer in model.layers)
