"""Records what `pytabkit` and `tabm` compute, for `test_recipes`: weights in our order, outputs, a training.

Everything is computed in float64: in float32, rounding decides gradients that should be zero, and Adam makes of them
steps as long as all others. Dropout is off, because its random numbers are no one else's. Run `python
tests/parity/record_recipes.py` in an environment with `torch`, `pytabkit` and `tabm`; it needs nothing of this project.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import rtdl_num_embeddings
import tabm
import torch
from pytabkit.models.data.data import DictDataset, TensorInfo
from pytabkit.models.nn_models.base import set_hp_context
from pytabkit.models.nn_models.models import NNFactory
from pytabkit.models.optim.optimizers import get_opt_class
from pytabkit.models.sklearn.default_params import DefaultParams
from pytabkit.models.training.coord import HyperparamManager
from pytabkit.models.training.metrics import cross_entropy, mse

FILE = Path(__file__).parent / "recorded" / "recipes.npz"
ROWS, BATCH, STEPS, WIDTH = 96, 32, 20, 8
Arrays = dict[str, Any]


def plain(tensor: Any) -> Any:
    """The same numbers as float32 has them, which is how they are stored."""
    return tensor.float().double()


def rounded(model: Any) -> None:
    """Makes every weight one that float32 has."""
    for weight in model.parameters():
        weight.data = plain(weight.data)


def numpy(tensor: Any) -> Any:
    """A copy in float32 without axes of one in front."""
    array = tensor.detach().numpy().astype(np.float32)
    return array[0].copy() if array.ndim == 2 and len(array) == 1 else array.copy()


def batches(*tensors: Any) -> Any:
    """The rows of each step, the same three batches again and again."""
    for step in range(STEPS):
        start = step % (ROWS // BATCH) * BATCH
        yield [tensor[start : start + BATCH] for tensor in tensors]


def realmlp(name: str, *, embedded: bool) -> Arrays:
    """RealMLP with the parameters of this name, of columns that are scaled and clipped already."""
    torch.manual_seed(len(name))
    torch.set_default_dtype(torch.float64)
    config = getattr(DefaultParams, name) | {"hidden_sizes": [WIDTH] * 3, "p_drop": 0.0, "lr": 0.04}
    config["tfms"] = ["one_hot", "embedding"] if embedded else []
    classes = 3 if name.endswith("CLASS") else 0
    x, codes = (
        plain(torch.randn(ROWS, 4)),
        torch.stack([torch.randint(1, 4, (ROWS,)), torch.randint(0, 13, (ROWS,))], 1),
    )
    y = torch.randint(0, 3, (ROWS, 1)) if classes else plain(5 + 3 * torch.randn(ROWS, 1))
    infos = {"x_cont": TensorInfo(feat_shape=[4])} | ({"x_cat": TensorInfo(cat_sizes=[4, 13])} if embedded else {})
    infos["y"] = TensorInfo(cat_sizes=[3]) if classes else TensorInfo(feat_shape=[1])
    tensors = {"x_cont": x, "y": y} | ({"x_cat": codes} if embedded else {})
    data = DictDataset(tensors, infos)
    manager = HyperparamManager(**config)
    manager.get_more_info_dict()["trainval_ds"] = data
    with set_hp_context(manager), torch.no_grad():
        model, _ = NNFactory(**config).create(infos).fit_transform(data)
    rounded(model)
    weights = {str(weight.context.scope): weight for weight in model.parameters()}
    order = ours(weights, embedded=embedded, parametric="TD_S" not in name)
    inputs = x
    if embedded:
        inputs = torch.cat([x, torch.nn.functional.one_hot(codes[:, 0] - 1, 3), codes[:, 1:]], 1)
    found = {"x": numpy(inputs), "y": numpy(torch.nn.functional.one_hot(y[:, 0], 3) if classes else y)}
    found |= {f"before.{place}": numpy(weight) for place, weight in enumerate(order)}
    found["predicted.before"] = predicted(model, tensors)
    train(model, manager, tensors, cross_entropy if classes else mse)
    found |= {f"after.{place}": numpy(weight) for place, weight in enumerate(order)}
    found["predicted.after"] = predicted(model, tensors)
    return found


def ours(weights: dict[str, Any], *, embedded: bool, parametric: bool) -> list[Any]:
    """The trainable weights in the order of our network."""

    def named(*parts: str) -> Any:
        (found,) = [weight for scope, weight in weights.items() if all(part in scope for part in parts)]
        return found

    order = []
    if embedded:
        plr = [named("plr", part) for part in ("weight_1", "bias_1", "weight_2", "bias_2")]
        order += [weight.data[:, 0] if weight.shape[1] == 1 else weight for weight in plr]
        order.append(named("emb"))
    for layer in range(4):
        scope = f"layer-{layer}"
        order += [named(scope, "scale")] if layer == 0 else []
        order += [named(scope, "weight"), named(scope, "bias")]
        order += [named(scope, "act")] if parametric and layer < 3 else []
    return order


def predicted(model: Any, tensors: Arrays) -> Any:
    """The outputs in inference: logits, or values in the units of the targets."""
    model.eval()
    with torch.no_grad():
        return model({key: value for key, value in tensors.items() if key != "y"})["x_cont"].numpy()


def train(model: Any, manager: Any, tensors: Arrays, criterion: Any) -> None:
    """Steps as pytabkit's module takes them, over a training of just so many."""
    model.train()
    optimizer = get_opt_class("adam")([{"params": [weight]} for weight in model.parameters()], manager)
    names = list(tensors)
    for step, batch in enumerate(batches(*tensors.values())):
        progress = SimpleNamespace(get_fit_progress=lambda step=step: step / STEPS)
        manager.update_hypers(SimpleNamespace(progress=progress))
        output = model(dict(zip(names, batch, strict=True)))
        criterion(output["x_cont"], output["y"]).backward()
        optimizer.step()
        optimizer.zero_grad()


def tabm_mini(*, classes: int, bins: int | None) -> Arrays:
    """TabM-mini with or without piecewise-linear embeddings, all members on the same batches."""
    torch.manual_seed(classes + (bins or 0))
    torch.set_default_dtype(torch.float64)
    x, codes = plain(torch.randn(ROWS, 3)), torch.randint(0, 4, (ROWS, 1))
    x[:, 2] = torch.where(x[:, 2] < 0.3, 0.0, x[:, 2])  # quantiles that are the same
    y = torch.randint(0, classes, (ROWS,)) if classes else plain(torch.randn(ROWS, 1))
    embeddings, edges = None, None
    if bins is not None:
        edges = [plain(one) for one in rtdl_num_embeddings.compute_bins(x, n_bins=bins)]
        embeddings = rtdl_num_embeddings.PiecewiseLinearEmbeddings(edges, 4, activation=False, version="B")
    arguments: Arrays = {"arch_type": "tabm-mini", "k": 5, "d_block": WIDTH, "dropout": 0.0}
    model = tabm.TabM.make(
        n_num_features=3, cat_cardinalities=[4], d_out=classes or 1, num_embeddings=embeddings, **arguments
    )
    if embeddings is not None:
        embeddings.linear.weight.data.normal_(std=0.1)  # it starts at zero, which would hide how it is used
        embeddings.linear.weight.data *= encodes(edges)[:, :, None]
    rounded(model)
    named = dict(model.named_parameters())
    found = {"x": numpy(torch.cat([x, torch.nn.functional.one_hot(codes[:, 0], 4)], 1))}
    found["y"] = numpy(torch.nn.functional.one_hot(y, classes) if classes else y)
    if edges is not None:
        found |= {f"edges.{place}": numpy(one) for place, one in enumerate(edges)}

    def weights(moment: str) -> Arrays:
        order = [moved(name, value, edges) for name, value in sorted(named.items(), key=lambda item: place(item[0]))]
        return {f"{moment}.{number}": value for number, value in enumerate(order)}

    def answers() -> Any:
        with torch.no_grad():
            outputs = model(x, codes)
        return (outputs.softmax(-1) if classes else outputs).mean(1).numpy()

    found |= weights("before") | {"predicted.before": answers()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=3e-4)
    for one, code, target in batches(x, codes, y):
        output = model(one, code).flatten(0, 1)
        targets = target.repeat_interleave(5, dim=0)
        loss = torch.nn.functional.cross_entropy if classes else torch.nn.functional.mse_loss
        loss(output, targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return found | weights("after") | {"predicted.after": answers()}


def encodes(edges: Any) -> Any:
    """Where a feature has a bin: the package keeps the last bin of a feature in the last place."""
    most = max(len(one) - 1 for one in edges)
    mask = torch.zeros(len(edges), most)
    for place_, one in enumerate(edges):
        mask[place_, : len(one) - 2] = 1
        mask[place_, -1] = 1
    return mask


ORDER = (
    "linear.weight",
    "linear0.weight",
    "linear0.bias",
    "affine",
    "blocks.0",
    "blocks.1",
    "blocks.2",
    "output.weight",
    "output.bias",
)


def place(name: str) -> tuple[int, str]:
    """Where a weight stands in our network; kernels before biases."""
    return next(number for number, part in enumerate(ORDER) if part in name), name.replace("bias", "zbias")


def moved(name: str, value: Any, edges: list[Any] | None) -> Any:
    """A weight in our shape: kernels (features, units), bins from the first place on."""
    array = value.detach().numpy().astype(np.float32).copy()
    if "blocks" in name and array.ndim == 2:
        return array.T.copy()
    if "linear.weight" in name and edges is not None:
        for number, one in enumerate(edges):
            bins = len(one) - 1
            last = array[number, -1].copy()
            array[number, -1] = 0
            array[number, bins - 1] = last
    return array


def main() -> None:
    """Writes every case; the order of names is kept, so that an index cuts one vector of numbers."""
    cases = {
        "RealMLP-TD-S for classes": realmlp("RealMLP_TD_S_CLASS", embedded=False),
        "RealMLP-TD-S for numbers": realmlp("RealMLP_TD_S_REG", embedded=False),
        "RealMLP-TD for classes": realmlp("RealMLP_TD_CLASS", embedded=True),
        "RealMLP-TD for numbers": realmlp("RealMLP_TD_REG", embedded=True),
        "TabM-mini for classes": tabm_mini(classes=3, bins=None),
        "TabM-mini for numbers, embedded": tabm_mini(classes=0, bins=6),
    }
    index = {case: {key: list(array.shape) for key, array in arrays.items()} for case, arrays in cases.items()}
    values = [array.ravel().astype(np.float32) for arrays in cases.values() for array in arrays.values()]
    text = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    np.savez_compressed(FILE, index=text, values=np.concatenate(values))


if __name__ == "__main__":
    main()
