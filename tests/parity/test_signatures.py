"""The public names, parameters and defaults of `service.nn` are those of Keras."""

import inspect
import json
from typing import Any

import pytest

from tests.parity.cases.data import words
from tests.parity.engine import OurEngine
from tests.parity.recording import FOLDER
from tests.parity.signatures import describe, find, parameters, paths

SIGNATURES: dict[str, list[list[Any]]] = json.loads((FOLDER / "signatures.json").read_text())

NOT_OFFERED: dict[str, str] = {
    **dict.fromkeys(
        [f"layers.{name}" for name in words("Add Average Concatenate Dot Maximum Minimum Multiply Subtract")],
        "joins the branches of a graph; a Sequential has none",
    ),
    **dict.fromkeys(
        [f"metrics.{name}" for name in words("IoU MeanIoU BinaryIoU OneHotIoU OneHotMeanIoU")],
        "for the segments of images",
    ),
    **dict.fromkeys(
        [f"losses.{name}" for name in words("Dice Tversky Circle dice tversky circle")],
        "compares sets of pixels or embeddings, which tables are not",
    ),
    **dict.fromkeys(
        [f"layers.{name}" for name in words("Discretization CategoryEncoding IntegerLookup StringLookup Hashing")],
        "encodes the columns of a table, which comes before the service and not inside a network",
    ),
    "layers.Masking": "for sequences",
    "layers.SpectralNormalization": "wraps another layer",
    "layers.Lambda": "runs any code that a file contains",
    "layers.TextVectorization": "for texts",
    "layers.HashedCrossing": "takes two inputs",
    "initializers.STFT": "for sound",
    "losses.CTC": "for sequences",
    "optimizers.LossScaleOptimizer": "for float16",
    "optimizers.ScheduleFreeAdamW": "experimental; the weights it evaluates are not those it trains",
    "optimizers.MultiOptimizer": "takes a mapping of layers to optimizers, which a spec cannot express",
    "callbacks.OrbaxCheckpoint": "needs another package",
    "callbacks.TensorBoard": "needs another package",
    "callbacks.BackupAndRestore": "the service keeps checkpoints itself, and goes on from them",
    "callbacks.RemoteMonitor": "sends what it sees to another machine",
    "callbacks.ProgbarLogger": "prints",
    "callbacks.SwapEMAWeights": "validates with averaged weights; with `use_ema` a fit ends with them anyway",
}
"""Name -> why `service.nn` leaves it out."""

LEFT_OUT: dict[str, str] = {
    "lora_rank": "adapters for fine-tuning large models",
    "lora_alpha": "adapters for fine-tuning large models",
    "quantization_config": "inference in eight bits",
    "synchronized": "statistics across several machines",
    "renorm": "statistics for tiny batches across several machines",
    "renorm_clipping": "statistics for tiny batches across several machines",
    "renorm_momentum": "statistics for tiny batches across several machines",
    "dtype": "everything is float32, as by default in Keras",
    "sparse": "there are no sparse tensors",
    "ragged": "there are no ragged tensors",
    "input_tensor": "there are no symbolic tensors to wrap",
    "rebuild": "a model is built when it is first needed",
    "input_axes": "the fans of convolutions",
    "output_axes": "the fans of convolutions",
    "tensor": "there are no symbolic tensors to wrap",
    "custom_objects": "a spec names only what we offer",
}
"""Parameter of Keras -> why it may be missing."""

ADDED: dict[str, str] = {
    "name": "an argument by itself, which Keras takes in **kwargs",
    "trainable": "an argument by itself, which Keras takes in **kwargs",
    "dtype": "an argument by itself, which Keras takes in **kwargs",
    "activity_regularizer": "an argument by itself, which Keras takes in **kwargs",
    "batch_input_shape": "the old way to say the width, as Keras 2 wrote it into files",
    "input_shape": "the old way to say the width, which Keras takes in **kwargs",
    "input_dim": "the old way to say the width, which Keras takes in **kwargs",
    "learning_rate_factors": "a factor per variable, as torch's groups of parameters give it",
    "weight_decay_factors": "a factor per variable, of which Keras has only zero (`exclude_from_weight_decay`)",
    "weight_decay_schedule": "decay in fractions of the training, as RealMLP has it",
    "rate_schedule": "dropout in fractions of the training, as RealMLP has it",
    "epsilon_form": "where the epsilon is added, which torch does as the paper and Keras does not",
    "parametrization": "kernels in NTK scale, as RealMLP has them",
}
"""Parameter of ours -> why it may be more than Keras writes."""

OTHERWISE: dict[tuple[str, str], str] = {
    ("losses.categorical_generalized_cross_entropy", "q"): "may be left out, as in the class of the same name",
}
"""(name, parameter) -> why its default or place differs."""


def _expected(path: str) -> list[list[Any]]:
    return [each for each in SIGNATURES[path] if (path, each[0]) not in OTHERWISE]


@pytest.mark.parametrize("path", [path for path in paths() if path not in NOT_OFFERED])
def test_parameters_and_defaults_are_those_of_keras(path: str) -> None:
    """Same names, same defaults, and the same order wherever they may be given by position."""
    ours = find(OurEngine().keras, path)
    described = {each[0]: each for each in describe(ours)}
    expected = {each[0]: each for each in _expected(path)}
    missing = [name for name in expected if name not in described and name not in LEFT_OUT]
    added = [name for name in described if name not in expected and name not in ADDED and (path, name) not in OTHERWISE]
    differing = [
        f"{expected[name]}, ours {described[name]}"
        for name in expected
        if name in described and described[name] != expected[name]
    ]
    assert (missing, added, differing) == ([], [], [])
    by_position = [each.name for each in parameters(ours) if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    order = [name for name in expected if name in described]
    assert [name for name in by_position if name in expected] == order[: len(by_position)], "order"


def test_every_signature_is_recorded() -> None:
    """A name added to the list needs `python -m tests.parity.record`."""
    assert list(SIGNATURES) == paths()


@pytest.mark.parametrize("path", sorted(NOT_OFFERED))
def test_what_is_not_offered_is_not_there(path: str) -> None:
    """The table of what we leave out has no dead entries."""
    with pytest.raises(AttributeError):
        find(OurEngine().keras, path)
