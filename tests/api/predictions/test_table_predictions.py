"""Tables to `:predict`: each form comes back in kind, row by row, and a wrong column or cell is pointed at."""

import gzip
import io
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from tests.support.penguins import SPECIES, csv_of, penguins, request, trained, upload
from tests.support.serving import Service, assert_problem, small

PREDICT = "/v1/models/penguins:predict"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ARROW, STREAM = "application/vnd.apache.arrow.file", "application/vnd.apache.arrow.stream"
PROBABILITIES = [f"probability_{name}" for name in SPECIES]
NEEDED = ("island", "bill", "mass", "female", "seen")


def rows(count: int = 40) -> dict[str, list[Any]]:
    """Rows as they come without a target, in another order of columns."""
    table = penguins(count, seed=9)
    return {name: table[name] for name in reversed(NEEDED)}


def arrow_of(table: dict[str, list[Any]]) -> pa.Table:
    made = pa.table(table)
    place = made.column_names.index("seen")
    return made.set_column(place, "seen", made["seen"].cast(pa.timestamp("us")))


def written(table: pa.Table, media_type: str) -> bytes:
    sink = io.BytesIO()
    if media_type == CSV:
        csv.write_csv(table, sink)
    elif media_type == PARQUET:
        parquet.write_table(table, sink)
    else:
        with (ipc.new_file if media_type == ARROW else ipc.new_stream)(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def read(content: bytes, media_type: str) -> pa.Table:
    source = pa.BufferReader(content)
    if media_type == CSV:
        return csv.read_csv(source)
    if media_type == PARQUET:
        return parquet.read_table(source)
    return (ipc.open_file if media_type == ARROW else ipc.open_stream)(source).read_all()


def sent(
    service: Service, content: bytes, media_type: str = CSV, path: str = PREDICT, **headers: str
) -> httpx.Response:
    return service.client.post(path, content=content, headers={"Content-Type": media_type, **headers})


def predicted(service: Service, content: bytes, media_type: str = CSV, path: str = PREDICT, **headers: str) -> pa.Table:
    answer = sent(service, content, media_type, path, **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == headers.get("Accept", media_type)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return read(answer.content, headers.get("Accept", media_type))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service with a model `penguins` of a table, a label `stable` on it, and a model `xor` of arrays."""
    with Service(tmp_path_factory.mktemp("learnt")) as made:
        trained(made)
        made.train()
        answer = made.client.request("PUT", "/v1/models/penguins/labels/stable", json={"version": 1})
        assert answer.status_code == 201, answer.text
        yield made


@pytest.mark.parametrize("media_type", [CSV, PARQUET, ARROW, STREAM])
def test_a_table_is_answered_in_its_own_form_with_what_json_is_told(learnt: Service, media_type: str) -> None:
    table = rows()
    answer = predicted(learnt, written(arrow_of(table), media_type), media_type)
    assert answer.column_names == ["predicted_species", *PROBABILITIES]
    instances = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    asked = {"instances": instances, "outputs": ["predicted_classes", "probabilities"]}
    told = learnt.client.post(PREDICT, json=asked).json()
    assert answer["predicted_species"].to_pylist() == told["predicted_classes"]
    for name in SPECIES:
        expected = [row[name] for row in told["probabilities"]]
        assert np.allclose(answer[f"probability_{name}"].to_numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("media_type", [PARQUET, ARROW])
def test_columns_that_no_answer_needs_are_not_looked_at_and_others_are_missed_or_unknown(
    learnt: Service, media_type: str
) -> None:
    table = arrow_of(rows()).append_column("name", pa.array(["x" * 20_000] * 40))
    answer = predicted(learnt, written(table, media_type), media_type)
    assert answer.equals(predicted(learnt, written(table.drop(["name"]), media_type), media_type))
    assert_problem(sent(learnt, written(table, media_type), media_type, f"{PREDICT}?include=name"), 413, "too_large")
    wrong = table.drop(["bill"]).append_column("bil", pa.array([1] * 40))
    problem = assert_problem(sent(learnt, written(wrong, media_type), media_type), 422, "invalid_request")
    found = [(error["pointer"], error["code"]) for error in problem["errors"]]
    assert found == [("#/columns/bill", "missing"), ("#/columns/bil", "unknown_column")]


def test_every_path_answers_and_names_the_version(learnt: Service) -> None:
    content = csv_of(rows())
    paths = [f"/v1/models/penguins{which}:predict" for which in ("", "/versions/1", "/labels/stable")]
    answers = [sent(learnt, content, path=path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["Link"] for answer in answers} == {'</v1/models/penguins/versions/1>; rel="describedby"'}
    assert_problem(sent(learnt, content, path="/v1/models/none:predict"), 404, "not_found")


def test_accept_chooses_among_the_forms(learnt: Service) -> None:
    content = csv_of(rows())
    for accept, expected in (
        (PARQUET, PARQUET),
        (f"{ARROW};q=0.5, {STREAM}", STREAM),
        ("application/json", CSV),
        ("*/*", CSV),
        (f"*/*;q=0.1, {PARQUET};q=0.2", PARQUET),
    ):
        answer = sent(learnt, content, Accept=accept)
        assert answer.headers["Content-Type"].split(";")[0] == expected
        assert read(answer.content, expected).num_rows == 40


def test_a_compressed_table_and_one_without_a_name_are_read(learnt: Service) -> None:
    expected = predicted(learnt, csv_of(rows()))
    for headers in ({"Content-Type": CSV, "Content-Encoding": "gzip"}, {"Content-Type": "application/gzip"}):
        answer = learnt.client.post(PREDICT, content=gzip.compress(csv_of(rows())), headers=headers)
        assert read(answer.content, CSV).equals(expected)
    content = written(arrow_of(rows()), PARQUET)
    answer = learnt.client.post(PREDICT, content=content, headers={"Content-Type": "application/octet-stream"})
    assert answer.headers["Content-Type"] == PARQUET


def test_outputs_and_columns_to_repeat_are_chosen(learnt: Service) -> None:
    table = {**rows(), "name": [f"penguin {i}" for i in range(40)], "shelf": list(range(40))}
    path = f"{PREDICT}?outputs=predictions,predicted_classes&top_k=2&include=shelf&include=name"
    answer = predicted(learnt, csv_of(table), path=path)
    raw = [f"prediction_{name}" for name in SPECIES]
    best = ["top_1", "top_1_score", "top_2", "top_2_score"]
    assert answer.column_names == ["shelf", "name", "predicted_species", *raw, *best]
    assert answer["shelf"].to_pylist() == list(range(40))
    assert answer["top_1"].to_pylist() == answer["predicted_species"].to_pylist()
    scores = np.stack([answer[name].to_numpy() for name in raw], axis=1)
    assert np.array_equal(answer["top_1_score"].to_numpy(), scores.max(axis=1))
    assert np.array_equal(answer["top_2_score"].to_numpy(), np.sort(scores, axis=1)[:, -2])


def test_columns_that_nothing_was_learnt_from_may_be_there(learnt: Service) -> None:
    assert predicted(learnt, csv_of(penguins(40, seed=9))).equals(predicted(learnt, csv_of(rows())))


def test_a_wrong_column_is_pointed_at(learnt: Service) -> None:
    table: dict[str, list[Any]] = {**rows(), "shelf": [1] * 40, "mass": ["2024-01-01"] * 40}
    del table["bill"]
    problem = assert_problem(sent(learnt, csv_of(table)), 422, "invalid_request")
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == {
        ("#/columns/bill", "missing"),
        ("#/columns/shelf", "unknown_column"),
        ("#/columns/mass", "wrong_type"),
    }


def test_wrong_cells_are_pointed_at_and_nothing_is_answered(learnt: Service) -> None:
    table = rows()
    table["mass"][17], table["mass"][30], table["mass"][3] = "heavy", "1e300", None
    table["seen"][5], table["female"][6] = "soon", "perhaps"
    answer = sent(learnt, csv_of(table))
    problem = assert_problem(answer, 422, "invalid_request")
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == {
        ("#/rows/17/mass", "wrong_type"),
        ("#/rows/30/mass", "not_finite"),
        ("#/rows/5/seen", "wrong_type"),
        ("#/rows/6/female", "wrong_type"),
    }
    assert "heavy" not in answer.text
    assert list(learnt.settings.scratch.iterdir()) == []


def test_more_wrong_cells_than_are_shown_are_counted(learnt: Service) -> None:
    table = {**rows(), "mass": ["heavy"] * 40}
    answer = sent(learnt, csv_of(table))
    problem = assert_problem(answer, 422, "invalid_request")
    assert (len(problem["errors"]), problem["errors_total"]) == (20, 40)


@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ("outputs=everything", "invalid_parameter", "outputs"),
        ("outputs=", "invalid_parameter", "outputs"),
        ("top_k=0", "invalid_parameter", "top_k"),
        ("include=nowhere", "invalid_request", "include"),
        ("include=mass&include=mass", "invalid_request", "include"),
    ],
)
def test_a_wrong_parameter_is_named(learnt: Service, query: str, code: str, parameter: str) -> None:
    answer = sent(learnt, csv_of(rows()), path=f"{PREDICT}?{query}")
    problem = assert_problem(answer, 422, code)
    assert {error["parameter"] for error in problem["errors"]} == {parameter}
    assert "pattern" not in problem["errors"][0]["detail"]


def test_what_is_no_table_to_predict_is_refused(learnt: Service) -> None:
    problem = assert_problem(sent(learnt, b"a", "text/plain"), 415, "unsupported_media_type")
    assert "CSV, Parquet, Arrow or a spreadsheet" in problem["detail"]
    assert_problem(sent(learnt, b"[{}]", "application/octet-stream"), 415, "unsupported_media_type")
    assert_problem(sent(learnt, b"", CSV), 400, "bad_table")
    assert_problem(sent(learnt, b"no parquet", PARQUET), 400, "bad_table")
    assert_problem(sent(learnt, written(arrow_of(rows()), PARQUET)[:900], PARQUET), 400, "bad_table")


def test_a_version_of_arrays_takes_columns_in_their_order(learnt: Service) -> None:
    path = "/v1/models/xor:predict"
    expected = learnt.client.post(path, json={"instances": [[0, 1], [1, 1]]}).json()
    answer = predicted(learnt, b"0.0,1\n1,1\n", path=path)
    assert answer.column_names == ["predicted_class", "probability_different", "probability_equal"]
    assert answer["predicted_class"].to_pylist() == expected["predicted_classes"]
    raw = predicted(learnt, b"id,a,b\nx,0,1\ny,1,1\n", path=f"{path}?include=id&outputs=predictions")
    assert raw.to_pydict() == {
        "id": ["x", "y"],
        "prediction": pytest.approx([row[0] for row in expected["predictions"]], rel=1e-5),
    }
    for content, pointer, code in (
        (b"0,1,2\n", "#/columns", "width_mismatch"),
        (b"a,b\n0,\n", "#/rows/0/b", "missing"),
        (b"a,b\n0,1\n0,wide\n", "#/rows/1/b", "wrong_type"),
    ):
        answer = sent(learnt, content, path=path)
        problem = assert_problem(answer, 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


def test_numbers_are_told_under_the_names_of_their_targets(service: Service) -> None:
    table: dict[str, list[Any]] = {"a": list(range(50)), "b": [i % 7 for i in range(50)], "c": [1.5] * 25 + [2.5] * 25}
    dataset = upload(service, csv_of(table))
    layers = [{"class_name": "Dense", "units": "auto"}]
    for target, names in (("b", ["predicted_b"]), (["b", "c"], ["predicted_b", "predicted_c"])):
        data = {"target": target, "features": ["a"], "split": None}
        asked = request(dataset["id"], spec={"layers": layers}, compile={"loss": "mse", "metrics": []}, data=data)
        assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
        service.work()
        assert predicted(service, b"a\n1\n2\n").column_names == names
        answer = sent(service, b"a\n1\n", path=f"{PREDICT}?outputs=probabilities,predicted_classes&top_k=1")
        found = {error["parameter"] for error in assert_problem(answer, 422, "invalid_request")["errors"]}
        assert found >= {"outputs"}


def test_texts_that_look_like_numbers_are_read_as_they_were_learnt(service: Service) -> None:
    zones = ["007", "08", "north"] * 20
    dataset = upload(service, csv_of({"zone": zones, "y": [zone == "08" for zone in zones]}))
    layers = [{"class_name": "Dense", "units": "auto", "activation": "sigmoid"}]
    compiled = {"loss": "binary_crossentropy"}
    asked = request(dataset["id"], spec={"layers": layers}, compile=compiled, data={"target": "y"})
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    told = service.client.post(PREDICT, json={"instances": [{"zone": "007"}, {"zone": "08"}]}).json()
    answer = predicted(service, b"zone\n007\n08\n", path=f"{PREDICT}?outputs=predictions")
    assert answer["prediction"].to_pylist() == pytest.approx([row[0] for row in told["predictions"]], rel=1e-5)


def test_a_table_may_be_as_large_as_an_upload_and_no_larger(tmp_path: Any) -> None:
    with Service(tmp_path, max_body_bytes=20_000, max_upload_bytes=40_000, max_table_cells=3000) as service:
        answer = service.client.post("/v1/training-jobs", json=small())
        assert answer.status_code == 202, answer.text
        service.work()
        path = "/v1/models/xor:predict"
        row = b"0.000000000000000000,1.000000000000000000\n"
        assert sent(service, row * 900, path=path).status_code == 200
        assert_problem(sent(service, row * 1000, path=path), 413, "too_large")
        answer = sent(service, row * 900, path=f"{path}?top_k=2")
        problem = assert_problem(answer, 413, "too_large")
        assert problem["limit_cells"] == 3000
