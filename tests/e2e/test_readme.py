"""The sessions of the tutorials run as they are printed, and the example learns to read."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.server import Server

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
SESSION = "".join((TUTORIALS / name).read_text(encoding="utf-8") for name in ("first-model.md", "from-a-csv.md"))
ADDRESS = "http://127.0.0.1:8000"


def test_every_command_of_the_tutorials_does_what_the_text_around_it_says(server: Server, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", SESSION, flags=re.DOTALL)
    answers: list[dict[str, Any]] = []
    for block in blocks:
        script = block.replace(ADDRESS, server.url).replace("/JOB", f"/{answers[0]['id']}" if answers else "")
        bash = ["bash", "-euo", "pipefail", "-c", script]
        run = subprocess.run(bash, check=True, capture_output=True, text=True, cwd=tmp_path)
        if "/events" in script:
            assert run.stdout.count("event: epoch") == 100
            assert "event: done" in run.stdout
            continue
        decoder, text = json.JSONDecoder(), run.stdout
        while text.strip():
            answer, end = decoder.raw_decode(text.lstrip())
            answers.append(answer)
            text = text.lstrip()[end:]
    job, predictions, jobs, version, evaluation, imported, continued, problem, *others = answers
    cancelled, dataset, fruit, stored, fruits, predicted = others
    assert job["status"] == "succeeded"
    assert predictions["predictions"][0][0] > 0.9
    assert predictions["predictions"][1][0] < 0.1
    assert [item["id"] for item in jobs["items"]] == [job["id"]]
    assert [layer["params"] for layer in version["summary"]] == [24, 9]
    assert evaluation["metrics"]["accuracy"] == 1.0
    assert (imported["model"], imported["sha256"]) == ("copy", version["sha256"])
    assert (continued["model"], continued["version"]) == ("copy", 2)
    assert continued["from"] == {"model": "copy", "version": 1, "optimizer": True}
    assert continued["metrics"]["loss"] < job["metrics"]["loss"]
    assert problem["status"] == 422
    assert cancelled == job
    assert [column["missing"] for column in dataset["columns"]] == [0, 20, 0]
    assert fruit["status"] == "succeeded"
    assert fruit["score"]["metric"] == "log_loss"
    assert 0.3 < fruit["score"]["skill"] <= 1
    assert stored["score"] == fruit["score"]
    assert fruits["predicted_classes"] == ["orange", "apple"]
    assert [row[0]["name"] for row in fruits["top_k"]] == ["orange", "apple"]
    with (tmp_path / "predictions.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 200
    assert table[0].keys() == {"weight", "predicted_fruit", "probability_apple", "probability_orange"}
    assert (predicted["status"], predicted["progress"]["rows_done"]) == ("succeeded", 200)
    assert {error["pointer"] for error in problem["errors"]} >= {"#/compile/optimizer"}


def test_the_first_session_of_the_readme_trains_and_predicts_penguins(server: Server, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## The first session")[1].split("\n## ")[0]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    answers: list[dict[str, Any]] = []
    for block in re.findall(r"```sh\n(.*?)```", readme, flags=re.DOTALL):
        bash = ["bash", "-euo", "pipefail", "-c", block.replace(ADDRESS, server.url)]
        text = subprocess.run(bash, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
        while text.strip():
            answer, end = json.JSONDecoder().raw_decode(text.lstrip())
            answers.append(answer)
            text = text.lstrip()[end:]
    dataset, job, prediction = answers
    assert dataset["rows"] == 344
    assert job["status"] == "succeeded"
    assert job["score"]["skill"] > 0.9
    assert prediction["top_k"][0][0]["name"] == "Chinstrap"
    with (tmp_path / "predictions.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 344
    assert {"year", "predicted_species"} <= table[0].keys()
    assert (tmp_path / "penguins.zip").read_bytes().startswith(b"PK")


def test_the_example_tells_in_a_line_that_no_service_answers() -> None:
    command = [sys.executable, str(ROOT / "examples" / "digits.py"), "http://127.0.0.1:9"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr.startswith("Expected a Fitd that answers, such as http://127.0.0.1:8000 (make run): ")
    assert run.stderr.count("\n") == 1


def test_a_model_predicts_the_same_after_a_restart(server: Server) -> None:
    request = {
        "model": "sum",
        "spec": {"layers": [{"class_name": "Dense", "units": 1, "input_dim": 2}]},
        "compile": {"optimizer": "sgd", "loss": "mse"},
        "fit": {"epochs": 5, "seed": 1},
        "data": {"x": [[0, 1], [1, 2], [3, 1]], "y": [1, 3, 4]},
    }
    instances = {"instances": [[1, 1], [2, 5]]}

    def everything() -> list[object]:
        paths = [
            f"/v1/training-jobs/{job['id']}",
            f"/v1/training-jobs/{job['id']}/history",
            "/v1/models/sum/versions/1",
        ]
        with httpx.Client(base_url=server.url) as client:
            answers = [client.get(path).raise_for_status().json() for path in paths]
            return [*answers, client.post("/v1/models/sum:predict", json=instances).raise_for_status().json()]

    job = httpx.post(f"{server.url}/v1/training-jobs", json=request, headers={"Prefer": "wait=30"}).json()
    assert job["status"] == "succeeded"
    before = everything()
    server.restart()
    assert everything() == before


def test_two_jobs_at_once_are_both_trained(server: Server) -> None:
    def request(model: str) -> dict[str, object]:
        return {
            "model": model,
            "spec": {"layers": [{"class_name": "Dense", "units": 4}, {"class_name": "Dense", "units": 1}]},
            "compile": {"optimizer": "adam", "loss": "mse"},
            "fit": {"epochs": 200},
            "data": {"x": [[float(i)] for i in range(200)], "y": [float(i) for i in range(200)]},
        }

    with httpx.Client(base_url=server.url, timeout=60) as client:
        first = client.post("/v1/training-jobs", json=request("first"))
        second = client.post("/v1/training-jobs", json=request("second"), headers={"Prefer": "wait=60"})
        assert first.status_code == 202
        assert first.headers["Location"] == f"/v1/training-jobs/{first.json()['id']}"
        assert second.json()["status"] == "succeeded"
        for name in ("first", "second"):
            answer = client.post(f"/v1/models/{name}:predict", json={"instances": [[1.0]]})
            if name == "second":
                assert answer.status_code == 200


def test_the_example_reads_at_least_95_of_100_unseen_digits(server: Server) -> None:
    command = [sys.executable, str(ROOT / "examples" / "digits.py"), server.url]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = re.search(r"([\d.]+)% of 359 unseen digits are right", run.stdout)
    assert found is not None
    assert float(found[1]) >= 95
    assert "read as" in run.stdout
