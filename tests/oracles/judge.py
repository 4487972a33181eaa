"""Load every `.keras` file of a folder with real Keras and write down what it predicts.

Run by `test_keras.py` with the Python of `.venv-oracles`, which has Keras and nothing of ours:

    .venv-oracles/bin/python tests/oracles/judge.py FOLDER

`x.npy`, or `x.npz` with an array for each input, goes in; `y.npy` comes out, and `said.json` with what else Keras
knows.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np


def judge(folder: Path) -> dict[str, Any]:
    """What Keras makes of one file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.saving.load_model(folder / "model.keras")
    np.save(folder / "y.npy", model.predict(given(folder), verbose=0))
    return {
        "warnings": [str(warning.message) for warning in caught],
        "loss": model.loss if isinstance(model.loss, str) else type(model.loss).__name__,
        "optimizer": type(model.optimizer).__name__,
        "layers": [layer.name for layer in model.layers],
        "parameters": model.count_params(),
    }


def given(folder: Path) -> Any:
    """What one model is given: an array, or arrays by the names of its inputs."""
    named = folder / "x.npz"
    return dict(np.load(named)) if named.exists() else np.load(folder / "x.npy")


def main(root: Path) -> None:
    """Judge all of them."""
    for folder in sorted(root.iterdir()):
        (folder / "said.json").write_text(json.dumps(judge(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
