"""The default number type of new models, as in `keras.config`."""

from typing import Literal

_floatx: Literal["float32", "float64"] = "float32"


def floatx() -> Literal["float32", "float64"]:
    """The number type that new models compute in."""
    return _floatx


def set_floatx(value: Literal["float32", "float64"]) -> None:
    """Lets models built from now on compute in `value`."""
    global _floatx  # noqa: PLW0603 (Keras's own global)
    if value not in ("float32", "float64"):
        raise ValueError(f"floatx must be 'float32' or 'float64'; received {value!r}.")
    _floatx = value


def epsilon() -> float:
    """The small number that keeps logarithms and quotients finite."""
    return 1e-7
