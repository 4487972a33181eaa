"""Datasets over HTTP: uploaded in any form, told apart, described, downloaded and deleted."""

import bz2
import gzip
import io
import lzma
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.support.penguins import CSV, DATASETS, csv_of, penguins, request, upload
from tests.support.serving import Service, assert_problem


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
    types = {"day": "category", "pay": "number", "size": "number", "shop": "category"}
    assert {column["name"]: column["type"] for column in view["columns"]} == types
    warned = [("#/columns/pay", "marks_read"), ("#/columns/day", "looks_like_dates")]
    assert [(one["pointer"], one["code"]) for one in view["warnings"]] == warned
    assert "points stand between thousands" in view["warnings"][0]["detail"]
    assert service.client.get(f"{DATASETS}/{view['id']}").json()["warnings"] == view["warnings"]
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
    listed = service.client.get(DATASETS).json()["items"]
    assert {view["id"] for view in listed} == {first["id"], named["id"], parquet_view["id"]}
    assert [view["id"] for view in service.client.get(f"{DATASETS}?name=again").json()["items"]] == [named["id"]]


@pytest.mark.parametrize("media_type", ["text/csv", "application/octet-stream", "application/vnd.ms-excel"])
def test_a_form_with_a_file_is_read_as_the_file_is(service: Service, media_type: str) -> None:
    content = csv_of(penguins())
    expected = upload(service, content, "?name=penguins")
    path = f"{DATASETS}?name=penguins"
    for headers in ({}, {"Origin": "http://localhost", "Host": "localhost"}):
        answer = service.client.post(path, files={"file": ("a.csv", content, media_type)}, headers=headers)
        assert (answer.status_code, answer.json()["id"]) == (200, expected["id"]), answer.text
    foreign = {"Origin": "https://elsewhere.example"}
    answer = service.client.post(path, files={"file": ("a.csv", content, media_type)}, headers=foreign)
    assert_problem(answer, 403, "foreign_origin")


def test_what_is_no_form_with_one_file_is_told_to_send_the_file_itself(shared: Service) -> None:
    file = ("a.csv", b"a,b\n1,2\n", "text/csv")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    answers = [
        shared.client.post(DATASETS, data={"a": "1"}),
        shared.client.post(DATASETS, files={"a": file, "b": file}),
        shared.client.post(DATASETS, files={"a": (None, b"a,b\n1,2\n")}),
        *(
            shared.client.post(DATASETS, content=content, headers=broken)
            for content in (b"a,b\n1,2\n", b"--x\r\n", b"--x--\r\n", b"--x\r\nA: b\r\n\r\nc", b"--", b"")
        ),
        shared.client.post(DATASETS, content=b"--x", headers={"Content-Type": "multipart/form-data"}),
    ]
    for answer in answers:
        problem = assert_problem(answer, 415, "unsupported_media_type")
        assert "--data-binary" in problem["detail"]


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
        answer = service.client.post(DATASETS + query, content=content, headers={"Content-Type": kind})
        assert_problem(answer, status, code)
    assert service.rows()["datasets"] == 0
    assert list((service.settings.scratch).iterdir()) == []


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\x03\x04\x14\x00", "a zip file with neither arrays of NumPy nor a spreadsheet in it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", " "),
        (bz2.compress(b"a,b\n1,2\n"), "pack it with gzip or zstd"),
        (lzma.compress(b"a,b\n1,2\n"), "pack it with gzip or zstd"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "packed twice"),
        (b"\x93NUMPY\x01\x00", "x and y in one .npz"),
        (b"%PDF-1.7\n", "received a PDF"),
    ],
    ids=["zip", "xls", "bzip2", "xz", "gzip twice", "npy", "pdf"],
)
@pytest.mark.parametrize("media_type", ["text/csv", "application/octet-stream"])
def test_a_file_that_is_taken_for_a_table_by_mistake_is_named(
    service: Service, start: bytes, said: str, media_type: str
) -> None:
    answer = service.client.post(DATASETS, content=start, headers={"Content-Type": media_type})
    assert said in assert_problem(answer, 400, "bad_table")["detail"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", " \n\n "])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_octets_that_are_objects_on_lines_are_a_table(service: Service, newline: str, mark: str) -> None:
    octets = {"Content-Type": "application/octet-stream"}
    view = upload(service, (mark + newline.join(['{"a": 1}', '{"a": 2}'])).encode(), headers=octets)
    assert (view["form"], view["rows"]) == ("table", 2)
    whole = mark + newline.join(["{", '"x": [[1], [2]],', '"y": [1, 2]}'])
    assert upload(service, whole.encode(), headers=octets)["form"] == "arrays"


def test_octets_that_begin_with_a_column_pk_are_a_table(service: Service) -> None:
    view = upload(service, b"PK,b\n1,2\n", headers={"Content-Type": "application/octet-stream"})
    assert [column["name"] for column in view["columns"]] == ["PK", "b"]


@pytest.mark.parametrize("charset", ["koi8-r", '"koi8-r"', "KOI8-R; header=present"])
def test_a_character_set_in_the_content_type_is_that_of_the_text(service: Service, charset: str) -> None:
    content = "имя,n\nЮля,1\n".encode("koi8-r")
    typed = {"Content-Type": f"text/csv; charset={charset}"}
    assert [column["name"] for column in upload(service, content, headers=typed)["columns"]] == ["имя", "n"]
    content = content.decode("koi8-r").encode("cp1251")
    assert upload(service, content, "?encoding=cp1251", typed)["columns"][0]["name"] == "имя"
    for charset_of_many in ("utf-8", "UTF8"):
        typed = {"Content-Type": f"text/csv; charset={charset_of_many}"}
        assert upload(service, "ö,n\nx,1\n".encode("cp1252"), headers=typed)["columns"][0]["name"] == "ö"
    answer = service.client.post(DATASETS, content=b"a\n1\n", headers={"Content-Type": "text/csv; charset=klingon"})
    assert_problem(answer, 422, "invalid_request")


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Any) -> None:
    with Service(tmp_path, max_unpacked_bytes=100_000, max_columns=50, max_table_rows=1000) as service:
        bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
        assert_problem(service.client.post(DATASETS, content=bomb, headers=CSV), 413, "too_large")
        wide = ",".join(f"c{i}" for i in range(60)) + "\n" + ",".join("1" * 60) + "\n"
        assert_problem(service.client.post(DATASETS, content=wide.encode(), headers=CSV), 413, "too_large")
        long = b"a,b\n" + b"1,2\n" * 1001
        assert_problem(service.client.post(DATASETS, content=long, headers=CSV), 413, "too_large")


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


def test_a_dataset_is_named_by_its_name_wherever_an_id_is(service: Service) -> None:
    table = upload(service, csv_of(penguins()), "?name=penguins")
    path = f"{DATASETS}/penguins"
    assert service.client.get(path).json()["id"] == table["id"]
    assert service.client.get(f"{path}/content").status_code == 200
    asked = request("penguins")
    assert service.client.post("/v1/training-jobs:validate", json=asked).status_code == 200
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    version = service.client.get("/v1/models/penguins/versions/1").json()
    assert version["data"]["dataset"] == table["id"]
    body = {"model": "penguins", "dataset": "penguins"}
    assert service.client.post("/v1/prediction-jobs", json=body).status_code == 202
    measured = service.client.post("/v1/models/penguins:evaluate", json={"data": {"dataset": "penguins"}}).json()
    assert measured["dataset"] == table["id"]
    other = upload(service, csv_of(penguins(seed=5)), "?name=penguins")
    problem = assert_problem(service.client.get(path), 409, "ambiguous_name")
    assert table["id"] in problem["detail"]
    assert other["id"] in problem["detail"]
    assert_problem(service.client.post("/v1/training-jobs", json=asked), 409, "ambiguous_name")
    answer = service.client.post(f"{DATASETS}?name=ds_mine", content=b"a\n1\n", headers=CSV)
    assert_problem(answer, 422, "invalid_parameter")


def test_what_was_guessed_of_a_file_is_told_and_undone(service: Service) -> None:
    content = b"country;2019;pop\nFrance;67.1;950\nSpain;46.9;1,050\n"
    view = upload(service, content)
    assert {column["name"]: column["type"] for column in view["columns"]} == {
        "country": "category",
        "2019": "number",
        "pop": "number",
    }
    codes = {one["pointer"]: one["code"] for one in view["warnings"]}
    assert codes["#/columns/pop"] == "marks_read"
    assert (view["columns"][2]["min"], view["columns"][2]["max"]) == (950, 1050)
    texts = upload(service, content, "?type=pop:category&header=true")
    assert [column["type"] for column in texts["columns"]] == ["category", "number", "category"]
    again = service.client.get(f"{DATASETS}/{texts['id']}/content").content
    assert upload(service, again)["columns"] == texts["columns"]


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", "index"])
def test_the_index_that_pandas_saves_is_not_learnt(service: Service, name: str) -> None:
    table = {name: list(range(240)), **penguins()}
    dataset = upload(service, csv_of(table))["id"]
    answer = service.client.post("/v1/training-jobs:validate", json=request(dataset)).json()
    warned = [one["detail"] for one in answer["warnings"] if one["code"] == "index_column"]
    assert len(warned) == 1
    assert repr(name) in warned[0]


def test_an_index_that_a_parquet_file_names_is_not_learnt_whatever_it_is_called(service: Service) -> None:
    columns = {"plot": list(range(240)), **{name: values for name, values in penguins().items() if name != "nothing"}}
    table = pa.table(columns).replace_schema_metadata({"pandas": '{"index_columns": ["plot"]}'})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    view = upload(service, sink.getvalue(), headers={"Content-Type": "application/vnd.apache.parquet"})
    answer = service.client.post("/v1/training-jobs:validate", json=request(view["id"])).json()
    assert "'plot'" in next(one["detail"] for one in answer["warnings"] if one["code"] == "index_column")


@pytest.mark.parametrize("form", ["csv", "json", "uint64", "decimal"])
def test_long_numbers_stay_different_names_and_groups(service: Service, form: str) -> None:
    base = 2**64 - 20 if form == "uint64" else 10**25 if form != "decimal" else 10**37
    ids = [base + place // 2 for place in range(20)]
    rows = [{"id": one, "x": place, "y": ["a", "b"][place % 2]} for place, one in enumerate(ids)]
    if form == "csv":
        content, media_type = "id,x,y\n" + "".join(f"{one['id']},{one['x']},{one['y']}\n" for one in rows), "text/csv"
    elif form == "json":
        content, media_type = str(rows).replace("'", '"'), "application/json"
    else:
        kind = pa.uint64() if form == "uint64" else pa.decimal128(38, 0)
        made = pa.table({"id": pa.array(ids, kind), "x": range(20), "y": [one["y"] for one in rows]})
        sink = io.BytesIO()
        parquet.write_table(made, sink)
    body = content.encode() if form in ("csv", "json") else sink.getvalue()
    types = media_type if form in ("csv", "json") else "application/vnd.apache.parquet"
    view = upload(service, body, headers={"Content-Type": types})
    assert (view["columns"][0]["min"], view["columns"][0]["max"]) == (str(ids[0]), str(ids[-1]))
    split = {"test": 0.5, "method": "group", "column": "id"}
    asked = request(view["id"], data={"target": "y", "split": split})
    assert service.client.post("/v1/training-jobs:validate", json=asked).status_code == 200


def test_formulas_are_texts_where_they_are_asked_to_be(shared: Service) -> None:
    made = shared.client.post("/v1/datasets", content=b"a,b\n=1+1,2\nx,-3\n", headers={"Content-Type": "text/csv"})
    content = f"{made.headers['Location']}/content"
    assert shared.client.get(content).text == '"a","b"\n"=1+1",2\n"x",-3\n'
    assert shared.client.get(content, params={"formulas": "text"}).text == '"a","b"\n"\'=1+1",2\n"x",-3\n'
    assert shared.client.get(content, params={"formulas": "drop"}).status_code == 422
