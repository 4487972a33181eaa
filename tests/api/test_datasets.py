"""Datasets over HTTP: uploaded in any form, told apart, trained on, asked in their own words."""

import gzip
import io
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.serving import Service, assert_problem

PATH = "/v1/datasets"
CSV = {"Content-Type": "text/csv"}
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def penguins(rows: int = 240, seed: int = 3) -> dict[str, list[Any]]:
    """A table with gaps, texts, a boolean, a date and names, in which a network can learn the species."""
    rng = np.random.default_rng(seed)
    species = rng.integers(0, 3, rows)
    bill = rng.normal(38 + 6 * species, 1.5)
    mass = rng.normal(3500 + 900 * (species == 2), 250)
    islands = np.where(species == 0, "Torgersen", np.where(species == 1, "Dream", "Biscoe"))
    table: dict[str, list[Any]] = {
        "name": [f"penguin {i}" for i in range(rows)],
        "island": islands.tolist(),
        "bill": bill.round(1).tolist(),
        "mass": mass.round().tolist(),
        "female": (rng.random(rows) < 0.5).tolist(),
        "seen": [f"2024-0{1 + i % 9}-1{i % 10}" for i in range(rows)],
        "nothing": [None] * rows,
        "planet": ["Earth"] * rows,
        "species": [SPECIES[i] for i in species],
    }
    for column, every in (("bill", 17), ("island", 23), ("female", 31)):
        table[column] = [None if i % every == 0 else value for i, value in enumerate(table[column])]
    return table


def csv_of(table: dict[str, list[Any]], delimiter: str = ",") -> bytes:
    def cell(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    lines = [table.keys(), *zip(*table.values(), strict=True)]
    return "\n".join(delimiter.join(map(cell, line)) for line in lines).encode()


def request(dataset: str, **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": "penguins",
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 16, "activation": "relu"},
                {"class_name": "Dense", "units": "auto", "activation": "softmax"},
            ]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.01},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        "fit": {"epochs": 25, "seed": 7},
        "data": {
            "dataset": dataset,
            "target": "species",
            "split": {"validation": 0.1, "test": 0.2, "method": "stratified", "seed": 1},
        },
    }
    for key, value in changes.items():
        asked[key] = {**asked[key], **value}
    return asked


def upload(service: Service, content: bytes, query: str = "", headers: dict[str, str] = CSV) -> dict[str, Any]:
    answer = service.client.post(PATH + query, content=content, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    view: dict[str, Any] = answer.json()
    return view


def trained(service: Service, **changes: Any) -> dict[str, Any]:
    dataset = upload(service, csv_of(penguins()), "?name=penguins")
    answer = service.client.post("/v1/training-jobs", json=request(dataset["id"], **changes))
    assert answer.status_code == 202, answer.text
    service.work()
    job: dict[str, Any] = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job
    return job


def test_an_upload_tells_what_its_columns_hold(service: Service) -> None:
    view = upload(service, csv_of(penguins()), "?name=penguins")
    assert (view["name"], view["form"], view["rows"], view["width"]) == ("penguins", "table", 240, 9)
    columns = {column["name"]: column for column in view["columns"]}
    assert {name: column["type"] for name, column in columns.items()} == {
        "name": "category",
        "island": "category",
        "bill": "number",
        "mass": "number",
        "female": "boolean",
        "seen": "date",
        "nothing": "empty",
        "planet": "category",
        "species": "category",
    }
    bill = [value for value in penguins()["bill"] if value is not None]
    assert columns["bill"]["missing"] == 240 - len(bill)
    assert columns["bill"]["mean"] == pytest.approx(np.mean(bill))
    assert columns["bill"]["deviation"] == pytest.approx(np.std(bill))
    assert (columns["bill"]["min"], columns["bill"]["max"]) == (min(bill), max(bill))
    assert columns["island"]["distinct"] == 3
    assert columns["planet"]["values"] == [{"value": "Earth", "count": 240}]
    assert columns["seen"]["min"] == "2024-01-10T00:00:00Z"


def test_columns_that_only_look_like_numbers_or_dates_are_warned_of(service: Service) -> None:
    content = "day;pay;size;shop\n31.03.2024;1.234,50;1,5;Ulm\n01.04.2024;7,00;2,5;Bonn\n"
    view = upload(service, content.encode())
    types = {"day": "category", "pay": "category", "size": "number", "shop": "category"}
    assert {column["name"]: column["type"] for column in view["columns"]} == types
    warned = [("#/columns/day", "looks_like_dates"), ("#/columns/pay", "looks_like_numbers")]
    assert [(one["pointer"], one["code"]) for one in view["warnings"]] == warned
    assert "'pay' look like numbers" in view["warnings"][1]["detail"]
    assert service.client.get(f"{PATH}/{view['id']}").json()["warnings"] == view["warnings"]
    mixed = b"size;score\n1,5;1.5\n2,5;2.5\n"
    assert upload(service, mixed)["warnings"][0]["pointer"] == "#/columns/size"
    assert upload(service, mixed, "?decimal=,")["warnings"][0]["pointer"] == "#/columns/score"
    assert upload(service, csv_of(penguins()))["warnings"] == []


def test_the_same_data_are_stored_once_whatever_they_come_as(service: Service) -> None:
    table = penguins()
    first = upload(service, csv_of(table))
    arrow = pa.table({**table, "seen": pa.array(table["seen"]).cast(pa.timestamp("us"))})
    arrow = arrow.set_column(6, "nothing", pa.nulls(240))
    sink = io.BytesIO()
    parquet.write_table(arrow, sink)
    forms = [
        upload(service, csv_of(table, ";")),
        upload(service, gzip.compress(csv_of(table)), headers={"Content-Type": "application/gzip"}),
        upload(service, csv_of(table), headers={"Content-Type": "application/octet-stream"}),
    ]
    assert [form["id"] for form in forms] == [first["id"]] * 3
    parquet_view = upload(service, sink.getvalue(), headers={"Content-Type": "application/vnd.apache.parquet"})
    assert [c["type"] for c in parquet_view["columns"]] == [c["type"] for c in first["columns"]]
    named = upload(service, csv_of(table), "?name=again")
    assert named["id"] != first["id"]
    assert named["sha256"] == first["sha256"]
    listed = service.client.get(PATH).json()["items"]
    assert {view["id"] for view in listed} == {first["id"], named["id"], parquet_view["id"]}
    assert [view["id"] for view in service.client.get(f"{PATH}?name=again").json()["items"]] == [named["id"]]


def test_a_table_trains_a_network_that_answers_in_its_words(service: Service) -> None:
    job = trained(service)
    version = service.client.get(job["links"]["version"]).json()
    assert version["metrics"]["test_accuracy"] > 0.9
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
    assert ("#/instances/0/mas", "unknown_column") in found
    assert ("#/instances/1/bill", "missing") in found


def test_rows_as_lists_of_the_wrong_length_are_told_what_they_are_to_hold(service: Service) -> None:
    trained(service)
    path = "/v1/models/penguins"
    rows = [["Dream", 44, 3600]]
    detail = service.client.post(f"{path}:predict", json={"instances": rows}).json()["errors"][0]["detail"]
    assert detail == "Expected 5 values, one for each of the version's `input.features` in their order; received 3."
    arrays = {"data": {"x": [[1, 2, 3]], "y": ["Adelie"]}}
    detail = service.client.post(f"{path}:evaluate", json=arrays).json()["errors"][0]["detail"]
    assert "which its columns become (`dataset` takes the columns themselves); received rows of 3." in detail


def test_who_sends_a_form_is_told_to_send_the_file_itself(shared: Service) -> None:
    answers = [
        shared.client.post("/v1/datasets", files={"file": ("a.csv", b"a,b\n1,2\n", "text/csv")}),
        shared.client.post("/v1/datasets", data={"a": "1"}),
    ]
    for answer in answers:
        problem = assert_problem(answer, 415, "unsupported_media_type")
        assert problem["detail"].endswith("The body is the file itself, as curl sends it with --data-binary.")


def test_a_version_is_measured_on_a_dataset_and_remembers_it(service: Service) -> None:
    job = trained(service)
    other = upload(service, csv_of(penguins(100, seed=8)))
    answer = service.client.post("/v1/models/penguins:evaluate", json={"data": {"dataset": other["id"]}})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert report["kind"] == "classification"
    assert np.sum(report["confusion_matrix"]["counts"]) == 100
    assert answer.json()["metrics"]["accuracy"] == pytest.approx(report["accuracy"], abs=1e-6)
    kept = service.client.get(f"{job['links']['version']}/evaluations").json()["items"]
    assert [(one["dataset"], one["part"]) for one in kept] == [(other["id"], None), (None, "test")]
    assert kept[0]["report"] == report
    asked = {"data": {"dataset": other["id"]}, "importance": 3}
    importance = service.client.post("/v1/models/penguins:evaluate", json=asked).json()["report"]["importance"]
    assert {one["feature"] for one in importance[:3]} == {"island", "bill", "mass"}
    assert_problem(
        service.client.post("/v1/models/penguins:evaluate", json={**asked, "importance": 0}), 422, "invalid_request"
    )


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
    assert outputs[0] == {"classes": ["false", "true"], "shape": [None, 1], "targets": ["female"]}
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


def test_broken_files_are_refused_and_nothing_is_stored(service: Service) -> None:
    whole = csv_of(penguins())
    sink = io.BytesIO()
    parquet.write_table(pa.table({"a": [1, 2], "b": [[1], [2]]}), sink)
    cases: list[tuple[bytes, str, int, str]] = [
        (b"", "text/csv", 400, "bad_table"),
        (b"a,b\n", "text/csv", 400, "bad_table"),
        (b"a,b\n1,2,3\n", "text/csv", 400, "bad_table"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', "text/csv", 422, "invalid_request"),
        (b"a,a\n1,2\n", "text/csv; header=present", 422, "invalid_request"),
        (gzip.compress(whole)[:-20], "application/gzip", 400, "bad_table"),
        (sink.getvalue()[:-10], "application/vnd.apache.parquet", 400, "bad_table"),
        (sink.getvalue(), "application/vnd.apache.parquet", 422, "invalid_request"),
        (b"PK\x03\x04rubbish", "application/x-npz", 400, "bad_table"),
        (b"{}", "application/json", 422, "invalid_request"),
        (b"[1]", "application/json", 400, "bad_table"),
        (b'[{"a": 1}, {"a": "b"}]', "application/json", 422, "invalid_request"),
        (whole, "application/pdf", 415, "unsupported_media_type"),
    ]
    for content, kind, status, code in cases:
        query = "?header=true" if kind.endswith("present") else ""
        answer = service.client.post(PATH + query, content=content, headers={"Content-Type": kind})
        assert_problem(answer, status, code)
    assert service.rows()["datasets"] == 0
    assert list((service.settings.scratch).iterdir()) == []


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Any) -> None:
    with Service(tmp_path, max_unpacked_bytes=100_000, max_columns=50, max_table_rows=1000) as service:
        bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
        assert_problem(service.client.post(PATH, content=bomb, headers=CSV), 413, "too_large")
        wide = ",".join(f"c{i}" for i in range(60)) + "\n" + ",".join("1" * 60) + "\n"
        assert_problem(service.client.post(PATH, content=wide.encode(), headers=CSV), 413, "too_large")
        long = b"a,b\n" + b"1,2\n" * 1001
        assert_problem(service.client.post(PATH, content=long, headers=CSV), 413, "too_large")


def test_arrays_are_a_dataset_as_well(service: Service) -> None:
    sink = io.BytesIO()
    np.savez(sink, x=np.eye(4), y=np.array(["a", "b", "a", "b"]))
    view = upload(service, sink.getvalue(), headers={"Content-Type": "application/x-npz"})
    assert (view["form"], view["rows"], view["width"], view["classes"]) == ("arrays", 4, 4, ["a", "b"])
    same = upload(service, b'{"x": [[0, 1], [1, 0]], "y": [1, 2]}', headers={"Content-Type": "application/json"})
    assert (same["form"], same["rows"]) == ("arrays", 2)
    asked = request(view["id"]) | {"data": {"dataset": view["id"]}}
    answer = service.client.post("/v1/training-jobs", json=asked)
    assert answer.status_code == 202, answer.text


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


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_a_table_comes_back_as_it_went_in(service: Service, form: str) -> None:
    view = upload(service, csv_of(penguins()))
    answer = service.client.get(f"{view['links']['content']}?format={form}")
    assert answer.status_code == 200
    again = upload(service, answer.content, headers={"Content-Type": answer.headers["Content-Type"]})
    assert [c["type"] for c in again["columns"]] == [c["type"] for c in view["columns"]]
    assert again["columns"] == view["columns"]


def test_a_dataset_that_a_job_needs_cannot_be_deleted(service: Service) -> None:
    dataset = upload(service, csv_of(penguins()))
    job = service.client.post("/v1/training-jobs", json=request(dataset["id"])).json()
    assert_problem(service.client.delete(dataset["links"]["self"]), 409, "dataset_in_use")
    service.work()
    assert service.client.delete(dataset["links"]["self"]).status_code == 204
    assert_problem(service.client.get(dataset["links"]["self"]), 404, "not_found")
    assert service.client.get(job["links"]["self"]).json()["status"] == "succeeded"


def test_what_validate_says_of_a_table_is_what_becomes_of_it(service: Service) -> None:
    dataset = upload(service, csv_of(penguins()))
    view = service.client.post("/v1/training-jobs:validate", json=request(dataset["id"])).json()
    assert view["rows"] == {"training": 168, "validation": 24, "test": 48}
    assert view["features"][:3] == ["island:unknown", "island=Biscoe", "island=Dream"]
    assert view["summary"][-1]["output_shape"] == [None, 3]


def test_an_evaluation_leaves_out_the_rows_without_a_target_where_the_training_did_or_it_is_asked_to(
    service: Service,
) -> None:
    whole = "a,y\n" + "".join(f"{number},{2 * number}\n" for number in range(8))
    gaps = upload(service, (whole + "8,\n9,\n").encode())
    asked = {"spec": {"layers": [{"class_name": "Dense", "units": 1}]}, "compile": {"loss": "mse"}}

    def measure(model: str, **data: Any) -> httpx.Response:
        return service.client.post(f"/v1/models/{model}:evaluate", json={"data": {"dataset": gaps["id"], **data}})

    drop = {"name": "y", "missing": "drop"}
    for model, dataset, target in (("dropped", gaps, drop), ("whole", upload(service, whole.encode()), "y")):
        data = {"dataset": dataset["id"], "target": target}
        assert service.client.post("/v1/training-jobs", json={**asked, "model": model, "data": data}).is_success
    service.work()
    assert measure("dropped").json()["rows"] == 8
    assert_problem(measure("whole"), 422, "invalid_request")
    answer = measure("whole", target=drop)
    assert (answer.status_code, answer.json().get("rows")) == (200, 8)
    wrong: list[tuple[Any, str, str]] = [
        ("a", "#/data/target", "conflict"),
        ({"name": "y", "missing": "guess"}, "#/data/target/missing", "unknown_name"),
    ]
    for target, pointer, code in wrong:
        problem = assert_problem(measure("whole", target=target), 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]
