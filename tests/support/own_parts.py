"""A loss, an activation, a layer, an optimizer and a metric that the service has never seen, driven over HTTP.

Run as a program it prints, as JSON, what the service says of a training with each of them. It is a process of its own
because registries are shared, and the requests that they allow are decided when the first one is read.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from service.nn import activations, layers, losses, metrics, optimizers
from service.nn.layers.layer import Array, Layer, Pass, Setting, Shape
from service.nn.losses import Targets
from service.nn.losses.loss import Loss, Reduction
from service.nn.meaning import Outputs
from service.nn.metrics.metric import MeanOfRows
from service.nn.optimizers.optimizer import Optimizer, Rate
from tests.support.serving import Service

NAMES = ["cat", "dog", "owl"]
FORMATS = ("keras", "safetensors", "json", "onnx", "python")


@losses.REGISTRY.register()
@dataclass
class PolyLoss(Loss):
    """-log p + epsilon (1 - p), p the probability of the truth in one-hot rows (Leng et al. 2022)."""

    targets: ClassVar[Targets] = Targets.ONE_HOT
    epsilon: float = 1.0
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = "poly_loss"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        p = np.clip((y_true * y_pred).sum(axis=-1), 1e-7, 1)
        return np.asarray(self.epsilon * (1 - p) - np.log(p))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(-y_true * (1 / np.clip(y_pred, 1e-7, 1) + self.epsilon))


@activations.REGISTRY.register(outputs=Outputs.DISTRIBUTION)
def taylor_softmax(x: Array) -> Array:
    """y = f / sum f, f = 1 + x + x^2 / 2 (de Brebisson & Vincent 2016)."""
    f = 1 + x + x * x / 2
    return np.asarray(f / f.sum(axis=-1, keepdims=True))


@taylor_softmax.derivative
def _taylor_softmax_gradient(dy: Array, x: Array, y: Array) -> Array:
    total = (1 + x + x * x / 2).sum(axis=-1, keepdims=True)
    return np.asarray((dy - (dy * y).sum(axis=-1, keepdims=True)) * (1 + x) / total)


@layers.REGISTRY.register()
@dataclass(eq=False, repr=False)
class Scale(Layer):
    """y = factor x, with a factor for each feature."""

    def build(self, input_shape: Shape) -> None:
        """One factor for each feature."""
        self.factor = self.add_weight((input_shape[-1],), "ones", "factor")
        super().build(input_shape)

    def connect(self, shape: Shape, setting: Setting) -> Pass:
        """dx = factor dy; dfactor = the sum of x dy."""
        factor, gradient, kept = self.factor.value, self.factor.gradient, np.empty(shape, setting.dtype)

        def forward(x: Array) -> Array:
            kept[...] = x
            return x * factor

        def backward(dy: Array) -> Array:
            gradient[...] = (dy * kept).sum(axis=0)
            return dy * factor

        return Pass(forward, backward)


@optimizers.REGISTRY.register()
@dataclass
class SignDescent(Optimizer):
    """w -= rate sign(g) (Riedmiller & Braun 1993)."""

    learning_rate: Rate = 0.01

    def update(self, w: Array, g: Array, slots: tuple[Array, ...], scratch: Array, rate: float) -> None:
        np.sign(g, out=scratch)
        w -= rate * scratch


@metrics.REGISTRY.register()
@dataclass
class Confidence(MeanOfRows):
    """The mean output at the true class."""

    name: str | None = "confidence"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray((y_true * y_pred).sum(axis=-1))


OWN: dict[str, dict[str, Any]] = {
    "loss": {"compile": {"loss": "poly_loss"}},
    "activation": {"activation": "taylor_softmax"},
    "layer": {"first": "Scale"},
    "optimizer": {"compile": {"optimizer": {"class_name": "SignDescent", "learning_rate": 0.02}}},
    "metric": {"compile": {"metrics": ["confidence"]}},
}
"""What a request that works without them says of each."""


def request(kind: str) -> dict[str, Any]:
    """A training on class names with the part of this kind."""
    own, rng = OWN[kind], np.random.default_rng(4)
    places = rng.integers(0, 3, 90)
    x = rng.normal(scale=0.3, size=(90, 2)) + np.array([[0, 1], [1, -1], [-1, -1]])[places]
    first = [{"class_name": own["first"], "name": "first"}] if "first" in own else []
    return {
        "model": kind,
        "spec": {
            "layers": [*first, {"class_name": "Dense", "units": 3, "activation": own.get("activation", "softmax")}]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.05},
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy"],
        }
        | own.get("compile", {}),
        "fit": {"epochs": 60, "batch_size": 16, "seed": 7},
        "data": {"x": x.tolist(), "y": [NAMES[place] for place in places]},
    }


def driven(service: Service, kind: str) -> dict[str, Any]:
    """What the service says of such a training, of its version, and of the files that it is exported to."""
    asked = request(kind)
    validated = service.client.post("/v1/training-jobs:validate", json=asked)
    answer = service.client.post("/v1/training-jobs", json=asked)
    service.work()
    model = f"/v1/models/{kind}"
    rows = {"instances": [[0, 1], [1, -1], [-1, -1]], "outputs": ["predicted_classes", "predictions", "probabilities"]}
    predicted = service.client.post(f"{model}:predict", json=rows)
    evaluated = service.client.post(f"{model}:evaluate", json={"data": asked["data"]})
    files = {name: service.client.get(f"{model}/export?format={name}") for name in FORMATS}
    imported = service.client.post(
        f"/v1/models:import?model={kind}-again",
        content=files["keras"].content,
        headers={"Content-Type": "application/zip"},
    )
    again = service.client.post(f"/v1/models/{kind}-again:predict", json=rows)
    return {
        "validated": validated.json(),
        "asked": [answer.status_code, answer.json()],
        "job": service.client.get(answer.headers.get("Location", "/")).json(),
        "predicted": predicted.json(),
        "evaluated": evaluated.json(),
        "files": {
            name: [file.status_code, "" if file.status_code == 200 else file.json()] for name, file in files.items()
        },
        "imported": [imported.status_code, again.json()],
    }


if __name__ == "__main__":
    with Service(Path(sys.argv[1])) as made:
        print(json.dumps({kind: driven(made, kind) for kind in OWN}))
