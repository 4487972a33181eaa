"""Versions become files: the same bytes each time, and never of damaged weights."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from service.errors import Damaged, Invalid
from service.exchange.exporting import FORMATS, export
from service.formats.weights import pack
from service.spec import ModelSpec
from service.versions import Version
from tests.support.versions import new_version, published


def stored(**layer: Any) -> tuple[Version, bytes]:
    """A version of one dense layer with these arguments, and another one, and its weights."""
    spec = {"layers": [{"class_name": "Dense", "units": 4} | layer, {"class_name": "Dense", "units": 2}]}
    model = ModelSpec.model_validate(spec).build(4, seed=1)
    weights = pack({weight.path: weight.numpy() for weight in model.weights})
    parts = {"compile": {"loss": "crossentropy", "metrics": ["accuracy"]}, "input": {"shape": [None, 4]}}
    return published(new_version(spec=spec, **parts, output={"classes": ["a", "b"]}, weights=weights)), weights


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_version_gives_the_same_bytes(file_format: str) -> None:
    version, weights = stored()
    file = export(version, weights, file_format)
    assert file == export(version, weights, file_format)
    assert file.file_name.startswith("digits-3.")


@pytest.mark.parametrize("file_format", FORMATS)
def test_damaged_weights_are_no_file(file_format: str) -> None:
    version, weights = stored()
    with pytest.raises(Damaged):
        export(version, weights + b"?", file_format)


def test_an_archive_tells_when_it_was_made_and_what_its_outputs_are_called() -> None:
    with zipfile.ZipFile(io.BytesIO(export(*stored(), "keras").content)) as archive:
        metadata = json.loads(archive.read("metadata.json"))
    assert metadata == {"keras_version": "3.15.1", "date_saved": "2026-01-02@03:04:05", "classes": ["a", "b"]}


@pytest.mark.parametrize(
    "layer", [{"activation": "sparsemax"}, {"activation": "glu"}, {"name": "a/b"}, {"name": "a\0"}]
)
def test_what_keras_would_misunderstand_is_refused_by_name(layer: dict[str, Any]) -> None:
    version, weights = stored(**layer)
    with pytest.raises(
        Invalid, match=r"Keras would not compute what the layer '(dense|a/b|a.x00)' computes"
    ) as refused:
        export(version, weights, "keras")
    assert [(one.pointer, one.code) for one in refused.value.findings] == [("#/spec/layers/0", "not_exportable")]
    for file_format in ("onnx", "python"):
        assert export(version, weights, file_format).content


@pytest.mark.parametrize("name", ["a/b", "a\0"])
def test_a_network_whose_name_keras_refuses_is_no_archive(name: str) -> None:
    version, weights = stored()
    version = replace(version, spec={**version.spec, "name": name})
    with pytest.raises(Invalid, match="name of the network") as refused:
        export(version, weights, "keras")
    assert [(one.pointer, one.code) for one in refused.value.findings] == [("#/spec/name", "not_exportable")]
    assert export(version, weights, "onnx").content
