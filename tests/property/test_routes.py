"""One value means one thing by every route: JSON, CSV, Parquet, Arrow, both protocols, the exported script and ONNX."""

import io
import itertools
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from service.data.features.columns import CategoryColumn, NumberColumn
from service.exchange.exporting import export
from tests.support.encoders import stored
from tests.support.penguins import upload
from tests.support.serving import Service
from tests.support.versions import new_version

WORDS = [
    "",
    "NA",
    "null",
    "nan",
    "None",
    "007",
    "7",
    "7.0",
    "1e3",
    "true",
    "True",
    " x",
    "x ",
    "a,b",
    'a"b',
    "a\nb",
    "é",
]
WORDS += ["9007199254740993", "9007199254740992", "123456789012345678901", "1,050", "$5", "2024-01-02", "-", "?", "'"]
TEXTS = st.sampled_from(WORDS) | st.text("aAé ,;\"'\n0.", max_size=4)
NUMBERS = st.none() | st.floats(-1e6, 1e6).map(lambda value: float(np.float32(value))) | st.integers(-9, 9).map(float)
_names = itertools.count()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("routes")) as made:
        yield made


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a CSV that puts texts in quotes, and nothing where nothing is."""

    def cell(value: Any) -> str:
        return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else "" if value is None else repr(value)

    lines: list[list[Any]] = [list(rows[0]), *([row[name] for name in rows[0]] for row in rows)]
    return "".join(",".join(map(cell, line)) + "\n" for line in lines)


class Routes:
    """A version with a column of texts and one of numbers, and each way to ask it."""

    def __init__(self, service: Service, columns: Sequence[Any]) -> None:
        self.version, self.weights = stored(columns)
        self.name = f"m{next(_names)}"
        self.client = service.client
        parts = {key: getattr(self.version, key) for key in ("spec", "compile", "input", "output", "data")}
        with service.database.transaction() as tx:
            tx.models.add(self.name, new_version(**parts, metrics={}, weights=self.weights))

    def json(self, body: Mapping[str, Any]) -> Any:
        answer = self.client.post(f"/v1/models/{self.name}:predict", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json().get("predictions") or answer.json()["outputs"]

    def table(self, content: bytes, media_type: str) -> Any:
        headers = {"Content-Type": media_type, "Accept": "application/vnd.apache.arrow.stream"}
        path = f"/v1/models/{self.name}:predict?outputs=predictions"
        answer = self.client.post(path, content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        return np.stack([column.to_numpy() for column in ipc.open_stream(answer.content).read_all().columns], axis=1)

    def classify(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        answer = self.client.post(f"/v1/models/{self.name}:classify", json={"examples": rows})
        assert answer.status_code == 200, answer.text
        return [[score for _, score in row] for row in answer.json()["results"]]

    def infer(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        inputs = [
            {"name": "kind", "datatype": "BYTES", "shape": [len(rows)], "data": [row["kind"] for row in rows]},
            {"name": "size", "datatype": "FP64", "shape": [len(rows)], "data": [row["size"] for row in rows]},
        ]
        answer = self.client.post(f"/v2/models/{self.name}/infer", json={"inputs": inputs})
        assert answer.status_code == 200, answer.text
        output = answer.json()["outputs"][0]
        return np.reshape(output["data"], output["shape"])

    def script(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        return self._module().predict([dict(row) for row in rows])

    def script_on(self, file: Path) -> Any:
        module = self._module()
        return module.predict(module.read([str(file)], ["kind", "size"]))

    def _module(self) -> ModuleType:
        with zipfile.ZipFile(io.BytesIO(export(self.version, self.weights, "python").content)) as archive:
            source, weights = archive.read("predictor.py").decode(), archive.read("weights.npz")
        module = ModuleType("predictor")
        module.__file__ = "/predictor.py"
        loading = 'np.load(Path(__file__).with_name("weights.npz"), allow_pickle=False)'
        assert loading in source
        module.__dict__["content"] = io.BytesIO(weights)
        exec(source.replace(loading, "np.load(content)"), module.__dict__)
        return module

    def onnx(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        session = onnxruntime.InferenceSession(export(self.version, self.weights, "onnx").content)
        kinds = np.array([["" if row["kind"] is None else row["kind"]] for row in rows], object)
        sizes = np.array([[math.nan if row["size"] is None else row["size"]] for row in rows])
        return session.run(None, {"kind": kinds, "size": sizes})[0]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Any], list[dict[str, Any]]]:
    """Columns, and rows with texts that they know, others, and gaps."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    missing = draw(st.sampled_from(["indicator", "most_frequent"]))
    marks = missing == "indicator" and draw(st.booleans())
    fill = texts[0] if missing == "most_frequent" else None
    columns = [
        CategoryColumn("kind", "one_hot", missing, fill, texts, marks),
        NumberColumn("size", "standardize", draw(st.sampled_from(["mean", "indicator"])), 2.0, 2.0, 3.0),
    ]
    # Where the empty text is known, tensors and models of ONNX have no word for a gap.
    gaps = st.none() if "" not in texts else st.nothing()
    kinds = st.sampled_from(texts) | TEXTS | gaps
    rows = draw(st.lists(st.fixed_dictionaries({"kind": kinds, "size": NUMBERS}), min_size=1, max_size=5))
    rows[0]["size"] = 1.5  # else nothing tells a column of numbers from one of nothing
    return columns, rows


@given(case=cases())
@example(case=([CategoryColumn("kind", "one_hot", "indicator", None, ["", "NA", "x"], False),
                NumberColumn("size", "standardize", "mean", 2.0, 2.0, 3.0)],
               [{"kind": kind, "size": 1.5} for kind in ("", "NA", "x", "null", "y")]))  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_means_the_same_by_every_route(service: Service, case: tuple[list[Any], list[dict[str, Any]]]) -> None:
    columns, rows = case
    routes = Routes(service, columns)
    expected = routes.json({"instances": rows})
    table = pa.table(
        {
            "kind": pa.array([row["kind"] for row in rows], pa.string()),
            "size": pa.array([row["size"] for row in rows], pa.float64()),
        }
    )
    in_parquet, in_arrow = io.BytesIO(), io.BytesIO()
    parquet.write_table(table, in_parquet)
    with ipc.new_file(in_arrow, table.schema) as writer:
        writer.write_table(table)
    answers = {
        "columns": routes.json({"inputs": {name: [row[name] for row in rows] for name in ("kind", "size")}}),
        "one object": [routes.json({"instances": row})[0] for row in rows],
        "TensorFlow Serving": routes.classify(rows),
        "V2": routes.infer(rows),
        "CSV": routes.table(csv_of(rows).encode(), "text/csv"),
        "Parquet": routes.table(in_parquet.getvalue(), "application/vnd.apache.parquet"),
        "Arrow": routes.table(in_arrow.getvalue(), "application/vnd.apache.arrow.file"),
        "script": routes.script(json.loads(json.dumps(rows))),
        "ONNX": routes.onnx(rows),
    }
    for route, answer in answers.items():
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6, err_msg=route)


@pytest.mark.parametrize("known", ["NA", "null", "nan"])
def test_a_text_that_training_knew_stays_a_text_however_a_csv_writes_it(service: Service, known: str) -> None:
    routes = Routes(service, [CategoryColumn("kind", "one_hot", "indicator", None, [known, "x"], True),
                              NumberColumn("size", "none", "mean", 0.0)])  # fmt: skip
    expected = routes.json({"instances": [{"kind": known, "size": 1.0}, {"kind": None, "size": 2.0}]})
    for content in (f"kind,size\n{known},1.0\n,2.0\n", f'kind,size\n"{known}",1.0\nN/A,2.0\n'):
        np.testing.assert_allclose(routes.table(content.encode(), "text/csv"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("written", "texts", "numbers"),
    [
        ({"thousands": ".", "decimal": ","}, ["1.050"], [1050]),
        ({"thousands": ".", "decimal": ","}, ["1.050", "12.400,5", "NA", "7"], [1050, 12400.5, None, 7]),
        ({"thousands": ",", "decimal": "."}, ["1,050"], [1050]),
        ({"thousands": " ", "decimal": ","}, ["1 050,25", "3"], [1050.25, 3]),
        ({"thousands": "'", "decimal": "."}, ["1'050", "3.5"], [1050, 3.5]),
        ({"decimal": ","}, ["1,050"], [1.05]),
        ({"decimal": ".", "sign": "$"}, ["$5", "-$3.25", "7"], [5, -3.25, 7]),
        ({"decimal": ".", "sign": "%"}, ["5 %", "12.5%"], [5, 12.5]),
        ({"thousands": ".", "decimal": ","}, ["1.05", "2.5"], [1.05, 2.5]),  # not so written: as any other table
    ],
)
@pytest.mark.parametrize("delimiter", [";", "\t", ";padded"])
def test_numbers_of_a_table_are_read_with_the_marks_that_training_read(
    service: Service, tmp_path: Path, written: dict[str, str], texts: list[str], numbers: list[Any], delimiter: str
) -> None:
    size = NumberColumn("size", "standardize", "mean", 2.0, 2.0, 300.0, written=written)
    routes = Routes(service, [CategoryColumn("kind", "one_hot", "indicator", None, ["a", "x y"], True), size])
    expected = routes.json({"instances": [{"kind": "x y", "size": number} for number in numbers]})
    between = delimiter[0] + (" " if delimiter.endswith("padded") else "")
    content = "".join(f"{cell}{between}{kind}\n" for cell, kind in [("size", "kind"), *((t, "x y") for t in texts)])
    np.testing.assert_allclose(routes.table(content.encode(), "text/csv"), expected, rtol=1e-5)
    (tmp_path / "rows.csv").write_text(content, encoding="utf-8")
    np.testing.assert_allclose(routes.script_on(tmp_path / "rows.csv"), expected, rtol=1e-5)


def test_an_unknown_text_in_quotes_that_is_written_as_a_gap_is_a_text_to_the_script_too(
    service: Service, tmp_path: Path
) -> None:
    routes = Routes(service, [CategoryColumn("kind", "one_hot", "indicator", None, ["x", "y"], True),
                              NumberColumn("size", "none", "mean", 0.0)])  # fmt: skip
    expected = routes.json({"instances": [{"kind": kind, "size": 1.0} for kind in ("NA", None, "x", "null")]})
    for mark in (",", ";"):
        content = 'kind,size\n"NA",1\nNA,1\n"x",1\n"null","1"\n'.replace(",", mark)
        np.testing.assert_allclose(routes.table(content.encode(), "text/csv"), expected, rtol=1e-5)
        (tmp_path / "rows.csv").write_text(content, encoding="utf-8")
        np.testing.assert_allclose(routes.script_on(tmp_path / "rows.csv"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "rows", "numbers"),
    [
        ("pop,t\n950,1\n1.050,2\n12.400,3\n", b"pop\n1.050\n", 1050),
        ("pop;t\n1,5;1\n2,25;2\n3,125;3\n", b"sep=;\npop\n1,050\n", 1.05),
        ('pop,t\n"$1,050",1\n"$2,000",2\n$300,3\n', b'pop\n"$1,050"\n', 1050),
    ],
)
def test_a_version_keeps_how_the_numbers_of_its_training_were_written(
    service: Service, content: str, rows: bytes, numbers: float
) -> None:
    name = f"kept{next(_names)}"
    asked = {
        "model": name,
        "spec": {"layers": [{"class_name": "Dense", "units": 1}]},
        "compile": {"optimizer": "Adam", "loss": "mean_squared_error"},
        "data": {"dataset": upload(service, content.encode())["id"], "target": "t"},
    }
    assert service.client.post("/v1/training-jobs", json=asked).status_code == 202
    service.work()
    expected = service.client.post(f"/v1/models/{name}:predict", json={"instances": [{"pop": numbers}]}).json()
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    answer = service.client.post(f"/v1/models/{name}:predict", content=rows, headers=headers)
    assert answer.status_code == 200, answer.text
    assert float(answer.text.split()[1]) == pytest.approx(expected["predictions"][0][0], rel=1e-5)
    (feature,) = service.client.get(f"/v1/models/{name}/versions/1").json()["input"]["features"]
    assert feature["written"]["decimal"] in (".", ",")
