"""Triton's own client for Python makes every call of the protocol, and reads every answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.examples import SMALL
from tests.e2e.server import Server

TABLE = {
    "model": "fruit",
    "spec": {"layers": [{"class_name": "Dense", "units": "auto", "activation": "softmax"}]},
    "compile": {"optimizer": {"class_name": "Adam", "learning_rate": 0.1}, "loss": "sparse_categorical_crossentropy"},
    "fit": {"epochs": 60, "seed": 7},
}
CSV = """weight,skin,ripe,fruit
120,smooth,true,apple
131,smooth,false,apple
118,,true,apple
140,smooth,true,apple
150,rough,false,orange
158,rough,true,orange
149,rough,false,orange
161,rough,true,orange"""

SCRIPT = Path(__file__).with_name("triton_calls.py")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the client got from a server with a trained model, in a process of its own: it brings gevent along."""
    server = Server(tmp_path_factory.mktemp("triton"))
    server.start()
    try:
        trained = httpx.post(
            f"{server.url}/v1/training-jobs", json=SMALL, headers={"Prefer": "wait=60"}, timeout=90
        ).json()
        assert trained["status"] == "succeeded"
        uploaded = httpx.post(f"{server.url}/v1/datasets", content=CSV, headers={"Content-Type": "text/csv"}).json()
        asked = TABLE | {"data": {"dataset": uploaded["id"], "target": "fruit"}}
        of_table = httpx.post(f"{server.url}/v1/training-jobs", json=asked, headers={"Prefer": "wait=60"}, timeout=90)
        assert of_table.json()["status"] == "succeeded"
        httpx.put(f"{server.url}/v1/models/fruit/labels/stable", json={"version": 1}).raise_for_status()
        rows = [{"weight": 155, "skin": "rough", "ripe": True}, {"weight": None, "skin": None, "ripe": False}]
        of_rows = httpx.post(f"{server.url}/v1/models/fruit:predict", json={"instances": rows}).json()
        body = {"instances": SMALL["data"]["x"]}
        predicted = httpx.post(f"{server.url}/v1/models/xor:predict", json=body).json()["predictions"]
        done = subprocess.run(
            [sys.executable, str(SCRIPT), f"127.0.0.1:{server.port}"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout) | {"expected": predicted, "of_rows": of_rows}
    finally:
        server.stop()


def test_the_server_and_the_model_are_live_and_ready(said: dict[str, Any]) -> None:
    assert said["health"] == {"live": True, "ready": True, "model": True, "version": True, "none": False}


def test_metadata_configuration_statistics_and_index_are_read(said: dict[str, Any]) -> None:
    assert said["server"]["name"] == "fitd"
    assert said["metadata"]["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
    assert said["config"]["name"] == "xor"
    ready = {"version": "1", "state": "READY", "reason": ""}
    assert said["index"] == [{"name": name, **ready} for name in ("fruit", "xor")]
    assert said["statistics"]["model_stats"][0]["inference_count"] > 0
    assert said["statistics"]["model_stats"][0] in said["all_statistics"]["model_stats"]


def test_every_form_of_an_inference_gives_the_same_numbers(said: dict[str, Any]) -> None:
    assert len(said["inferences"]) == 2 * 2 * 3 * 3 + 3
    for name, outputs in said["inferences"].items():
        assert outputs == pytest.approx([row[0] for row in said["expected"]], rel=1e-6), name


def test_classes_are_read_as_strings(said: dict[str, Any]) -> None:
    for strings in said["classes"]:
        assert [text.split(":")[2] for text in strings] == SMALL["data"]["y"]


def test_columns_of_a_table_are_tensors_in_every_form(said: dict[str, Any]) -> None:
    assert [(one["name"], one["datatype"]) for one in said["columns_metadata"]["inputs"]] == [
        ("weight", "FP64"),
        ("skin", "BYTES"),
        ("ripe", "BOOL"),
    ]
    assert len(said["columns"]) == 4
    for name, texts in said["columns"].items():
        assert [text.split(":")[2] for text in texts] == said["of_rows"]["predicted_classes"], name
        best = [max(row) for row in said["of_rows"]["predictions"]]
        assert [float(text.split(":")[0]) for text in texts] == pytest.approx(best, rel=1e-6), name


def test_errors_are_read_as_sentences(said: dict[str, Any]) -> None:
    assert "There is no model 'none'" in said["errors"]["unknown model"]
    assert "Expected the shape [rows, 2]" in said["errors"]["wrong shape"]
    assert "received BYTES" in said["errors"]["bytes"]
    assert "cannot be unloaded" in said["errors"]["unload"]
