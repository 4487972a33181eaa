"""Optimizers by Keras's names."""

from typing import Any

from service.nn import registry
from service.nn.optimizers import schedules
from service.nn.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam
from service.nn.optimizers.adaptive import Adadelta, Adafactor, Adagrad, Ftrl, RMSprop
from service.nn.optimizers.gradient_descent import SGD, Lion
from service.nn.optimizers.muon import Muon
from service.nn.optimizers.optimizer import REGISTRY, Optimizer

__all__ = [
    "REGISTRY",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Any:
    """The optimizer of a name (in any case) or configuration; None is none."""
    return None if identifier is None else REGISTRY.get(identifier)


def serialize(optimizer: Optimizer) -> Any:
    """The optimizer's class name and configuration, in Keras's form."""
    return registry.serialize(optimizer)


def deserialize(config: Any) -> Optimizer:
    """The optimizer of a configuration."""
    return REGISTRY.get(config)
