"""Models, as in `keras.models`."""

import json
from typing import Any

from service.nn.arguments import ArgumentError
from service.nn.sequential import Sequential

__all__ = ["Sequential", "model_from_config", "model_from_json"]


def model_from_config(config: Any) -> Sequential:
    """Returns the model for `{"class_name": "Sequential", "config": ...}`, a `get_config()`, or a list of layers."""
    if isinstance(config, dict) and "class_name" in config:
        if config["class_name"] != "Sequential":
            raise ArgumentError("class_name", "'Sequential'", config["class_name"])
        config = config["config"]
    return Sequential.from_config(config)


def model_from_json(text: str) -> Sequential:
    """Returns a model with the layers that `to_json` wrote, and new weights."""
    return model_from_config(json.loads(text))
