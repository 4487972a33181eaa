"""Keras's variables, operations and random numbers, made of NumPy."""

import contextlib

import numpy as np

from service import nn
from service.nn import variable as nn_variable
from tests.oracles.keras_own.missing import Missing


class Variable(nn_variable.Variable):
    count = 0

    def __init__(
        self,
        initializer=None,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation=None,
        synchronization=None,
        name=None,
        **kwargs,
    ):
        if callable(initializer) and shape is not None:
            value = initializer(shape, dtype)
        elif isinstance(initializer, str):
            value = nn.initializers.get(initializer)(shape, dtype)
        else:
            value = np.asarray(initializer)
        if dtype is None:
            dtype = value.dtype if value.dtype.kind == "f" and value.dtype.itemsize <= 4 else nn.config.floatx()
            if value.dtype.kind in "iub":
                dtype = (
                    value.dtype
                    if hasattr(initializer, "dtype")
                    else ("int32" if value.dtype.kind == "i" else value.dtype)
                )
        Variable.count += 1
        super().__init__(
            name or f"variable_{Variable.count}",
            np.array(value, dtype=dtype),
            initializer=nn.initializers.Zeros(),
            trainable=trainable,
        )

    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)

    def assign(self, value):
        super().assign(np.broadcast_to(np.asarray(value), self.shape) if np.ndim(value) == 0 else value)

    def assign_add(self, value):
        self.value[...] += np.asarray(value)

    def assign_sub(self, value):
        self.value[...] -= np.asarray(value)


def _dunders(cls):
    def make(name):
        def method(self, *args):
            args = [np.asarray(a.value) if isinstance(a, nn_variable.Variable) else a for a in args]
            return getattr(self.value, name)(*args)

        return method

    for name in [
        "__add__",
        "__radd__",
        "__sub__",
        "__rsub__",
        "__mul__",
        "__rmul__",
        "__truediv__",
        "__rtruediv__",
        "__pow__",
        "__neg__",
        "__matmul__",
        "__getitem__",
        "__len__",
        "__float__",
        "__int__",
        "__lt__",
        "__gt__",
        "__le__",
        "__ge__",
    ]:
        setattr(cls, name, make(name))


_dunders(nn_variable.Variable)


# ---------------------------------------------------------------- ops
def _np(x):
    if isinstance(x, nn_variable.Variable):
        return x.value
    return x


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    x = _np(x)
    if isinstance(x, (list, tuple)):
        x = np.asarray([_np(i) for i in x]) if not any(isinstance(i, (list, tuple)) for i in x) else np.asarray(x)
        if dtype is None and x.dtype == np.float64:
            dtype = nn.config.floatx()
        if dtype is None and x.dtype == np.int64:
            dtype = "int32"
    elif isinstance(x, float):
        dtype = dtype or nn.config.floatx()
    elif isinstance(x, int) and not isinstance(x, bool):
        dtype = dtype or "int32"
    return np.asarray(x, dtype)


def _f32(function):
    def wrapped(*args, dtype=None, **kwargs):
        out = function(*args, **kwargs)
        return out.astype(dtype or nn.config.floatx())

    return wrapped


class OpsTable(dict):
    def __contains__(self, name):
        return dict.__contains__(self, name) or (
            hasattr(np, name) and name not in ("random",) and not isinstance(getattr(np, name), type)
        )

    def __getitem__(self, name):
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        function = getattr(np, name)

        def wrapped(*args, **kwargs):
            return function(*[_np(a) for a in args], **kwargs)

        return wrapped


def _one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    return np.moveaxis(np.eye(num_classes, dtype=dtype or nn.config.floatx())[np.asarray(x, np.int64)], -1, axis)


OPS = OpsTable(
    convert_to_tensor=convert_to_tensor,
    convert_to_numpy=lambda x: np.asarray(_np(x)),
    array=convert_to_tensor,
    cast=lambda x, dtype: np.asarray(_np(x)).astype(dtype),
    shape=lambda x: tuple(_np(x).shape),
    ones=_f32(np.ones),
    zeros=_f32(np.zeros),
    full=lambda shape, v, dtype=None: np.full(
        shape, v, dtype or (nn.config.floatx() if isinstance(v, float) else None)
    ),
    one_hot=_one_hot,
    rsqrt=lambda x: 1 / np.sqrt(x),
    arange=lambda *a, dtype=None, **k: (
        lambda r: r.astype(dtype) if dtype else (r.astype("float32") if r.dtype.kind == "f" else r.astype("int32"))
    )(np.arange(*[_np(x) for x in a], **k)),
    cond=lambda c, a, b: a() if c else b(),
    softmax=lambda x, axis=-1: nn.activations.softmax(x, axis=axis),
    sigmoid=nn.activations.sigmoid,
    relu=nn.activations.relu,
    top_k=lambda x, k, sorted=True: (
        np.take_along_axis(x, np.argsort(-x, axis=-1)[..., :k], -1),
        np.argsort(-x, axis=-1)[..., :k],
    ),
)
for _name in ("zeros_like", "ones_like"):
    OPS[_name] = (lambda f: lambda x, dtype=None: f(_np(x), dtype=dtype))(getattr(np, _name))


# ---------------------------------------------------------------- random, backend
class SeedGenerator:
    def __init__(self, seed=None, **kwargs):
        self.rng = np.random.default_rng(seed)


def _rng(seed):
    return seed.rng if isinstance(seed, SeedGenerator) else np.random.default_rng(seed)


RANDOM = {
    "uniform": lambda shape, minval=0.0, maxval=1.0, dtype=None, seed=None: (
        _rng(seed).uniform(minval, maxval, shape).astype(dtype or "float32")
    ),
    "normal": lambda shape, mean=0.0, stddev=1.0, dtype=None, seed=None: (
        _rng(seed).normal(mean, stddev, shape).astype(dtype or "float32")
    ),
    "randint": lambda shape, minval, maxval, dtype="int32", seed=None: (
        _rng(seed).integers(minval, maxval, shape).astype(dtype)
    ),
    "SeedGenerator": SeedGenerator,
}


def standardize_dtype(dtype):
    if dtype is None:
        return nn.config.floatx()
    if dtype is float:
        return nn.config.floatx()
    if dtype is int:
        return "int32"
    if dtype is bool:
        return "bool"
    return np.dtype(dtype).name


@contextlib.contextmanager
def device(name):
    yield


BACKEND = {
    "backend": lambda: "jax",
    "Variable": Variable,
    "KerasTensor": Missing("KerasTensor"),
    "convert_to_tensor": convert_to_tensor,
    "convert_to_numpy": lambda x: np.asarray(_np(x)),
    "standardize_dtype": standardize_dtype,
    "floatx": nn.config.floatx,
    "set_floatx": nn.config.set_floatx,
    "epsilon": nn.config.epsilon,
    "image_data_format": lambda: "channels_last",
    "set_image_data_format": Missing("image data format"),
    "SUPPORTS_SPARSE_TENSORS": False,
    "SUPPORTS_RAGGED_TENSORS": False,
    "SUPPORTS_COMPLEX_DTYPES": False,
    "is_tensor": lambda x: isinstance(x, np.ndarray),
    "is_float_dtype": lambda d: np.dtype(d).kind == "f",
    "shape": lambda x: x.shape,
    "device": device,
    "compute_output_spec": Missing("symbolic: compute_output_spec"),
    "set_keras_mask": Missing("masking: set_keras_mask"),
    "get_keras_mask": Missing("masking: get_keras_mask"),
    "AutocastScope": Missing("AutocastScope"),
    "in_symbolic_scope": lambda: False,
    "result_type": lambda *a: np.result_type(*a).name,
    "cast": lambda x, d: np.asarray(x).astype(d),
}
