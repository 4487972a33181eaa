"""What models share: the client, the seeds, and how rows and shapes are read."""

import atexit
from typing import Any

import numpy as np

from fitd.settings import Settings, settings_of
from fitd.synchronous.client import Client

_seed: list[int | None] = [None]


def set_random_seed(seed: int) -> None:
    """Makes the trainings that follow repeat themselves."""
    np.random.seed(seed)
    _seed[0] = seed


_clients: dict[Settings, Client] = {}


def shared_client() -> Client:
    """The one client of the settings that hold now, for all models."""
    settings = settings_of()
    if settings not in _clients:
        _clients[settings] = Client(settings.url, settings.api_key)
    return _clients[settings]


@atexit.register
def close_clients() -> None:
    """Closes the connections of all models; they are made again where they are needed."""
    while _clients:
        _clients.popitem()[1].close()


def input_width(layers: list[Any]) -> int:
    """The columns of the input that the first layer says."""
    for layer in layers[:1]:
        said = layer.get_config()
        for name in ("shape", "batch_shape", "input_shape", "batch_input_shape"):
            if said.get(name):
                return int(said[name][-1])
        if said.get("input_dim"):
            return int(said["input_dim"])
    raise ValueError("Expected a first layer with its input shape, such as keras.Input((100,)); or call fit first.")


def joined(x: Any, y: Any, sample_weight: Any, validation: Any) -> tuple[Any, Any, Any, float]:
    """The rows with those of the validation after them, and the share that holds out exactly the latter."""
    other_x, other_y = np.asarray(validation[0], np.float32), np.asarray(validation[1])
    others = validation[2] if len(validation) > 2 else None
    weights = None
    if sample_weight is not None or others is not None:
        weights = np.concatenate(
            [
                np.ones(len(rows)) if given is None else np.asarray(given, np.float32)
                for rows, given in ((x, sample_weight), (other_x, others))
            ]
        )
    total = len(x) + len(other_x)
    return np.concatenate([x, other_x]), np.concatenate([y, other_y]), weights, (len(other_x) - 0.5) / total


def next_seed() -> int | None:
    """The seed of the next training, if seeds were asked for."""
    if _seed[0] is None:
        return None
    _seed[0] += 1
    return _seed[0] - 1


def shape_text(shape: Any) -> str:
    """A shape as Keras prints it."""
    return "?" if shape is None else f"({', '.join(map(str, shape))})"
