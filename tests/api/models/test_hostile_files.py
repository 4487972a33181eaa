"""Files that mean harm or are merely broken: a clear no in every case, never a 500, and nothing stored."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
import pytest

from tests.support.serving import Service

FOLDER = Path(__file__).parents[2] / "unit/exchange/keras/files"
ARCHIVE, WHOLE = (FOLDER / "dense.keras").read_bytes(), (FOLDER / "dense.h5").read_bytes()
FLIPPED = 40


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service to which nothing may be added."""
    with Service(tmp_path_factory.mktemp("empty"), max_parameters=10_000, max_body_bytes=4_000_000) as made:
        yield made


def posted(service: Service, content: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/octet-stream"}
    return service.client.post("/v1/models:import?model=hostile", content=content, headers=headers)


def assert_refused(service: Service, content: bytes) -> dict[str, Any]:
    answer = posted(service, content)
    problem: dict[str, Any] = answer.json()
    assert answer.status_code in (400, 413, 422), problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert service.rows()["versions"] == 0
    return problem


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_config(change: Callable[[dict[str, Any]], Any]) -> bytes:
    parts = members()
    config = json.loads(parts["config.json"])
    change(config)
    return zipped({**parts, "config.json": json.dumps(config).encode()})


def with_weights(change: Callable[[h5py.File], Any]) -> bytes:
    parts = members()
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        change(file)
    return zipped({**parts, "model.weights.h5": content.getvalue()})


def with_whole(change: Callable[[h5py.File], Any]) -> bytes:
    content = io.BytesIO(WHOLE)
    with h5py.File(content, "r+") as file:
        change(file)
    return content.getvalue()


def replaced(make: Callable[[h5py.Group, str], Any]) -> bytes:
    """An archive in which the first kernel is something else."""

    def change(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        del group["0"]
        make(group, "0")

    return with_weights(change)


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((6, 5), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (6, 5))
    group.create_virtual_dataset(name, layout)


def names_of(name: str, value: Any) -> Callable[[h5py.File], Any]:
    return lambda file: file["model_weights"].attrs.create(name, value)


def layer(number: int, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda config: config["config"]["layers"][number].update(changes)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "random bytes": lambda: random.Random(1).randbytes(10_000),
    "random bytes in a zip's name": lambda: b"PK\x03\x04" + random.Random(2).randbytes(10_000),
    "random bytes in HDF5's name": lambda: b"\x89HDF\r\n\x1a\n" + random.Random(3).randbytes(10_000),
    "an empty zip": lambda: zipped({}),
    "a zip of other things": lambda: zipped({"word/document.xml": b"<w/>"}),
    "no weights": lambda: zipped({"config.json": members()["config.json"]}),
    "a bomb": lambda: zipped({**members(), "config.json": b" " * 3_000_000}, zipfile.ZIP_DEFLATED),
    "a larger bomb": lambda: zipped({**members(), "model.weights.h5": bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
    "another compression": lambda: zipped(members(), zipfile.ZIP_LZMA),
    "no JSON": lambda: zipped({**members(), "config.json": b"\xff\xfe"}),
    "a list": lambda: zipped({**members(), "config.json": b"[]"}),
    "deep JSON": lambda: zipped({**members(), "config.json": b'{"config":' * 5000 + b"1" + b"}" * 5000}),
    "metadata that is a list": lambda: zipped({**members(), "metadata.json": b"[1]"}),
    "no layers": lambda: with_config(lambda config: config["config"].pop("layers")),
    "layers of no kind": lambda: with_config(lambda config: config["config"].update(layers=[1, None, "Dense"])),
    "another network": lambda: with_config(lambda config: config.update(class_name="Functional")),
    "a Lambda": lambda: with_config(layer(1, class_name="Lambda", config={"function": "os.system"})),
    "a custom class": lambda: with_config(layer(1, module="os", class_name="Dense")),
    "a registered class": lambda: with_config(layer(1, registered_name="mine>Dense")),
    "half precision": lambda: with_config(layer(1, config={"units": 5, "dtype": "mixed_float16"})),
    "other units": lambda: with_config(layer(1, config={"units": 4})),
    "too many units": lambda: with_config(layer(1, config={"units": 10**9})),
    "too many parameters": lambda: with_config(layer(1, config={"units": 10**4})),
    "another layer": lambda: with_config(layer(2, class_name="BatchNormalization", config={})),
    "a soft link": lambda: replaced(lambda group, name: group.__setitem__(name, h5py.SoftLink("/layers/dense/vars/1"))),
    "an external link": lambda: replaced(
        lambda group, name: group.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x"))
    ),
    "an external group": lambda: with_weights(
        lambda file: (file.pop("layers"), file.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/x")))
    ),
    "a virtual dataset": lambda: replaced(virtual),
    "a dataset in another file": lambda: replaced(
        lambda group, name: group.create_dataset(name, (6, 5), "f4", external=[("/etc/passwd", 0, 120)])
    ),
    "a group for a weight": lambda: replaced(lambda group, name: group.create_group(name)),
    "a text for a weight": lambda: replaced(lambda group, name: group.create_dataset(name, data="text")),
    "an empty weight": lambda: replaced(lambda group, name: group.create_dataset(name, data=h5py.Empty("f4"))),
    "another shape": lambda: replaced(lambda group, name: group.create_dataset(name, data=np.zeros((5, 6)))),
    "a huge dataset": lambda: replaced(lambda group, name: group.create_dataset(name, (10**6, 10**6), "f4")),
    "a huge piece": lambda: replaced(
        lambda group, name: group.create_dataset(name, (6, 5), "f4", maxshape=(None, None), chunks=(10**4, 10**4))
    ),
    "NaN": lambda: replaced(lambda group, name: group.create_dataset(name, data=np.full((6, 5), np.nan))),
    "beyond float32": lambda: replaced(lambda group, name: group.create_dataset(name, data=np.full((6, 5), 1e300))),
    "a circle": lambda: replaced(lambda group, name: group.__setitem__(name, group.file["/"])),
    "a weight too few": lambda: with_weights(lambda file: file["layers/dense/vars"].pop("1")),
    "a weight too many": lambda: with_weights(lambda file: file["layers/dense/vars"].create_dataset("2", data=[1.0])),
    "weights without a network": lambda: members()["model.weights.h5"],
    "a network that is no text": lambda: with_whole(lambda file: file.attrs.create("model_config", [1, 2])),
    "a network that is no JSON": lambda: with_whole(lambda file: file.attrs.create("model_config", "{")),
    "a compilation that is no JSON": lambda: with_whole(lambda file: file.attrs.create("training_config", "{")),
    "names in a table": lambda: with_whole(names_of("layer_names", [[b"dense", b"dense"]])),
    "names that are numbers": lambda: with_whole(names_of("layer_names", [1, 2])),
    "names of nothing": lambda: with_whole(names_of("layer_names", [b"nothing"])),
    "the same name a hundred thousand times": lambda: with_whole(
        lambda file: file["model_weights/dense"].attrs.create("weight_names", np.array([b"../" * 10] * 1000))
    ),
    "HDF5 behind other bytes": lambda: bytes(512) + WHOLE,
    "a zip behind other bytes": lambda: bytes(512) + ARCHIVE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(empty: Service, name: str) -> None:
    assert_refused(empty, HOSTILE[name]())


@pytest.mark.parametrize("content", [ARCHIVE, WHOLE], ids=["keras", "h5"])
def test_a_file_that_ends_too_early_is_refused(empty: Service, content: bytes) -> None:
    for length in range(1024, len(content), 1024):
        assert_refused(empty, content[:length])


@pytest.mark.parametrize("content", [ARCHIVE, WHOLE], ids=["keras", "h5"])
def test_a_file_with_changed_bytes_is_never_our_fault(service: Service, content: bytes) -> None:
    dice = random.Random(4)
    for _ in range(FLIPPED):
        damaged = bytearray(content)
        for _ in range(dice.choice([1, 8, 64])):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        assert posted(service, bytes(damaged)).status_code in (201, 400, 413, 422)


def test_a_mistake_names_its_place_and_never_the_data(empty: Service) -> None:
    problem = assert_refused(empty, HOSTILE["NaN"]())
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/weights/0", "not_finite")]
    problem = assert_refused(empty, HOSTILE["a Lambda"]())
    assert problem["errors"][0]["pointer"] == "#/spec/config/layers/1/class_name"
    assert "os.system" not in json.dumps(problem)
    problem = assert_refused(empty, HOSTILE["an external link"]())
    assert "external link" in problem["detail"]
