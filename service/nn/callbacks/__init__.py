"""Callbacks by Keras's names. Those that a spec can name are in `REGISTRY`; the others are for Python."""

from service.nn.callbacks.callback import REGISTRY, Callback
from service.nn.callbacks.early_stopping import EarlyStopping
from service.nn.callbacks.history import History
from service.nn.callbacks.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from service.nn.callbacks.model_checkpoint import ModelCheckpoint
from service.nn.callbacks.watching import CSVLogger, LambdaCallback, TerminateOnNaN

__all__ = [
    "REGISTRY",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
