"""Trainings on tables over HTTP: what may be asked of columns, and what becomes of it."""

from typing import Any

import pytest

from tests.support.penguins import SPECIES, csv_of, penguins, request, trained, upload
from tests.support.serving import Service, assert_problem


def test_a_table_trains_a_network_that_answers_in_its_words(service: Service) -> None:
    job = trained(service)
    version = service.client.get(job["links"]["version"]).json()
    assert version["metrics"]["test_accuracy"] > 0.9
    assert version["output"].pop("conformity")["part"] == "validation"
    assert version["output"] == {"classes": list(SPECIES), "shape": [None, 3], "targets": ["species"]}
    assert [feature["name"] for feature in version["input"]["features"]] == ["island", "bill", "mass", "female", "seen"]
    assert version["data"]["left_out"] == ["name", "nothing", "planet"]
    parts = version["data"]["parts"]
    assert sum(part["rows"] for part in parts.values()) == 240
    assert set(parts["test"]["classes"]) == set(SPECIES)
    assert {warning["code"] for warning in job["warnings"]} == {"unique_column", "empty_column", "constant_column"}

    rows: list[dict[str, Any]] = [
        {"mass": 3600, "bill": 38.2, "island": "Torgersen", "female": True, "seen": "2024-03-01"},
        {"island": "Atlantis", "bill": None, "mass": 4500, "female": None, "seen": "2024-03-01", "species": "unknown"},
    ]
    asked = {"instances": rows, "outputs": ["predicted_classes", "probabilities"], "top_k": 2}
    answer = service.client.post("/v1/models/penguins:predict", json=asked).json()
    assert answer["predicted_classes"] == ["Adelie", "Gentoo"]
    assert sum(answer["probabilities"][0].values()) == pytest.approx(1, abs=1e-5)
    assert [len(row) for row in answer["top_k"]] == [2, 2]
    assert answer["top_k"][0][0]["name"] == "Adelie"
    assert "predictions" not in answer
    plain = service.client.post("/v1/models/penguins:predict", json={"instances": rows}).json()
    in_order = [[row[name] for name in ("island", "bill", "mass", "female", "seen")] for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("island", "bill", "mass", "female", "seen")}
    assert service.client.post("/v1/models/penguins:predict", json={"instances": in_order}).json() == plain
    by_column = service.client.post("/v1/models/penguins:predict", json={"inputs": columns}).json()
    assert by_column["outputs"] == plain["predictions"]


def test_a_wrong_cell_is_pointed_at(service: Service) -> None:
    trained(service)
    right = {"island": "Dream", "bill": 44, "mass": 3600, "female": True, "seen": "2024-03-01"}
    path = "/v1/models/penguins:predict"
    values: list[Any] = [{**right, "mass": "heavy"}, {**right, "seen": "soon"}, {**right, "female": 3}]
    keys: list[Any] = [{**right, "mas": 1}, {"mass": 1}]
    problem = assert_problem(service.client.post(path, json={"instances": values}), 422, "invalid_request")
    assert {error["pointer"] for error in problem["errors"]} == {
        "#/instances/0/mass",
        "#/instances/1/seen",
        "#/instances/2/female",
    }
    assert "heavy" not in str(problem)
    problem = assert_problem(service.client.post(path, json={"instances": keys}), 422, "invalid_request")
    found = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert found == {("#/instances/0/mas", "unknown_column")}  # what is missing is a gap, which columns can fill


def test_rows_as_lists_of_the_wrong_length_are_told_what_they_are_to_hold(service: Service) -> None:
    trained(service)
    rows = [["Dream", 44, 3600]]
    asked = {"predict": {"instances": rows}, "evaluate": {"data": {"x": rows, "y": ["Adelie"]}}}
    for verb, body in asked.items():
        detail = service.client.post(f"/v1/models/penguins:{verb}", json=body).json()["errors"][0]["detail"]
        assert detail == "Expected 5 values, one for each of the version's `input.features` in their order; received 3."


def test_two_classes_and_numbers_are_learnt_as_well(service: Service) -> None:
    dataset = upload(service, csv_of(penguins()))
    for target, loss, metric in (("female", "binary_crossentropy", "accuracy"), ("mass", "mse", "mae")):
        layers = [{"class_name": "Dense", "units": "auto", "activation": "sigmoid" if target == "female" else "linear"}]
        asked = request(
            dataset["id"],
            spec={"layers": layers},
            compile={"loss": loss, "metrics": [metric]},
            fit={"epochs": 2},
            data={
                "target": {"name": target, "missing": "drop"},
                "features": ["bill", {"name": "island", "missing": "most_frequent"}],
                "split": {"validation": 0.2},
            },
        )
        answer = service.client.post("/v1/training-jobs", json=asked)
        assert answer.status_code == 202, answer.text
        service.work()
    outputs = [service.client.get(f"/v1/models/penguins/versions/{n}").json()["output"] for n in (1, 2)]
    assert outputs[0].pop("conformity")["rows"] == 46
    assert outputs[0] == {"classes": ["false", "true"], "shape": [None, 1], "targets": ["female"]}
    assert outputs[1].pop("conformity")["rows"] == 48
    (scale,) = outputs[1].pop("transform")
    assert scale["transform"] == "standardize"
    assert outputs[1] == {"classes": None, "shape": [None, 1], "targets": ["mass"]}


def test_balanced_weights_give_each_class_the_same_say(service: Service) -> None:
    job = trained(service, fit={"epochs": 2, "seed": 7, "class_weight": "balanced"})
    assert job["status"] == "succeeded"


def test_what_was_asked_of_a_table_wrongly_is_pointed_at(service: Service) -> None:
    dataset = upload(service, csv_of(penguins()))["id"]
    right = {"dataset": dataset, "target": "species"}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"dataset": "ds_none", "target": "species"}, "#/data/dataset", "not_found"),
        ({"dataset": dataset}, "#/data/target", "missing"),
        ({"dataset": dataset, "target": "specie"}, "#/data/target", "unknown_column"),
        ({"dataset": dataset, "target": "species", "features": ["bil"]}, "#/data/features/0", "unknown_column"),
        ({"dataset": dataset, "target": "species", "features": ["species"]}, "#/data/features/0", "conflict"),
        ({"dataset": dataset, "target": "species", "features": ["nothing"]}, "#/data/features/0", "empty"),
        ({"dataset": dataset, "target": "island"}, "#/data/target", "missing"),
        ({"dataset": dataset, "target": "species", "preprocessing": "none"}, "#/data", "not_a_number"),
        (
            {"dataset": dataset, "target": "species", "features": [{"name": "bill", "missing": "reject"}]},
            "#/data/features/0",
            "missing",
        ),
        ({**right, "split": {"method": "group"}}, "#/data/split/column", "unknown_column"),
        ({**right, "splits": {}}, "#/data/splits", "unknown_key"),
        ({**right, "split": {"test": 2}}, "#/data/split/test", "out_of_range"),
    ]
    for data, at, code in cases:
        asked = request(dataset) | {"data": data}
        problem = assert_problem(service.client.post("/v1/training-jobs", json=asked), 422, "invalid_request")
        assert (at, code) in {(error["pointer"], error["code"]) for error in problem["errors"]}, (
            data,
            problem["errors"],
        )
    assert service.rows()["jobs"] == 0


def test_weights_and_validation_beside_stored_arrays_reach_the_training(service: Service) -> None:
    dataset = upload(service, b'{"x": [[0, 1], [1, 0]], "y": [1, 2]}', headers={"Content-Type": "application/json"})
    spec = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1}}]}}
    validation = {"validation_data": {"x": [[1, 1]], "y": [3]}, "sample_weight": [0, 0]}

    def trained(**fit: Any) -> dict[str, Any]:
        asked = {"spec": spec, "compile": {"optimizer": "sgd", "loss": "mse"}, "data": {"dataset": dataset["id"]}}
        answer = service.client.post("/v1/training-jobs", json=asked | {"fit": {"epochs": 1, "seed": 1, **fit}})
        assert answer.status_code == 202, answer.text
        service.work()
        found: dict[str, Any] = service.client.get(answer.headers["Location"]).json()["metrics"]
        return found

    assert set(trained()) == {"loss"}
    assert set(trained(**validation)) == {"loss", "val_loss"}
    assert trained(**validation)["loss"] == 0
    assert service.client.get(dataset["links"]["self"]).json() == dataset


def test_what_validate_says_of_a_table_is_what_becomes_of_it(service: Service) -> None:
    dataset = upload(service, csv_of(penguins()))
    view = service.client.post("/v1/training-jobs:validate", json=request(dataset["id"])).json()
    assert view["rows"] == {"training": 168, "validation": 24, "test": 48}
    assert view["features"][:3] == ["island:unknown", "island=Biscoe", "island=Dream"]
    assert view["summary"][-1]["output_shape"] == [None, 3]
