"""Keras's test case and the small things around it: serialization, trees, data to test with."""

import contextlib
import json
import shutil
import tempfile

import numpy as np
from absl.testing import parameterized

from service import nn
from service.nn import registry as nn_registry
from tests.oracles.keras_own.arrays import _np, standardize_dtype
from tests.oracles.keras_own.missing import Absent, Missing

UTILS = {name: getattr(nn.utils, name) for name in nn.utils.__all__}
NUMERICAL = dict(UTILS)


def map_structure(f, *xs):
    x = xs[0]
    if isinstance(x, dict):
        return {k: map_structure(f, *[y[k] for y in xs]) for k in x}
    if isinstance(x, (list, tuple)):
        return type(x)(map_structure(f, *ys) for ys in zip(*xs))
    return f(*xs)


def flatten(x):
    if isinstance(x, dict):
        return [i for k in sorted(x) for i in flatten(x[k])]
    if isinstance(x, (list, tuple)):
        return [i for y in x for i in flatten(y)]
    return [x]


TREE = {"map_structure": map_structure, "flatten": flatten}


def _json(config):
    def default(o):
        if hasattr(o, "tolist"):
            return o.tolist()
        raise TypeError(f"{o!r} is not JSON")

    return json.dumps(config, sort_keys=True, default=default)


REGISTRIES = [
    nn.layers.REGISTRY,
    nn.losses.REGISTRY,
    nn.metrics.REGISTRY,
    nn.optimizers.REGISTRY,
    nn.initializers.REGISTRY,
    nn.regularizers.REGISTRY,
    nn.constraints.REGISTRY,
    nn.callbacks.REGISTRY,
    nn.optimizers.schedules.REGISTRY,
]


def serialize_keras_object(obj):
    return nn_registry.serialize(obj)


def deserialize_keras_object(config, custom_objects=None):
    for reg in REGISTRIES:
        if config["class_name"] in reg.classes() and config.get("module", "").startswith(
            getattr(reg.classes()[config["class_name"]], "keras_module", "")
        ):
            return reg.get(config)
    raise Absent(f"deserialize {config.get('class_name')}")


SAVING = {
    "serialize_keras_object": serialize_keras_object,
    "deserialize_keras_object": deserialize_keras_object,
    "register_keras_serializable": lambda *a, **k: lambda cls: cls,
    "custom_object_scope": lambda *a, **k: contextlib.nullcontext(),
    "object_registration": Missing("saving.object_registration"),
    "load_model": Missing("saving.load_model"),
    "save_model": Missing("saving.save_model"),
}


class _Wording:
    def __init__(self, case, kind, regex):
        self.case, self.kind, self.regex = case, kind, regex

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            raise AssertionError(f"{getattr(self.kind, '__name__', self.kind)} not raised: {self.regex}")
        if issubclass(kind, Absent):
            return False
        if not issubclass(kind, self.kind):
            return False
        self.exception = error
        return True


class TestCase(parameterized.TestCase):
    maxDiff = None

    def assertRaisesRegex(self, expected_exception, expected_regex, *args, **kwargs):
        """Fitd words its errors in its own way: the kind of error must agree, the text need not ."""
        if args:
            with _Wording(self, expected_exception, expected_regex):
                args[0](*args[1:], **kwargs)
            return None
        return _Wording(self, expected_exception, expected_regex)

    def get_temp_dir(self):
        temp_dir = tempfile.mkdtemp()
        self.addCleanup(lambda: shutil.rmtree(temp_dir, ignore_errors=True))
        return temp_dir

    def assertAllClose(self, x1, x2, atol=1e-6, rtol=1e-6, tpu_atol=None, tpu_rtol=None, msg=None):
        np.testing.assert_allclose(np.asarray(_np(x1)), np.asarray(_np(x2)), atol=atol, rtol=rtol, err_msg=msg or "")

    def assertNotAllClose(self, x1, x2, atol=1e-6, rtol=1e-6, msg=None):
        try:
            self.assertAllClose(x1, x2, atol=atol, rtol=rtol)
        except AssertionError:
            return
        raise AssertionError("close at all elements")

    def assertAlmostEqual(self, x1, x2, decimal=3, tpu_decimal=None, msg=None):
        np.testing.assert_almost_equal(np.asarray(_np(x1)), np.asarray(_np(x2)), decimal=decimal, err_msg=msg or "")

    def assertAllEqual(self, x1, x2, msg=None):
        np.testing.assert_array_equal(np.asarray(_np(x1)), np.asarray(_np(x2)), err_msg=msg or "")

    def assertLen(self, iterable, expected_len, msg=None):
        self.assertEqual(len(iterable), expected_len, msg=msg)

    def assertSparse(self, *a, **k):
        raise Absent("sparse")

    def assertRagged(self, *a, **k):
        raise Absent("ragged")

    def assertDType(self, x, dtype, msg=None):
        self.assertEqual(standardize_dtype(getattr(x, "dtype", type(x))), standardize_dtype(dtype), msg=msg)

    def assertFileExists(self, path):
        import pathlib

        assert pathlib.Path(path).is_file()

    def run_class_serialization_test(self, instance, custom_objects=None):
        cls = type(instance)
        config = instance.get_config()
        revived = cls.from_config(config)
        self.assertEqual(_json(config), _json(revived.get_config()))
        if isinstance(instance, nn.Sequential):
            return nn.models.model_from_json(instance.to_json())
        serialized = serialize_keras_object(instance)
        again = deserialize_keras_object(json.loads(_json(serialized)))
        self.assertEqual(_json(json.loads(_json(config))), _json(again.get_config()))
        return again

    def run_layer_test(
        self,
        layer_cls,
        init_kwargs,
        input_shape=None,
        input_dtype=None,
        input_sparse=False,
        input_ragged=False,
        input_data=None,
        call_kwargs=None,
        expected_output_shape=None,
        expected_output_dtype=None,
        expected_output_sparse=False,
        expected_output_ragged=False,
        expected_output=None,
        expected_num_trainable_weights=None,
        expected_num_non_trainable_weights=None,
        expected_num_non_trainable_variables=None,
        expected_num_seed_generators=None,
        expected_num_losses=None,
        supports_masking=None,
        expected_mask_shape=None,
        custom_objects=None,
        run_training_check=True,
        run_mixed_precision_check=True,
        assert_built_after_instantiation=False,
        tpu_atol=None,
        tpu_rtol=None,
    ):
        """Config round trip, build, call, output shape and values, numbers of weights, one training step."""
        if input_sparse or input_ragged or expected_output_sparse or expected_output_ragged:
            raise Absent("sparse or ragged tensors")
        call_kwargs = call_kwargs or {}
        init_kwargs = dict(init_kwargs or {})
        import inspect

        known = inspect.signature(layer_cls).parameters
        for key in [key for key in init_kwargs if key not in known]:
            if init_kwargs[key]:
                raise Absent(f"argument {layer_cls.__name__}({key})")
            del init_kwargs[key]
        self.run_class_serialization_test(layer_cls(**init_kwargs))
        if input_shape is None and input_data is None:
            return
        rng = np.random.default_rng(0)
        if input_data is None:
            if input_shape and isinstance(input_shape[0], (tuple, list)):
                raise Absent("several inputs")
            dtype = np.dtype(input_dtype or "float32")
            input_data = (4 * rng.standard_normal(input_shape)).astype(dtype)
            if dtype.kind in "iu":
                input_data = np.abs(input_data)
        input_data = np.asarray(_np(input_data))
        layer = layer_cls(**init_kwargs)
        layer.build(tuple(input_shape or input_data.shape))
        assert layer.built
        layer = layer_cls(**init_kwargs)
        output = layer(input_data, **call_kwargs)
        if expected_num_trainable_weights is not None:
            self.assertLen(layer.trainable_weights, expected_num_trainable_weights, "trainable weights")
        if expected_num_non_trainable_weights is not None:
            self.assertLen(layer.non_trainable_weights, expected_num_non_trainable_weights, "non trainable weights")
        if expected_num_losses is not None:
            self.assertLen(layer.losses, expected_num_losses, "losses")
        if expected_output_shape is not None:
            self.assertEqual(
                tuple(output.shape),
                tuple(o if e is not None else None or o for e, o in zip(expected_output_shape, output.shape)),
            )
            for e, o in zip(expected_output_shape, output.shape, strict=True):
                assert e is None or e == o, f"Expected output shape {expected_output_shape}, received {output.shape}"
            computed = layer.compute_output_shape((None, *input_data.shape[1:]))
            for e, o in zip(output.shape[1:], computed[1:], strict=True):
                assert o is None or e == o, f"compute_output_shape says {computed}, output is {output.shape}"
        if expected_output_dtype is not None:
            self.assertEqual(standardize_dtype(output.dtype), expected_output_dtype, "output dtype")
        if expected_output is not None:
            self.assertAllClose(np.asarray(expected_output), output, msg="Unexpected output value")
        if run_training_check and not call_kwargs:
            layer = layer_cls(**init_kwargs)
            model = nn.Sequential([nn.Input(input_data.shape[1:]), layer, nn.layers.Flatten(), nn.layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(input_data, np.zeros((len(input_data), 1)), verbose=0)
            wanted = model.predict(input_data)
            assert wanted.shape == (len(input_data), 1)
