"""Data to test with, and the names under which Keras's tests find the rest."""

import numpy as np

from service.nn.engine import samples as nn_samples
from tests.oracles.keras_own.cases import TestCase
from tests.oracles.keras_own.missing import Missing


def named_product(*args, **kwargs):
    """The cartesian product of parameters, with names for the cases."""

    def text(value):
        return value.__name__.lower() if hasattr(value, "__name__") else str(value).lower()

    dicts = args + tuple(tuple({"testcase_name": text(v), key: v} for v in values) for key, values in kwargs.items())
    tests = [{}]
    for choices in dicts:
        new = []
        for choice in choices:
            for test in tests:
                name = test.get("testcase_name", "")
                new.append({**test, **choice, "testcase_name": (name + "_" if name else "") + choice["testcase_name"]})
        tests = new
    return tests


def get_test_data(train_samples, test_samples, input_shape, num_classes, random_seed=None):
    rng = np.random.RandomState(random_seed)
    total = train_samples + test_samples
    samples_per_class = total // num_classes
    y = np.array([i for i in range(num_classes) for _ in range(samples_per_class)], dtype=np.int32)
    y = np.concatenate([y, np.zeros(total - len(y), np.int32)])
    means = [rng.random(input_shape) * 10 for _ in range(num_classes)]
    x = np.array([means[c] + rng.normal(0, 1, input_shape) for c in y], dtype="float32")
    order = rng.permutation(total)
    x, y = x[order], y[order]
    return (x[:train_samples], y[:train_samples]), (x[train_samples:], y[train_samples:])


class _TestUtils:
    get_test_data = staticmethod(get_test_data)
    named_product = staticmethod(named_product)


class _TestCaseModule:
    TestCase = TestCase


TESTING = {
    "TestCase": TestCase,
    "test_utils": _TestUtils,
    "test_case": _TestCaseModule,
    "named_product": named_product,
    "tensorflow_uses_gpu": lambda: False,
    "torch_uses_gpu": lambda: False,
    "jax_uses_gpu": lambda: False,
    "uses_gpu": lambda: False,
    "uses_tpu": lambda: False,
    "assert_allclose": np.testing.assert_allclose,
    "get_test_data": get_test_data,
}


class _Policy:
    name = "float32"


class _PolicyModule:
    dtype_policy = staticmethod(lambda: _Policy())
    set_dtype_policy = staticmethod(lambda policy: None)


POLICIES = {"dtype_policy": _PolicyModule, "get": Missing("dtype_policies.get")}
IO = dict.fromkeys(
    ("disable_interactive_logging", "enable_interactive_logging", "print_msg", "is_interactive_logging_enabled"),
    lambda *a, **k: None,
)


def class_weight_to_sample_weights(y, class_weight):
    y = np.asarray(y)
    return nn_samples.class_weights(y if y.ndim > 1 else y[:, None], class_weight)


DATA_UTILS = {"class_weight_to_sample_weights": class_weight_to_sample_weights}
