# mypy: disable-error-code="import-not-found,import-untyped"
"""Records what shap 0.51 makes of a small network, for `test_shapley.py`.

Run in an environment that has it: `python tests/unit/evaluation/record_shapley.py`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).with_name("shapley.json")


def network(columns: int) -> tuple[Any, Any, Any]:
    """A function of rows with two outputs, rows, and a baseline."""
    rng = np.random.default_rng(columns)
    first, second = rng.normal(size=(columns, 6)), rng.normal(size=(6, 2))
    return lambda x: np.tanh(np.maximum(x @ first, 0) @ second), rng.normal(size=(3, columns)), rng.normal(size=columns)


def record() -> list[dict[str, Any]]:
    """Exact Shapley values (rows, columns, outputs) with a single baseline."""
    import shap

    made = []
    for columns in (3, 8):
        function, rows, baseline = network(columns)
        explainer = shap.explainers.Exact(function, shap.maskers.Independent(baseline[None]))
        made.append({"columns": columns, "values": explainer(rows).values.tolist()})
    return made


if __name__ == "__main__":
    PLACE.write_text(json.dumps(record(), indent=1) + "\n")
