"""A key that stands twice in one of a request's own objects is refused; in rows of data the last one counts."""

import json
from typing import Any

import pytest

from service.formats.json_keys import check_keys
from tests.support.serving import Service, assert_problem, small

JSON = {"Content-Type": "application/json"}
TRAINING = json.dumps(small())


def twice(text: str, key: str) -> str:
    """The text with the first object that has this key having it twice."""
    return text.replace(f'"{key}":', f'"{key}": null, "{key}":', 1)


@pytest.mark.parametrize("path", ["/v1/training-jobs", "/v1/training-jobs:validate"])
@pytest.mark.parametrize("key", ["model", "layers", "class_name", "units", "loss", "epochs"])
def test_a_training_request_says_each_key_once(shared: Service, path: str, key: str) -> None:
    answer = shared.client.post(path, content=twice(TRAINING, key), headers=JSON)
    problem = assert_problem(answer, 400, "duplicate_key")
    assert key in problem["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/xor:predict", '{"instances": [[0, 1]], "top_k": 1, "top_k": 2}'),
        ("/v1/models/xor:evaluate", '{"data": {"x": [[0, 1]], "y": [1], "classes": null, "classes": null}}'),
        ("/v1/models/xor:classify", '{"examples": [], "examples": [{"x": [0, 1]}]}'),
        ("/v2/models/xor/infer", '{"inputs": [{"name": "input", "name": "input", "shape": [1, 2]}]}'),
        ("/v1/prediction-jobs", '{"model": "xor", "model": "xor", "dataset": "ds_1"}'),
        ("/v1/training-jobs:batch", '{"jobs": [{"model": "a", "model": "b"}]}'),
        ("/v1/training-jobs", r'{"model": "a", "\u006dodel": "b"}'),
        ("/v1/training-jobs", '{"model": "a", "fit": {"seed": NaN, "seed": 1}}'),
        ("/v1/training-jobs", r'{"fit": {}, "a\u0000": {"b": 1, "b": 2}, "a\u0000b": 1}'),
    ],
)
def test_every_request_says_each_key_once(shared: Service, path: str, body: str) -> None:
    answer = shared.client.post(path, content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    assert "twice" in answer.text


def test_in_rows_of_data_the_last_one_counts(shared: Service) -> None:
    def predicted(rows: str) -> Any:
        answer = shared.client.post("/v1/models/xor:predict", content=f'{{"instances": {rows}}}', headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"]

    assert predicted('[{"input": [9, 9], "input": [0, 1]}]') == predicted('[{"input": [0, 1]}]')


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"a": 1, "b": {"a": 1}}', b'[{"a": 1}, {"a": 1}]', b'{"a": "\\"a\\":"}']
)
def test_what_has_no_key_twice_passes(text: bytes) -> None:
    check_keys(text)
