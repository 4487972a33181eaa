"""Versions that learnt from tables, asked by clients of TensorFlow Serving and of the Open Inference Protocol."""

import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest

from service.data.features.columns import AnyColumn, CategoryColumn, DateColumn, NumberColumn, from_json_dict
from tests.support.encoders import CLASSES, COLUMNS, rows_for, stored, tensors
from tests.support.serving import Service, assert_problem
from tests.support.versions import new_version

ROWS = rows_for(COLUMNS, 12)
PATHS = ["/v1/models/fruit", "/v1/models/fruit/versions/1", "/v1/models/fruit/labels/stable"]
V2_PATHS = ["/v2/models/fruit", "/v2/models/fruit/versions/1", "/v2/models/fruit/versions/stable"]
SMALL: list[AnyColumn] = [
    NumberColumn("age", "standardize", "mean", 40.0, 40.0, 10.0),
    CategoryColumn("zone", "one_hot", "reject", None, ["a", "b"]),
    NumberColumn("ripe", "boolean", "indicator", 0.5),
    DateColumn("day", "days", "mean", 10.0, 10.0, 1.0, has_times=False),
]


def publish(service: Service, name: str, columns: Sequence[AnyColumn], units: int = 3) -> None:
    version, weights = stored(columns, units)
    parts = {key: getattr(version, key) for key in ("spec", "compile", "input", "output", "data")}
    new = new_version(**parts, metrics={}, weights=weights)
    with service.database.transaction() as tx:
        tx.models.add(name, new)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with `fruit`, which has every kind of column and a label, `small`, and the regressor `value`."""
    with Service(tmp_path_factory.mktemp("tables")) as made:
        publish(made, "fruit", COLUMNS)
        publish(made, "fruit", COLUMNS[:1])
        made.client.request("PUT", "/v1/models/fruit/labels/stable", json={"version": 1})
        made.client.delete("/v1/models/fruit/versions/2")
        publish(made, "small", SMALL)
        publish(made, "value", SMALL, units=1)
        yield made


def predictions(service: Service) -> Any:
    answer = service.client.post("/v1/models/fruit:predict", json={"instances": ROWS})
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["predictions"], np.float32)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("path", PATHS)
def test_columns_are_answered_with_outputs(tables: Service, path: str) -> None:
    answer = tables.client.post(f"{path}:predict", json={"inputs": columns_of(ROWS)})
    np.testing.assert_array_equal(np.array(answer.json()["outputs"], np.float32), predictions(tables))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in lists"])
def test_examples_are_classified_by_class_names(tables: Service, path: str, wrapped: bool) -> None:
    examples = [{name: [value] if wrapped else value for name, value in row.items()} for row in ROWS]
    answer = tables.client.post(f"{path}:classify", json={"examples": examples})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [[label for label, _ in one] for one in results] == [CLASSES] * len(ROWS)
    scores = np.array([[score for _, score in one] for one in results], np.float32)
    np.testing.assert_array_equal(scores, predictions(tables))


def test_examples_share_columns_and_are_regressed(tables: Service) -> None:
    row = {"age": 30, "zone": "a", "ripe": True, "day": None}
    plain = tables.client.post("/v1/models/value:predict", json={"instances": [row, {**row, "age": 50}]}).json()
    body = {"context": {key: row[key] for key in ("zone", "ripe", "day")}, "examples": [{"age": 30}, {"age": 50}]}
    answer = tables.client.post("/v1/models/value:regress", json=body)
    assert answer.json() == {"results": [one[0] for one in plain["predictions"]]}
    tables.client.request("PUT", "/v1/models/value/labels/stable", json={"version": 1})
    assert tables.client.post("/v1/models/value/labels/stable:regress", json=body).json() == answer.json()


@pytest.mark.parametrize("path", PATHS)
def test_metadata_list_every_column_with_its_type(tables: Service, path: str) -> None:
    view = tables.client.get(f"{path}/metadata").json()
    assert view["model_spec"]["version"] == "1"
    inputs = view["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]
    assert list(inputs) == [column.name for column in COLUMNS]
    assert {name: inputs[name]["dtype"] for name in ("skin", "weight", "ripe", "seen")} == {
        "skin": "DT_STRING",
        "weight": "DT_DOUBLE",
        "ripe": "DT_BOOL",
        "seen": "DT_STRING",
    }
    assert inputs["skin"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


def test_a_label_tells_the_state_of_its_version_and_gives_its_files_and_evaluations(tables: Service) -> None:
    (status,) = tables.client.get(PATHS[2]).json()["model_version_status"]
    assert (status["version"], status["state"]) == ("1", "AVAILABLE")
    for path in ("export?format=onnx", "export?format=json", "evaluations"):
        of_label, of_version = (tables.client.get(f"{one}/{path}") for one in (PATHS[2], PATHS[1]))
        assert of_label.status_code == 200
        assert of_label.content == of_version.content


@pytest.mark.parametrize(
    "path", ["labels/none/metadata", "labels/none/export", "labels/none/evaluations", "labels/none"]
)
def test_a_label_that_does_not_exist_is_not_found(tables: Service, path: str) -> None:
    assert_problem(tables.client.get(f"/v1/models/fruit/{path}"), 404, "not_found")


@pytest.mark.parametrize("path", V2_PATHS)
def test_a_model_tells_a_tensor_for_each_column(tables: Service, path: str) -> None:
    inputs = {one["name"]: one for one in tables.client.get(path).json()["inputs"]}
    assert list(inputs) == [column.name for column in COLUMNS]
    assert inputs["weight"] == {"name": "weight", "datatype": "FP64", "shape": [-1, 1]}
    assert [inputs[name]["datatype"] for name in ("skin", "ripe", "seen")] == ["BYTES", "BOOL", "BYTES"]
    config = {one["name"]: one for one in tables.client.get(f"{path}/config").json()["input"]}
    assert config["skin"] == {"name": "skin", "data_type": "TYPE_STRING", "dims": [1]}
    assert tables.client.get(f"{path}/ready").json() == {"name": "fruit", "ready": True}


def test_statistics_of_a_label_are_those_of_its_version(tables: Service) -> None:
    assert infer(tables, V2_PATHS[2], [tensor(column) for column in COLUMNS]).status_code == 200
    (stats,) = tables.client.get(f"{V2_PATHS[2]}/stats").json()["model_stats"]
    assert (stats["version"], stats["inference_stats"]["success"]["count"] > 0) == ("1", True)


def tensor(column: AnyColumn, **changes: Any) -> dict[str, Any]:
    values = [row[column.name] for row in ROWS]
    datatype = "FP64" if isinstance(column, NumberColumn) else "BYTES"
    if column.encoding == "boolean":
        datatype = "BOOL"
    made = {"name": column.name, "datatype": datatype, "shape": [len(values), 1], "data": values}
    return {key: value for key, value in (made | changes).items() if value is not ...}


def packed(column: AnyColumn) -> tuple[dict[str, Any], bytes]:
    """The column as a binary tensor, gaps as NaN or as empty texts."""
    values = [row[column.name] for row in ROWS]
    if isinstance(column, NumberColumn):
        content = np.array([math.nan if value is None else value for value in values], "<f8").tobytes()
        datatype = "FP64"
    else:
        texts = [(value or "").encode() for value in values]
        content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        datatype = "BYTES"
    parameters = {"binary_data_size": len(content)}
    return tensor(column, datatype=datatype, shape=[len(values)], data=..., parameters=parameters), content


def infer(
    service: Service, path: str, inputs: Sequence[Any], tail: bytes = b"", outputs: Sequence[Any] = ()
) -> httpx.Response:
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))} if tail else {}
    return service.client.post(f"{path}/infer", content=head + tail, headers=length)


@pytest.mark.parametrize("path", V2_PATHS)
def test_named_tensors_in_json_give_what_rows_give(tables: Service, path: str) -> None:
    answer = infer(tables, path, [tensor(column) for column in reversed(COLUMNS)])
    assert answer.status_code == 200, answer.text
    (output,) = answer.json()["outputs"]
    assert (answer.json()["model_version"], output["name"], output["shape"]) == ("1", "predictions", [len(ROWS), 3])
    np.testing.assert_array_equal(np.array(output["data"], np.float32).reshape(-1, 3), predictions(tables))


def test_named_binary_tensors_give_what_rows_give(tables: Service) -> None:
    parts = [packed(column) for column in COLUMNS]
    answer = infer(tables, V2_PATHS[0], [one for one, _ in parts], b"".join(content for _, content in parts))
    assert answer.status_code == 200, answer.text
    (output,) = answer.json()["outputs"]
    np.testing.assert_array_equal(np.array(output["data"], np.float32).reshape(-1, 3), predictions(tables))


def test_columns_that_nothing_was_learnt_from_are_passed_over(tables: Service) -> None:
    one, content = packed(COLUMNS[0])
    other = {"name": "name", "datatype": "BYTES", "shape": [12], "parameters": {"binary_data_size": 3}}
    inputs = [other, one, *(tensor(column) for column in COLUMNS[1:])]
    answer = infer(tables, V2_PATHS[0], inputs, b"abc" + content)
    np.testing.assert_array_equal(
        np.array(answer.json()["outputs"][0]["data"], np.float32).reshape(-1, 3), predictions(tables)
    )


def test_classification_names_the_classes(tables: Service) -> None:
    outputs = [{"name": "predictions", "parameters": {"classification": 1}}]
    answer = infer(tables, V2_PATHS[0], [tensor(column) for column in COLUMNS], outputs=outputs)
    texts = answer.json()["outputs"][0]["data"]
    best = predictions(tables).argmax(axis=1)
    assert [text.split(":")[2] for text in texts] == [CLASSES[index] for index in best]


def of_small(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs of two rows for `small`, with changes to some by their names."""
    inputs: dict[str, dict[str, Any]] = {
        "age": {"datatype": "FP32", "data": [30, 50]},
        "zone": {"datatype": "BYTES", "data": ["a", "c"]},
        "ripe": {"datatype": "BOOL", "data": [True, False]},
        "day": {"datatype": "BYTES", "data": ["1970-01-03", ""]},
    }
    made = [{"name": name, "shape": [2, 1], **one, **changes.get(name, {})} for name, one in inputs.items()]
    return [{key: value for key, value in one.items() if value is not ...} for one in made]


@pytest.mark.parametrize("datatype", ["FP16", "FP64", "INT8", "UINT64"])
def test_numbers_come_in_any_datatype(tables: Service, datatype: str) -> None:
    expected = infer(tables, "/v2/models/small", of_small()).json()
    whole = {"datatype": datatype, "data": [1, 0]}
    answer = infer(tables, "/v2/models/small", of_small(age={"datatype": datatype}, ripe=whole))
    assert answer.json() == expected


def test_bfloat16_and_nested_data_are_read(tables: Service) -> None:
    expected = infer(tables, "/v2/models/small", of_small()).json()
    content = (np.array([30, 50], np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    age = {"datatype": "BF16", "data": ..., "parameters": {"binary_data_size": 4}}
    nested = of_small(age=age, zone={"data": [["a"], ["c"]]}, ripe={"data": [[True], [False]]})
    assert infer(tables, "/v2/models/small", nested, content).json() == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"age": {"name": "ages"}}, "#/inputs/0/name: Expected an input for each of the columns age, zone, ripe, day"),
        ({"age": {"name": 3}}, "#/inputs/0/name"),
        ({"zone": {"name": "age"}}, "#/inputs/1/name"),
        ({"zone": {"name": "name"}}, "#/inputs: The column 'zone' is missing"),
        ({"zone": {"shape": [1, 1]}}, "#/inputs/1/shape: Expected the shape [rows, 1]"),
        ({"age": {"shape": [2, 2]}}, "#/inputs/0/shape"),
        ({"age": {"shape": []}}, "#/inputs/0/shape"),
        ({"age": {"shape": [0]}}, "#/inputs/0/shape"),
        ({"age": {"shape": [-1, 1]}}, "#/inputs/0/shape"),
        ({"age": {"shape": "2"}}, "#/inputs/0/shape"),
        ({"age": {"shape": [True]}}, "#/inputs/0/shape"),
        ({"age": {"datatype": "BYTES"}}, "#/inputs/0/datatype: Expected FP64, or another datatype of numbers, for"),
        ({"age": {"datatype": "BOOL"}}, "#/inputs/0/datatype"),
        ({"age": {"datatype": ["FP64"]}}, "#/inputs/0/datatype"),
        ({"zone": {"datatype": "INT64"}}, "#/inputs/1/datatype: Expected BYTES, for 'zone'"),
        ({"day": {"datatype": "FP64"}}, "#/inputs/3/datatype: Expected BYTES"),
        ({"age": {"data": [30, "x"]}}, "#/inputs/0/data/1: Expected a number for this datatype; received a text"),
        ({"age": {"data": [30, math.inf]}}, "#/inputs/0/data/1: Expected a number; received Infinity"),
        ({"age": {"data": [30, 1e300]}}, "#/inputs/0/data/1: Expected a number"),
        ({"age": {"datatype": "INT8", "data": [30, 300]}}, "#/inputs/0/data: Expected numbers in the range"),
        ({"age": {"data": [30]}}, "Expected 2 numbers for this shape; received 1"),
        ({"age": {"data": ...}}, "'data' is missing"),
        ({"age": {"data": 3}}, "#/inputs/0/data: Expected a list of numbers"),
        ({"zone": {"data": ["a", 3]}}, "#/inputs/1/data/1: Expected a text for this datatype; received a number"),
        ({"zone": {"data": ["a", ""]}}, "#/inputs/1/data/1: Expected a text; received null"),
        ({"zone": {"data": ["a"]}}, "Expected 2 texts for this shape; received 1"),
        ({"ripe": {"datatype": "FP64", "data": [0.5, 1]}}, "#/inputs/2/data/0: Expected true or false"),
        ({"ripe": {"datatype": "INT8", "data": [2, 1]}}, "#/inputs/2/data/0: Expected true or false"),
        ({"day": {"data": ["soon", ""]}}, "#/inputs/3/data/0: Expected a date in ISO 8601"),
        ({"zone": {"parameters": {"binary_data_size": 1}}}, "Expected either data or a binary_data_size"),
        ({"zone": {"data": ..., "parameters": {"binary_data_size": 9}}}, "Expected 9 bytes after the JSON"),
    ],
)
def test_a_tensor_that_is_no_column_is_refused_with_a_reason(
    tables: Service, changes: dict[str, dict[str, Any]], words: str
) -> None:
    answer = infer(tables, "/v2/models/small", of_small(**changes))
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]


@pytest.mark.parametrize("inputs", [None, 3, [3], {}, []])
def test_what_is_no_list_of_inputs_is_refused(tables: Service, inputs: Any) -> None:
    answer = infer(tables, "/v2/models/small", inputs)
    assert answer.status_code == 400
    assert "#/inputs" in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\1\0\0\0a\1\0\0\0b\0", "after the JSON"),
        (b"\1\0\0\0a", "after the JSON"),
        (b"\1\0\0\0a\2\0\0\0b", "Expected 2 texts for this shape"),
        (b"\1\0\0\0a\0\0\0\0\0", "Expected 2 texts for this shape"),
        (b"\1\0\0\0a\xff\xff\xff\xffb", "Expected 2 texts for this shape"),
        (b"\1\0\0\0a\1\0\0\0\xff", "Expected texts in UTF-8"),
    ],
)
def test_bytes_that_are_no_texts_are_refused(tables: Service, content: bytes, words: str) -> None:
    zone = {"data": ..., "parameters": {"binary_data_size": 10}}
    answer = infer(tables, "/v2/models/small", of_small(zone=zone), content)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]


def test_the_raw_form_is_refused_because_it_has_one_input(tables: Service) -> None:
    headers = {"Inference-Header-Content-Length": "0"}
    answer = tables.client.post("/v2/models/small/infer", content=b"\0" * 8, headers=headers)
    assert answer.status_code == 400
    assert "an input for each column of a table" in answer.json()["error"]


def test_too_many_rows_are_refused_before_they_are_read(tables: Service) -> None:
    changes = {name: {"shape": [10**9, 1]} for name in ("age", "zone", "ripe", "day")}
    answer = infer(tables, "/v2/models/small", of_small(**changes))
    assert "at most 1,000,000 rows" in answer.json()["error"]


def test_a_version_that_went_out_comes_in_the_same(tables: Service) -> None:
    content = tables.client.get("/v1/models/fruit/export").content
    imported = tables.client.post(
        "/v1/models:import?model=copy", content=content, headers={"Content-Type": "application/zip"}
    )
    assert imported.status_code == 201, imported.text
    rows = [{**row, "name": "another column"} for row in ROWS]
    answer = tables.client.post("/v1/models/copy:predict", json={"instances": rows}).json()
    np.testing.assert_array_equal(np.array(answer["predictions"], np.float32), predictions(tables))
    assert set(answer["predicted_classes"]) <= set(CLASSES)


CSV = "\n".join(
    ["weight,skin,ripe,picked,fruit"]
    + [
        f"{120 + 3 * i},{('smooth', '')[i % 5 == 0]},{('true', 'false')[i % 2]},2024-05-0{1 + i % 9},apple"
        for i in range(9)
    ]
    + [f"{150 + 3 * i},rough,{('true', 'false')[i % 2]},2024-06-0{1 + i % 9},orange" for i in range(9)]
)


def test_a_trained_version_answers_and_is_measured_the_same_wherever_it_went(tables: Service) -> None:
    uploaded = tables.client.post("/v1/datasets", content=CSV, headers={"Content-Type": "text/csv"}).json()
    asked = {
        "model": "trained",
        "spec": {"layers": [{"class_name": "Dense", "units": "auto", "activation": "softmax"}]},
        "compile": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 3, "seed": 7},
        "data": {"dataset": uploaded["id"], "target": "fruit"},
    }
    assert tables.client.post("/v1/training-jobs", json=asked).status_code == 202
    tables.work()
    content = tables.client.get("/v1/models/trained/export").content
    headers = {"Content-Type": "application/zip"}
    assert tables.client.post("/v1/models:import?model=back", content=content, headers=headers).status_code == 201
    rows = [{"weight": 131.5, "skin": "smooth", "ripe": True, "picked": "2024-05-03"}]
    rows += [{"weight": None, "skin": None, "ripe": None, "picked": None}, {**rows[0], "skin": "hairy"}]
    body, data = {"instances": rows}, {"data": {"dataset": uploaded["id"]}}
    first, back = (tables.client.post(f"/v1/models/{name}:predict", json=body).json() for name in ("trained", "back"))
    assert back["predictions"] == first["predictions"]
    first_metrics, back_metrics = (
        tables.client.post(f"/v1/models/{name}:evaluate", json=data).json()["metrics"] for name in ("trained", "back")
    )
    assert back_metrics == first_metrics
    columns = [
        from_json_dict(one) for one in tables.client.get("/v1/models/back/versions/1").json()["input"]["features"]
    ]
    session = onnxruntime.InferenceSession(tables.client.get("/v1/models/trained/export?format=onnx").content)
    outputs, labels = session.run(None, tensors(columns, rows))
    np.testing.assert_allclose(outputs, first["predictions"], rtol=1e-6)
    assert labels.tolist() == first["predicted_classes"]


def outputs(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("predictions") or found.get("outputs")


@pytest.mark.parametrize("column", ["age", "ripe", "day"])
def test_a_column_that_may_have_gaps_may_be_missing_by_every_way(tables: Service, column: str) -> None:
    row = {"age": 30.0, "zone": "a", "ripe": True, "day": "1970-01-11"}
    expected = outputs(tables.client.post("/v1/models/small:predict", json={"instances": [{**row, column: None}]}))
    short = {name: value for name, value in row.items() if name != column}
    bodies: list[Any] = [{"instances": [short]}, {"instances": short}, {"inputs": {n: [v] for n, v in short.items()}}]
    for body in bodies:
        assert outputs(tables.client.post("/v1/models/small:predict", json=body)) == expected, body
    csv = f"{','.join(short)}\n{','.join(str(value).lower() for value in short.values())}\n"
    answer = tables.client.post(
        "/v1/models/small:predict?outputs=predictions", content=csv, headers={"Content-Type": "text/csv"}
    )
    assert [float(one) for one in answer.text.split()[-1].split(",")] == pytest.approx(expected[0])
    tensors_of = [one for one in of_small() if one["name"] != column]
    assert infer(tables, "/v2/models/small", tensors_of).status_code == 200


def test_a_column_that_takes_no_gap_has_to_be_there_by_every_way(tables: Service) -> None:
    rows: list[Any] = [{"instances": [{"age": 1}]}, {"instances": {"age": 1}}, {"inputs": {"age": [1]}}]
    places = ["#/instances/0/zone", "#/instances/zone", "#/inputs/zone"]
    for body, place in zip(rows, places, strict=True):
        problem = assert_problem(tables.client.post("/v1/models/small:predict", json=body), 422, "invalid_request")
        assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(place, "missing")]


def test_nan_in_a_row_is_a_gap_as_it_is_in_an_upload(tables: Service) -> None:
    row = {"age": None, "zone": "a", "ripe": None, "day": None}
    expected = outputs(tables.client.post("/v1/models/small:predict", json={"instances": [row]}))
    text = json.dumps({"instances": [{"age": math.nan, "zone": "a", "ripe": math.nan, "day": math.nan}]})
    headers = {"Content-Type": "application/json"}
    assert outputs(tables.client.post("/v1/models/small:predict", content=text, headers=headers)) == expected
