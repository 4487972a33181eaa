"""Optimizers, layers and models with the verbs that Keras's tests use beside their public ones."""

import numpy as np

from service import nn
from service.nn.metrics.confusion import ConfusionMetric
from service.nn.optimizers.clipping import clip
from service.nn.optimizers.optimizer import Optimizer as NNOptimizer
from service.nn.variable import Parameters
from tests.oracles.keras_own.arrays import BACKEND, Variable, _np
from tests.oracles.keras_own.missing import Absent, Missing


def _wrap_builds():
    """Every class with its own `build` takes a list of variables, too."""

    def subclasses(c):
        yield c
        for s in c.__subclasses__():
            yield from subclasses(s)

    for cls in set(subclasses(NNOptimizer)):
        if "build" in vars(cls):

            def build(self, what, _original=vars(cls)["build"]):
                if not isinstance(what, Parameters):
                    self._shim_vars = list(what)
                    dtype = self._shim_vars[0].value.dtype if self._shim_vars else "float32"
                    what = Parameters(self._shim_vars, dtype)
                    return type(self).build(self, what)
                return _original(self, what)

            cls.build = build


_wrap_builds()


def _apply(self, grads, trainable_variables=None):
    if trainable_variables is not None:
        trainable_variables = list(trainable_variables)
        if self.parameters is None or [id(v) for v in getattr(self, "_shim_vars", [])] != [
            id(v) for v in trainable_variables
        ]:
            if self.parameters is not None:
                raise Absent("optimizer: apply() to other variables than those built for")
            self.build(trainable_variables)
    for variable, gradient in zip(self._shim_vars, grads, strict=True):
        if gradient is None:
            raise Absent("optimizer: None gradients")
        variable.gradient[...] = np.asarray(_np(gradient))
    self.step()


def _apply_gradients(self, pairs):
    pairs = list(pairs)
    _apply(self, [g for g, _ in pairs], [v for _, v in pairs])


def _clip_gradients(self, grads):
    self.build([Variable(np.asarray(_np(g))) for g in grads])
    for variable, gradient in zip(self._shim_vars, grads, strict=True):
        variable.gradient[...] = np.asarray(_np(gradient))
    clip(self.parameters, clipvalue=self.clipvalue, clipnorm=self.clipnorm, global_clipnorm=self.global_clipnorm)
    return [variable.gradient for variable in self._shim_vars]


NNOptimizer._clip_gradients = _clip_gradients
NNOptimizer.apply = _apply
NNOptimizer.apply_gradients = _apply_gradients


# ---------------------------------------------------------------- layers and models get Keras's words
def _layer_losses(self):
    return [v.regularizer(v.value) for v in self.weights if v.regularizer is not None] + (
        [0.0] if self.penalty is not None else []
    )


SHIMMED_LAYER = {
    "losses": property(_layer_losses),
    "trainable_variables": property(lambda self: self.trainable_weights),
    "non_trainable_variables": property(lambda self: self.non_trainable_weights),
    "variables": property(lambda self: self.weights),
}
for _name, _value in SHIMMED_LAYER.items():
    if not hasattr(nn.layers.Layer, _name):
        setattr(nn.layers.Layer, _name, _value)
_layer_call = nn.layers.Layer.__call__


def _call(self, x, training=False, mask=None):
    if isinstance(x, (Missing,)):
        raise Absent("symbolic: KerasTensor call")
    if mask is not None:
        raise Absent("masking: mask argument")
    if isinstance(x, nn.layers.InputLayer):
        raise Absent("functional API")
    return _layer_call(self, _np(x), training=bool(training))


nn.layers.Layer.__call__ = _call


class ModelShim:
    """Functional and subclassed models are absent."""

    def __init__(self, *args, **kwargs):
        raise Absent("functional or subclassed Model")


class TrainerShim:
    """`class ExampleModel(Trainer, layers.Dense)`: a Sequential of the one layer that the object is."""

    def __init__(self):
        self.__dict__["_sequential"] = nn.Sequential([self])

    def _inner(self):
        return self.__dict__["_sequential"]

    def __getattr__(self, name):
        if name.startswith("__") or "_sequential" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.__dict__["_sequential"], name)


for _verb in ("compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"):

    def _delegate(self, *args, _verb=_verb, **kwargs):
        def plain(x):
            return _np(x)

        return getattr(self._inner(), _verb)(*[plain(a) for a in args], **kwargs)

    setattr(TrainerShim, _verb, _delegate)
for _prop in ("metrics", "optimizer", "loss", "stop_training", "metrics_names"):
    setattr(TrainerShim, _prop, property(lambda self, p=_prop: getattr(self._inner(), p)))
BACKEND["JAXTrainer"] = TrainerShim


for _cls, _name, _value in (
    (nn.layers.Dense, "bias", None),
    (nn.layers.RMSNormalization, "scale", property(lambda self: self.gamma)),
):
    if not hasattr(_cls, _name):
        setattr(_cls, _name, _value)
for _name, _own in (
    ("true_positives", "tp"),
    ("false_positives", "fp"),
    ("true_negatives", "tn"),
    ("false_negatives", "fn"),
):
    setattr(ConfusionMetric, _name, property(lambda self, o=_own: getattr(self, o)))
_embedding_build = nn.layers.Embedding.build
nn.layers.Embedding.build = lambda self, input_shape=None: _embedding_build(self, input_shape)


def _larger(self):
    from service.nn.callbacks.callback import wants_larger

    return wants_larger(self)


nn.callbacks.EarlyStopping.larger = property(_larger)
