"""Go on training every `.keras` file of a folder with real Keras, and save what comes of it.

Run by `test_keras_training.py` with the Python of `.venv-oracles`, which has Keras and nothing of ours:

    .venv-oracles/bin/python tests/oracles/trainer.py FOLDER EPOCHS

`x.npy` and `y.npy` of FOLDER go in. Out come, in the folder of each file, `trained.npz` with the weights after so many
epochs, `trained.keras`, which Keras saved then, and `later.npz` with the weights after as many again.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np


def go_on(folder: Path, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Train one file twice for so many epochs, each time from the file that was saved last."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for before, after in (("model", "trained"), ("trained", "later")):
            model = keras.saving.load_model(folder / f"{before}.keras")
            model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
            np.savez(folder / f"{after}.npz", *model.get_weights())
            model.save(folder / f"{after}.keras")
    (folder / "said.json").write_text(json.dumps([str(one.message) for one in caught]), encoding="utf-8")


def main(root: Path, epochs: int) -> None:
    """Train all of them."""
    x, y = np.load(root / "x.npy"), np.load(root / "y.npy")
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        go_on(folder, x, y, epochs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
