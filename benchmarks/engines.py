"""The engines that train a workload: each is a function that makes one that trains an epoch when called."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Workload

Epoch = Callable[[], None]


def fitd(workload: Workload) -> Epoch:
    """`service.nn`."""
    from service import nn

    return _keras_like(nn, workload)


def keras(workload: Workload) -> Epoch:
    """Keras on the back end that KERAS_BACKEND names."""
    import keras as module

    return _keras_like(module, workload)


def _keras_like(module: Any, workload: Workload) -> Epoch:
    stack = [module.Input((workload.inputs,))]
    stack += [module.layers.Dense(units, activation="relu") for units in workload.hidden]
    model = module.Sequential([*stack, module.layers.Dense(workload.outputs, activation=workload.last)])
    model.compile(optimizer="adam", loss=workload.loss, metrics=workload.metrics)
    x, y = workload.data()
    return lambda: model.fit(x, y, epochs=1, batch_size=workload.batch, verbose=0)


def floor(workload: Workload) -> Epoch:
    """The matrix products of an epoch alone, as NumPy does them."""
    rng = np.random.default_rng(0)
    products: list[tuple[Any, Any, Any]] = []
    for size in {workload.batch, workload.rows % workload.batch or workload.batch}:
        times = workload.rows // workload.batch if size == workload.batch else 1
        for index, (wide, units) in enumerate(zip(workload.widths, workload.widths[1:], strict=False)):
            x, w = (rng.normal(size=shape).astype(np.float32) for shape in ((size, wide), (wide, units)))
            d = rng.normal(size=(size, units)).astype(np.float32)
            steps = [(x, w, np.empty_like(d)), (x.T, d, np.empty_like(w))]
            steps += [(d, w.T, np.empty_like(x))] if index else []
            products += steps * times

    def epoch() -> None:
        for a, b, out in products:
            np.dot(a, b, out=out)

    return epoch


def scikit_learn(workload: Workload) -> Epoch:
    """scikit-learn's multi-layer perceptron."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if workload.last == "linear" else MLPClassifier
    x, y = workload.data()
    targets = y.argmax(axis=1) if workload.last == "softmax" else y[:, 0]
    model = kind(hidden_layer_sizes=workload.hidden, batch_size=workload.batch, alpha=0.0)
    classes = {} if workload.last == "linear" else {"classes": np.unique(targets)}
    return lambda: model.partial_fit(x, targets, **classes)


def torch(workload: Workload) -> Epoch:
    """PyTorch, one call an operation."""
    import torch as module
    from torch import nn

    stack: list[Any] = []
    for wide, units in zip(workload.widths, workload.widths[1:], strict=False):
        stack += [nn.Linear(wide, units), nn.ReLU()]
    model = nn.Sequential(*stack[:-1])
    lossy = {"softmax": nn.CrossEntropyLoss, "sigmoid": nn.BCEWithLogitsLoss, "linear": nn.MSELoss}[workload.last]()
    optimizer = module.optim.Adam(model.parameters(), lr=1e-3)
    x, y = (module.from_numpy(array) for array in workload.data())

    def epoch() -> None:
        right = 0.0
        for rows in module.randperm(workload.rows).split(workload.batch):
            output, target = model(x[rows]), y[rows]
            loss = lossy(output, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if workload.last == "softmax":
                right += float((output.argmax(1) == target.argmax(1)).sum())
            elif workload.last == "sigmoid":
                right += float(((output > 0) == (target > 0.5)).sum())

    return epoch


def jax(workload: Workload) -> Epoch:
    """JAX with the whole epoch in one compiled scan."""
    import jax as module
    import jax.numpy as jnp

    keys = module.random.split(module.random.PRNGKey(0), len(workload.widths))
    shapes = list(zip(workload.widths, workload.widths[1:], strict=False))
    weights = [
        (module.random.normal(key, shape) * 0.1, jnp.zeros(shape[1])) for key, shape in zip(keys, shapes, strict=False)
    ]
    x, y = (jnp.asarray(array) for array in workload.data())
    steps = workload.rows // workload.batch
    slots = module.tree.map(lambda w: (jnp.zeros_like(w), jnp.zeros_like(w)), weights)

    def forward(weights: Any, rows: Any) -> Any:
        for w, b in weights[:-1]:
            rows = module.nn.relu(rows @ w + b)
        return rows @ weights[-1][0] + weights[-1][1]

    def loss(weights: Any, rows: Any, target: Any) -> Any:
        z = forward(weights, rows)
        if workload.last == "softmax":
            right = (z.argmax(1) == target.argmax(1)).sum()
            return -(target * module.nn.log_softmax(z)).sum(1).mean(), right
        if workload.last == "sigmoid":
            return (jnp.logaddexp(z, 0) - z * target).mean(), ((z > 0) == (target > 0.5)).sum()
        return ((z - target) ** 2).mean(), 0

    def adam(w: Any, g: Any, slot: Any, t: Any) -> Any:
        m, v = 0.9 * slot[0] + 0.1 * g, 0.999 * slot[1] + 0.001 * g * g
        size = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return w - size * m / (jnp.sqrt(v) + 1e-7), (m, v)

    def step(state: Any, rows: Any) -> Any:
        weights, slots, t = state
        (value, right), gradients = module.value_and_grad(loss, has_aux=True)(weights, x[rows], y[rows])
        leaves, tree = module.tree.flatten(weights)
        flat = [
            adam(w, g, s, t)
            for w, g, s in zip(leaves, module.tree.leaves(gradients), tree.flatten_up_to(slots), strict=True)
        ]
        weights = module.tree.unflatten(tree, [each[0] for each in flat])
        slots = module.tree.unflatten(tree, [each[1] for each in flat])
        return (weights, slots, t + 1), (value, right)

    @module.jit  # type: ignore[untyped-decorator]
    def run(state: Any, key: Any) -> Any:
        order = module.random.permutation(key, workload.rows)[: steps * workload.batch].reshape(steps, workload.batch)
        return module.lax.scan(step, state, order)

    held = [(weights, slots, 1.0), module.random.PRNGKey(1)]

    def epoch() -> None:
        held[1], key = module.random.split(held[1])
        held[0], sums = run(held[0], key)
        module.block_until_ready(sums)

    return epoch


ENGINES: dict[str, Callable[[Workload], Epoch]] = {
    "floor": floor,
    "fitd": fitd,
    "keras": keras,
    "torch": torch,
    "scikit-learn": scikit_learn,
    "jax": jax,
}
