"""Record what real Keras computes for every case, into `recorded/`.

From the project's root, with a Python that has `keras==3.15.1`, `jax` (CPU) and NumPy, and nothing of ours:

    python -m tests.parity.record             # everything, half an hour or less
    python -m tests.parity.record fits losses # some groups

Running it again with the same versions on the same kind of machine writes the same bytes.
"""

import json
import os
import platform
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import keras
import numpy as np

from tests.parity.cases.data import fingerprint
from tests.parity.engine import Array, Case
from tests.parity.groups import GROUPS
from tests.parity.recording import FOLDER, flatten, save
from tests.parity.signatures import describe, find, paths
from tests.parity.texts import TEXTS, meaning


class KerasEngine:
    """Real Keras, with the derivatives that JAX finds."""

    keras: Any = keras

    def activation_gradient(self, name: str, x: Array, dy: Array, options: Mapping[str, Any]) -> Any:
        """Pull `dy` back through the activation."""
        activation = keras.activations.get(name)
        return jax.vjp(lambda value: activation(value, **options), x)[1](dy)[0]

    def loss_gradient(self, loss: Any, y_true: Any, y_pred: Array) -> Any:
        """Differentiate the sum of the rows' losses."""
        return jax.grad(lambda value: loss.call(y_true, value).sum())(jax.numpy.asarray(y_pred))

    def penalty(self, regularizer: Any, weights: Array) -> tuple[Any, Any]:
        """Differentiate the penalty."""
        value, gradient = jax.value_and_grad(regularizer)(jax.numpy.asarray(weights))
        return value, gradient


def run(name: str, case: Case) -> dict[str, Array]:
    """Run one case from a clean state, and insist that it says something."""
    keras.utils.clear_session()
    jax.clear_caches()
    keras.utils.set_random_seed(1)
    outcome = flatten(case(KerasEngine()))
    if not outcome:
        raise ValueError(f"{name}: nothing was computed")
    return outcome


def record(group: str) -> None:
    """Run and save one group; a case that fails stops the recording."""
    outcomes = {}
    for name, case in GROUPS[group].items():
        try:
            outcomes[name] = run(name, case)
        except Exception as error:
            error.add_note(f"while recording {group} / {name}")
            raise
        for key, array in outcomes[name].items():
            if not np.isfinite(array).all():
                print(f"{group} / {name} / {key}: not finite")
    save(group, outcomes)
    print(f"{group}: {len(outcomes)} cases")


def versions() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "data": fingerprint(),
    }


def record_signatures() -> None:
    """Write down the parameters and defaults of everything public that concerns dense networks."""
    lines = [f"  {json.dumps(path)}: {json.dumps(describe(find(keras, path)))}" for path in paths()]
    (FOLDER / "signatures.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def record_texts() -> None:
    """Write down what each text stands for."""
    meanings = {
        module: {text: meaning(getattr(keras, module).get(text)) for text in texts} for module, texts in TEXTS.items()
    }
    (FOLDER / "texts.json").write_text(json.dumps(meanings, indent=1) + "\n")


def main(groups: Sequence[str]) -> None:
    """Record the groups named, or all of them."""
    warnings.filterwarnings("ignore")
    for group in groups or GROUPS:
        record(group)
    record_signatures()
    record_texts()
    (FOLDER / "versions.json").write_text(json.dumps(versions(), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
