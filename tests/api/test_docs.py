"""The documentation: complete, true to the routes, and readable without the internet."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from service.api import examples
from service.spec.vocabulary import MODELS, Record
from tests.support.serving import Service
from tests.support.sessions import Session

ANSWERS = Path(examples.__file__).with_name("answers.json")
SNAPSHOT = Path(__file__).parent / "openapi.json"
LOCAL = re.compile(r"(?:src|href)=\"([^\"]+)\"|url: '([^']+)'")

ONLY_A_DEFAULT = re.compile(r"^`[^`]*` if not given\.$")
"""What the document writes for a field with a default and without a description."""


@pytest.fixture(scope="module")
def document(shared: Service) -> dict[str, Any]:
    answer = shared.client.get("/openapi.json")
    assert answer.status_code == 200
    made: dict[str, Any] = answer.json()
    return made


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def without_vocabulary(schema: Any) -> Any:
    """The contract apart from examples, and from what `service.nn` says: a new layer is no change of it."""
    words = {model.__name__ for model in (*MODELS.values(), *Record.__subclasses__())}
    if isinstance(schema, list):
        return [without_vocabulary(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    choices = schema.get("oneOf", [])
    if any(choice.get("$ref", "").rpartition("/")[2] in words for choice in choices):
        return {"oneOf": "the words of service.nn"}
    return {
        key: without_vocabulary(value) for key, value in schema.items() if key not in words | {"example", "examples"}
    }


def test_the_contract_changes_only_on_purpose(document: dict[str, Any]) -> None:
    """To accept a change: FITD_ACCEPT_OPENAPI=1 python -m pytest tests/api/test_docs.py, and read the diff."""
    contract = without_vocabulary(document)
    if os.environ.get("FITD_ACCEPT_OPENAPI"):
        text = json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == contract


def test_every_operation_has_an_id_of_its_own_a_tag_and_a_description(document: dict[str, Any]) -> None:
    found = operations(document)
    ids = [operation["operationId"] for _, operation in found]
    assert len(set(ids)) == len(ids)
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in found:
        assert set(operation["tags"]) <= tags, name
        assert operation["description"], name


def without_description(schema: Any, place: str) -> Iterator[str]:
    """The properties in a schema, and in the schemas in it, that say nothing but their default."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from without_description(one, f"{place}/{number}")
    elif isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if name != "class_name" and not ONLY_A_DEFAULT.sub("", field.get("description", "")):
                yield f"{place}.{name}"
        for key, value in schema.items():
            if key not in ("example", "examples"):
                yield from without_description(value, f"{place}/{key}")


def test_every_field_says_what_it_means(document: dict[str, Any]) -> None:
    assert list(without_description(document, "#")) == []


def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    silent = [
        (name, parameter["name"])
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert silent == []


def test_every_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in json.dumps(document)
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                content = answer["content"]
                if name.split()[1].startswith("/v2"):
                    assert content["application/json"]["schema"]["$ref"].endswith("/Refusal"), (name, status)
                    continue
                assert list(content) == ["application/problem+json"], (name, status)
                assert content["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
        if name.split()[1] != "/livez":
            assert "500" in operation["responses"], name


def test_the_document_comes_compressed_to_callers_that_ask_for_it(shared: Service) -> None:
    plain = shared.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for encoding in ("gzip", "deflate"):
        answer = shared.client.get("/openapi.json", headers={"Accept-Encoding": encoding})
        assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == (encoding, "Accept-Encoding")
        assert answer.json() == plain.json()
        assert int(answer.headers["Content-Length"]) < len(plain.content) / 5


def test_each_status_of_a_problem_shows_an_example_of_its_own(document: dict[str, Any]) -> None:
    problem = Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": document["components"]})
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            example = answer.get("content", {}).get("application/problem+json", {}).get("example")
            if int(status) >= 400 and not name.split()[1].startswith("/v2"):
                assert (example["status"], example["title"]) == (int(status), answer["description"]), name
                assert example["type"] == f"urn:fitd:{example['code']}"
                problem.validate(example)


def test_each_status_of_success_shows_what_a_service_answers(service: Service, document: dict[str, Any]) -> None:
    answers = Session(service, document).all()
    if os.environ.get("FITD_ACCEPT_OPENAPI"):
        ANSWERS.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shown = json.loads(ANSWERS.read_text(encoding="utf-8"))
    assert {name: {*one} for name, one in answers.items()} == {name: {*one} for name, one in shown.items()}
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                if int(status) < 300 and media_type in ("application/json", "text/csv", "text/event-stream"):
                    assert content["example"] == shown[operation["operationId"]][status][media_type], name
                    schema = {**content.get("schema", {}), "components": document["components"]}
                    for kept in (shown, answers):
                        Draft202012Validator(schema).validate(kept[operation["operationId"]][status][media_type])


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()


def test_every_path_with_a_json_body_shows_how_it_looks(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None and content["schema"].get("format") != "binary":
            assert content["schema"]["$ref"], name
            assert content["examples"], name


def test_the_documented_requests_work_as_they_stand(service: Service) -> None:
    uploaded = service.client.post("/v1/datasets", content=examples.FRUIT, headers={"Content-Type": "text/csv"})

    def shown(chosen: dict[str, Any]) -> list[tuple[str, Any]]:
        """The requests, each with the model that it is about."""
        models = {"small": "xor", "canonical": "digits", "table": "fruit", "explained": "fruit", "continued": "xor"}
        text = json.dumps({name: example["value"] for name, example in chosen.items()})
        read = json.loads(text.replace(examples.DATASET, uploaded.json()["id"]))
        return [(models[name], request) for name, request in read.items()]

    for _, request in shown(examples.TRAINING_EXAMPLES):
        checked = service.client.post("/v1/training-jobs:validate", json=request)
        assert (checked.status_code, checked.json()["warnings"]) == (200, [])
        location = service.client.post("/v1/training-jobs", json=request).headers["Location"]
        service.work()
        assert service.client.get(location).json()["status"] == "succeeded"
    for chosen, path in (
        (examples.PREDICTION_EXAMPLES, "/v1/models/{}:predict"),
        (examples.CLASSIFICATION_EXAMPLES, "/v1/models/{}:classify"),
        (examples.REGRESSION_EXAMPLES, "/v1/models/{}:regress"),
        (examples.INFERENCE_EXAMPLES, "/v2/models/{}/infer"),
    ):
        for model, request in shown(chosen):
            answer = service.client.post(path.format(model), json=request)
            assert answer.status_code == 200, answer.text
    for example in examples.IMPORT_EXAMPLES.values():
        assert service.client.post("/v1/models:import", json=example["value"]).status_code == 201
    for model, request in shown(examples.EVALUATION_EXAMPLES):
        answer = service.client.post(f"/v1/models/{model}:evaluate", json=request)
        assert answer.json()["metrics"]["accuracy"] == 1
    for _, request in shown(examples.PREDICTION_JOB_EXAMPLES):
        assert service.client.post("/v1/prediction-jobs", json=request).status_code == 202


def test_the_documented_examples_are_whole_and_their_schemas_allow_them(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        schema = {**content.get("schema", {}), "components": document["components"]}
        for example in content.get("examples", {}).values():
            mistakes = [error.message for error in Draft202012Validator(schema).iter_errors(example["value"])]
            assert mistakes == [], name
    body = document["paths"]["/v1/models/{name}:predict"]["post"]["requestBody"]
    assert body["content"]["application/json"]["examples"] == examples.PREDICTION_EXAMPLES


def test_the_first_example_of_each_operation_on_a_model_is_about_the_one_that_the_first_training_makes(
    service: Service, document: dict[str, Any]
) -> None:
    service.client.post("/v1/training-jobs", json=next(iter(examples.TRAINING_EXAMPLES.values()))["value"])
    service.work()
    paths = {path: methods for path, methods in document["paths"].items() if "/models/{name}" in path}
    label = next(path for path in paths if path.endswith("/labels/{label}"))
    sent = 0
    for path, method in [(label, "put"), *((path, method) for path, methods in paths.items() for method in methods)]:
        operation = paths[path][method]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        filled = {
            one["name"]: one["schema"]["default"]
            for one in operation["parameters"]
            if one["in"] == "query" and "default" in one["schema"]  # as the page sends them
        }
        parts = {one["name"]: one["example"] for one in operation["parameters"] if one["in"] == "path"}
        if content is not None or method == "get":
            body = None if content is None else next(iter(content["examples"].values()))["value"]
            answer = service.client.request(method, path.format(**parts), params=filled, json=body)
            assert answer.status_code < 300, (path, answer.text)
            sent += 1
    assert sent > 30


def test_a_new_layer_of_nn_is_documented_by_itself(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["DropoutLayer"]["properties"]["rate"]["maximum"] == 1
    assert "adam" in json.dumps(schemas["CompileSpec"]["properties"]["optimizer"])


def test_the_size_that_follows_from_the_targets_is_documented(document: dict[str, Any]) -> None:
    units = document["components"]["schemas"]["DenseLayer"]["properties"]["units"]
    assert units["anyOf"] == [{"type": "integer", "minimum": 1}, {"type": "string", "const": "auto"}]
    assert "targets" in units["description"]


def test_the_root_leads_to_the_documentation(shared: Service) -> None:
    answer = shared.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")


def test_the_documentation_needs_nothing_from_elsewhere(shared: Service) -> None:
    page = shared.client.get("/docs")
    assert page.status_code == 200
    parts = [one or other for one, other in LOCAL.findall(page.text)]
    assert len(parts) >= 4
    for part in parts:
        assert part.startswith("/"), part
        answer = shared.client.get(part)
        assert answer.status_code == 200, part
        assert len(answer.content) > 100, part
