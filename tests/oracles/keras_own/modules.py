"""Keras's module tree (`keras`, `keras.src.*`) made of `service.nn` and NumPy, so that Keras's own tests can run on it.

`install()` puts a finder on sys.meta_path. Names that service.nn has are service.nn's own; what is missing becomes a
`Missing`, which raises `Absent` when it is used (so that a module of tests can still be imported).
"""

import importlib.abc
import importlib.machinery
import sys
import types

from service import nn
from tests.oracles.keras_own import arrays, cases, data, parts
from tests.oracles.keras_own.missing import SOFT_MISSING, Missing


def table(module, extra=None):
    names = {name: getattr(module, name) for name in module.__all__}
    names.update(extra or {})
    return names


SCHEDULES = table(nn.optimizers.schedules)
LAYERS = table(nn.layers)
LOSSES = table(nn.losses)
METRICS = table(nn.metrics)
OPTIMIZERS = table(nn.optimizers)
INITIALIZERS = table(nn.initializers, {"compute_fans": lambda s: tuple(int(n) for n in nn.initializers.fans(tuple(s)))})
REGULARIZERS = table(nn.regularizers)
CONSTRAINTS = table(nn.constraints)
ACTIVATIONS = table(nn.activations)
CALLBACKS = table(nn.callbacks)
MODELS = table(nn.models, {"Model": parts.ModelShim})
TOP = {"Sequential": nn.Sequential, "Input": nn.Input, "Model": parts.ModelShim}

# longest prefix wins
PREFIXES = {
    "keras": TOP,
    "keras.src": TOP,
    "keras.layers": LAYERS,
    "keras.src.layers": LAYERS,
    "keras.losses": LOSSES,
    "keras.src.losses": LOSSES,
    "keras.metrics": METRICS,
    "keras.src.metrics": METRICS,
    "keras.optimizers": OPTIMIZERS,
    "keras.src.optimizers": OPTIMIZERS,
    "keras.optimizers.schedules": SCHEDULES,
    "keras.src.optimizers.schedules": SCHEDULES,
    "keras.initializers": INITIALIZERS,
    "keras.src.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.src.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras.src.constraints": CONSTRAINTS,
    "keras.activations": ACTIVATIONS,
    "keras.src.activations": ACTIVATIONS,
    "keras.callbacks": CALLBACKS,
    "keras.src.callbacks": CALLBACKS,
    "keras.models": MODELS,
    "keras.src.models": MODELS,
    "keras.src.ops": arrays.OPS,
    "keras.ops": arrays.OPS,
    "keras.src.backend": arrays.BACKEND,
    "keras.backend": arrays.BACKEND,
    "keras.config": table(nn.config) if hasattr(nn.config, "__all__") else arrays.BACKEND,
    "keras.src.random": arrays.RANDOM,
    "keras.random": arrays.RANDOM,
    "keras.src.backend.random": arrays.RANDOM,
    "keras.src.backend.numpy": arrays.OPS,
    "keras.src.testing": data.TESTING,
    "keras.src.tree": cases.TREE,
    "keras.src.utils": cases.UTILS,
    "keras.utils": cases.UTILS,
    "keras.src.utils.numerical_utils": cases.NUMERICAL,
    "keras.src.dtype_policies": data.POLICIES,
    "keras.src.utils.io_utils": data.IO,
    "keras.src.trainers.data_adapters.data_adapter_utils": data.DATA_UTILS,
    "keras.src.saving": cases.SAVING,
    "keras.saving": cases.SAVING,
    "keras.src.trainers": {"Trainer": parts.TrainerShim},
    **{name: {} for name in ("jax", "tensorflow", "torch", "grain", "pandas")},
}
SUBMODULES = {
    "keras": [
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "initializers",
        "regularizers",
        "constraints",
        "activations",
        "callbacks",
        "models",
        "ops",
        "backend",
        "config",
        "random",
        "utils",
        "saving",
        "src",
        "tree",
    ],
    "keras.src": [
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "initializers",
        "regularizers",
        "constraints",
        "activations",
        "callbacks",
        "models",
        "ops",
        "backend",
        "random",
        "utils",
        "saving",
        "tree",
        "testing",
        "trainers",
        "dtype_policies",
        "export",
        "quantizers",
        "distribution",
    ],
    "keras.optimizers": ["schedules"],
    "keras.src.optimizers": ["schedules"],
    "keras.src.backend": ["random", "numpy", "common", "config"],
}


STUBS = ("keras", "jax", "tensorflow", "torch", "grain", "pandas")


class Proxy(types.ModuleType):
    def __init__(self, name):
        super().__init__(name)
        self.__path__ = []
        prefix = name
        while prefix not in PREFIXES:
            if "." not in prefix:
                prefix = None
                break
            prefix = prefix.rpartition(".")[0]
        # `keras.src.X` that nobody knows has no names of keras.src
        self.__dict__["_table"] = {} if prefix in (None, "keras", "keras.src") and name != prefix else PREFIXES[prefix]
        self.__dict__["_subs"] = SUBMODULES.get(name, [])

    def __getattr__(self, name):
        if name in self._table:
            return self._table[name]
        if name in self._subs:
            __import__(f"{self.__name__}.{name}")
            return sys.modules[f"{self.__name__}.{name}"]
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("Array", "Tensor", "Tracer") and self.__name__.partition(".")[0] in ("jax", "torch"):
            return type(name, (), {})
        if name[:1].isupper() or name in SOFT_MISSING or self.__name__.partition(".")[0] != "keras":
            return Missing(f"{self.__name__}.{name}")
        raise AttributeError(f"absent: {self.__name__}.{name}")


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in STUBS:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Proxy(spec.name)

    def exec_module(self, module):
        pass


def install():
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
