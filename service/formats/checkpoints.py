"""Checkpoints: everything that a training continues from, as safetensors bytes."""

from service.errors import Damaged
from service.formats import weights
from service.nn.training_state import TrainingState

_KEYS = ("epoch", "step", "meta")


def pack_state(state: TrainingState) -> bytes:
    """The bytes from which `unpack_state` makes an equal state, to the last bit."""
    return weights.pack(state.arrays, {key: getattr(state, key) for key in _KEYS})


def unpack_state(content: bytes) -> TrainingState:
    """The state that `pack_state` wrote; `Damaged` for any other bytes."""
    arrays, metadata = weights.unpack(content)
    if not all(key in metadata for key in _KEYS):
        raise Damaged("Expected a checkpoint, received other arrays.")
    return TrainingState(metadata["epoch"], metadata["step"], arrays, metadata["meta"])
