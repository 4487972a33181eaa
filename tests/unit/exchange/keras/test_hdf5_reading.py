"""What is read out of an HDF5 file, and what is refused, seen from inside the process that reads."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.exchange.keras.hdf5_reading import Refused, read

FOLDER = Path(__file__).parent / "files"


def content_of(change: Callable[[h5py.File], Any]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        change(file)
    return content.getvalue()


def test_a_whole_model_is_read_layer_by_layer() -> None:
    found = read((FOLDER / "dense.h5").read_bytes(), 1000, None)
    texts = json.loads(found.pop("texts").tobytes())
    assert {name: array.shape for name, array in found.items()} == {
        "0/0": (6, 5), "0/1": (5,), "2/2": (5, 3), "2/3": (3,)
    }  # fmt: skip
    assert texts["keras_version"] == "3.15.1"
    assert json.loads(texts["model_config"])["class_name"] == "Sequential"
    assert json.loads(texts["training_config"])["loss"] == "categorical_crossentropy"


@pytest.mark.parametrize("root", ["layers", "_layer_checkpoint_dependencies"])
def test_the_weights_of_an_archive_are_read_where_early_and_late_files_have_them(root: str) -> None:
    content = content_of(lambda file: file.create_dataset(f"{root}/dense_1/vars/0", data=[1.0, 2.0]))
    found = read(content, 1000, ["dense", "dense_1"])
    np.testing.assert_array_equal(found["1/0"], [1.0, 2.0])
    assert set(found) == {"1/0", "texts"}


REFUSED: list[tuple[str, Callable[[h5py.File], Any]]] = [
    ("link", lambda file: file.__setitem__("layers", h5py.SoftLink("/other"))),
    ("link", lambda file: file.__setitem__("layers/dense", h5py.ExternalLink("other.h5", "/"))),
    ("another file", lambda file: file.create_dataset("layers/dense/vars/0", (2,), "f4", external=[("other", 0, 8)])),
    ("at most 1,000 numbers", lambda file: file.create_dataset("layers/dense/vars/0", (1001,), "f4")),
    ("dataset of numbers", lambda file: file.create_dataset("layers/dense/vars/0", data="text")),
    ("dataset of numbers", lambda file: file.create_group("layers/dense/vars/0")),
    ("dataset of numbers", lambda file: file.create_dataset("layers/dense/vars/7", data=[1.0])),
]


@pytest.mark.parametrize(("reason", "change"), REFUSED)
def test_what_weights_have_no_need_of_is_refused(reason: str, change: Callable[[h5py.File], Any]) -> None:
    with pytest.raises(Refused, match=reason):
        read(content_of(change), 1000, ["dense"])


def named(file: h5py.File, layers: Any) -> None:
    file.create_group("model_weights/dense").attrs["weight_names"] = np.array([b"nothing"])
    file["model_weights"].attrs["layer_names"] = layers


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("group model_weights", lambda file: None),
        ("group for each layer", lambda file: named(file, [b"other"])),
        ("dataset of numbers", lambda file: named(file, [b"dense"])),
        ("list of names", lambda file: named(file, [1])),
        ("list of names", lambda file: named(file, b"dense")),
    ],
)
def test_names_of_nothing_are_refused(reason: str, change: Callable[[h5py.File], Any]) -> None:
    with pytest.raises(Refused, match=reason):
        read(content_of(change), 1000, None)


def test_a_text_that_is_not_utf_8_can_be_written_again() -> None:
    def change(file: h5py.File) -> None:
        file.create_group("model_weights")
        file.attrs["model_config"] = np.bytes_(b"\xff{")

    texts = json.loads(read(content_of(change), 1000, None)["texts"].tobytes())
    assert texts["model_config"].encode("utf-8")


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", (FOLDER / "dense.h5").read_bytes()[:5000]])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        read(content, 1000, None)
