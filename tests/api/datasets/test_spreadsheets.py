"""Spreadsheets over HTTP: uploaded, sent in a form, and predicted, with the answers that CSV gets."""

import csv
import io
from typing import Any

import pytest

from service.formats.spreadsheets.kinds import XLS, XLSX
from tests.support.penguins import DATASETS, csv_of, penguins, trained, upload
from tests.support.serving import Service, assert_problem
from tests.support.spreadsheets import with_sheet, xlsx_of

PREDICT = "/v1/models/penguins:predict"


def workbook(table: dict[str, list[Any]], **said: Any) -> bytes:
    return xlsx_of([[*table], *map(list, zip(*table.values(), strict=True))], **said)


@pytest.mark.parametrize("content_type", [XLSX, "application/octet-stream", "application/zip", XLS])
def test_a_spreadsheet_is_uploaded_by_its_media_type_and_by_what_it_is(service: Service, content_type: str) -> None:
    content = workbook({"code": ["01", "02"], "x": [1.5, None]})
    view = upload(service, content, headers={"Content-Type": content_type})
    assert [(one["name"], one["type"], one.get("missing")) for one in view["columns"]] == [
        ("code", "category", 0),
        ("x", "number", 1),
    ]


def test_a_csv_that_is_called_a_spreadsheet_as_windows_does_is_a_csv(service: Service) -> None:
    assert upload(service, b"a,b\n1,2\n", headers={"Content-Type": XLS})["rows"] == 1


def test_a_spreadsheet_comes_in_a_form_and_its_sheet_is_named_in_the_query(service: Service) -> None:
    content = workbook({"x": [1, 2]}, sheets=("Second",))
    for content_type in (XLSX, "application/octet-stream"):
        answer = service.client.post(f"{DATASETS}?sheet=Sheet", files={"file": ("a.xlsx", content, content_type)})
        assert answer.status_code in (200, 201), answer.text
    answer = service.client.post(f"{DATASETS}?sheet=Third", content=content, headers={"Content-Type": XLSX})
    assert "'Sheet', 'Second'" in assert_problem(answer, 400, "unknown_sheet")["detail"]


def test_far_cells_are_refused_before_they_are_built(service: Service) -> None:
    far = "".join(f'<row><c r="{place}"><v>1</v></c></row>' for place in ("A1", "XFD1048576"))
    trained(service)
    for path in (DATASETS, PREDICT):
        answer = service.client.post(path, content=with_sheet(far), headers={"Content-Type": XLSX})
        assert_problem(answer, 413, "too_large")


def test_a_spreadsheet_is_predicted_as_the_same_rows_in_csv_are_and_answered_in_csv(service: Service) -> None:
    trained(service)
    table = {name: values for name, values in penguins(40, seed=9).items() if name != "species"}
    expected = service.client.post(PREDICT, content=csv_of(table), headers={"Content-Type": "text/csv"})
    got = service.client.post(PREDICT, content=workbook(table), headers={"Content-Type": XLSX})
    assert got.status_code == 200, got.text
    assert got.headers["Content-Type"].startswith("text/csv")
    assert got.text == expected.text
    assert len(list(csv.reader(io.StringIO(got.text)))) == 41
    parquet = {"Content-Type": XLSX, "Accept": f"{XLSX}, application/vnd.apache.parquet;q=0.5"}
    assert service.client.post(PREDICT, content=workbook(table), headers=parquet).content[:4] == b"PAR1"
