"""Record files of real Keras, with inputs and what Keras predicts for them.

From the project's root, with a Python that has `keras==3.15.1`, `jax` (CPU), h5py and NumPy, and nothing of ours:

    python tests/unit/exchange/keras/files/record.py
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np

FOLDER = Path(__file__).parent
layers = keras.layers


def dense() -> Any:
    """A classifier, trained, with Keras's names for everything."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax", name="outputs"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(numbers(64, 6), np.eye(3)[np.arange(64) % 3], verbose=0)
    return model


def normalizing() -> Any:
    """Every kind of normalization, compiled with objects."""
    scaled = layers.Normalization()
    scaled.adapt(3 * numbers(50, 6) + 1)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            scaled,
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.LayerNormalization(),
            layers.PReLU(),
            layers.GroupNormalization(2),
            layers.RMSNormalization(),
            layers.UnitNormalization(),
            layers.Dense(1),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(0.1, 100)
    metrics = [keras.metrics.MeanAbsoluteError(), keras.metrics.RootMeanSquaredError()]
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), keras.losses.Huber(), metrics=metrics)
    model.fit(numbers(64, 6), numbers(64, 1), verbose=0)
    return model


def embedding() -> Any:
    """Whole numbers as inputs, and no compilation."""
    return keras.Sequential(
        [keras.Input((3,)), layers.Embedding(7, 4), layers.Flatten(), layers.Dense(2, activation="sigmoid")]
    )


def shaping() -> Any:
    """Layers that rescale, reshape and disturb, a function as the loss, and a frozen layer."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Rescaling(0.5, offset=-0.1),
            layers.Normalization(mean=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], variance=[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]),
            layers.Reshape((2, 3)),
            layers.Permute((2, 1)),
            layers.Dense(4, trainable=False),
            layers.LeakyReLU(),
            layers.ELU(0.7),
            layers.ReLU(max_value=4.0, negative_slope=0.1),
            layers.GaussianNoise(0.1),
            layers.Flatten(),
            layers.Activation("gelu"),
            layers.Dense(2, use_bias=False),
        ]
    )
    model.compile("rmsprop", keras.losses.mean_absolute_error)
    return model


MODELS: dict[str, Callable[[], Any]] = {
    "dense": dense,
    "normalizing": normalizing,
    "embedding": embedding,
    "shaping": shaping,
}


def numbers(rows: int, columns: int) -> Any:
    """Numbers between -1 and 1, the same each time."""
    return np.random.default_rng(rows + columns).uniform(-1, 1, (rows, columns)).astype(np.float32)


def main() -> None:
    """Write a `.keras`, an `.h5` and an `.npz` with `x` and `y` for each model."""
    warnings.filterwarnings("ignore")
    for name, make in MODELS.items():
        keras.utils.clear_session()
        keras.utils.set_random_seed(3)
        model = make()
        x = np.arange(12, dtype=np.float32).reshape(4, 3) % 7 if name == "embedding" else numbers(5, 6)
        model.save(FOLDER / f"{name}.keras")
        model.save(FOLDER / f"{name}.h5")
        np.savez(FOLDER / f"{name}.npz", x=x, y=model.predict(x, verbose=0))


if __name__ == "__main__":
    main()
