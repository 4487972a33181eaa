"""Training jobs over HTTP: from the request to the history, and everything one can do with them on the way."""

import json
from typing import Any

import numpy as np
import pytest

from service.jobs import Progress
from tests.support.serving import Service, assert_problem, canonical, small

SINGLE = {"member": None, "members": None}


def test_the_canonical_request_goes_from_queued_to_predictions(service: Service) -> None:
    request, client = canonical(), service.client
    answer = client.post("/v1/training-jobs", json=request)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/training-jobs/{job['id']}" == job["links"]["self"]
    assert answer.headers["Retry-After"]
    assert (job["status"], job["model"], job["version"], job["attempt"]) == ("queued", "digits", None, 0)
    assert job["progress"] == {"epoch": 0, "epochs": 10, "fraction": 0.0, "eta_seconds": None, **SINGLE}

    service.work()
    job = client.get(answer.headers["Location"]).json()
    assert (job["status"], job["version"], job["attempt"], job["seed"]) == ("succeeded", 1, 1, 7)
    assert job["progress"] == {"epoch": 10, "epochs": 10, "fraction": 1.0, "eta_seconds": None, **SINGLE}
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert job["finished_at"].endswith("Z")

    history = client.get(job["links"]["history"]).json()
    assert [epoch["epoch"] for epoch in history["items"]] == list(range(1, 11))
    assert history["items"][-1]["metrics"] == job["metrics"]
    assert set(job["metrics"]) == {"loss", "accuracy"}
    losses = [epoch["metrics"]["loss"] for epoch in history["items"]]
    assert losses[-1] < losses[0]

    version = client.get(job["links"]["version"]).json()
    shown = [(row["output_shape"], row["params"]) for row in version["summary"]]
    assert shown == [([None, 64], 6464), ([None, 10], 650)]

    answer = client.post("/v1/models/digits:predict", json={"instances": request["data"]["x"][:3]})
    predictions = np.array(answer.json()["predictions"])
    assert predictions.shape == (3, 10)
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)


def test_a_vector_is_a_list_in_job_version_history_and_events(service: Service) -> None:
    """One number for each class in `F1Score`, one for each threshold in `Precision`, as in Keras."""
    metrics = [{"class_name": "F1Score"}, {"class_name": "Precision", "thresholds": [0.2, 0.5, 0.8]}]
    spec = {"layers": [{"class_name": "Dense", "units": 2, "activation": "softmax"}]}
    compiled = {"optimizer": "sgd", "loss": "categorical_crossentropy", "metrics": metrics}
    data = {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": [[1, 0], [0, 1], [0, 1], [1, 0]]}
    job = service.train(spec=spec, compile=compiled, data=data, fit={"epochs": 2, "seed": 1})
    version = service.client.get(job["links"]["version"]).json()
    history = service.client.get(job["links"]["history"]).json()["items"]
    assert job["metrics"] == version["metrics"] == history[-1]["metrics"]
    assert [len(job["metrics"][name]) for name in ("f1_score", "precision")] == [2, 3]
    told = service.client.get(job["links"]["events"]).text
    assert json.dumps(job["metrics"]["precision"], separators=(",", ":")) in told.replace(" ", "")


def test_the_same_seed_gives_the_same_weights_and_a_missing_one_is_drawn_and_told(service: Service) -> None:
    first = service.train(fit={"epochs": 3, "seed": None})
    again = service.train(fit={"epochs": 3, "seed": first["seed"]})
    other = service.train(fit={"epochs": 3, "seed": None})
    assert isinstance(first["seed"], int)
    digests = [service.client.get(job["links"]["version"]).json()["sha256"] for job in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_a_request_without_a_name_gets_one(service: Service) -> None:
    job = service.train(model=None)
    assert service.client.get(f"/v1/models/{job['model']}").status_code == 200


def test_warnings_stay_with_the_job(service: Service) -> None:
    job = service.train(data={"x": [[0, 0], [0, 900], [1, 0], [1, 900]]})
    assert [(warning["pointer"], warning["code"]) for warning in job["warnings"]] == [("#/data/x", "unscaled_inputs")]


def test_jobs_are_listed_newest_first_page_by_page(service: Service) -> None:
    made = [service.train(model=name)["id"] for name in ("a", "b", "a")]
    seen, cursor = [], ""
    for _ in range(3):
        page = service.client.get(f"/v1/training-jobs?limit=1{cursor}").json()
        seen += [job["id"] for job in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] is None


def test_jobs_are_listed_by_model_and_status(service: Service) -> None:
    done = service.train(model="a")["id"]
    waiting = service.client.post("/v1/training-jobs", json=small(model="b")).json()["id"]

    def listed(query: str) -> list[str]:
        return [job["id"] for job in service.client.get(f"/v1/training-jobs?{query}").json()["items"]]

    assert listed("model=a") == [done]
    assert listed("status=queued") == [waiting]
    assert listed("model=a&status=queued") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=many", "status=done", "model=%00"])
def test_a_wrong_query_parameter_is_named_and_not_repeated(shared: Service, query: str) -> None:
    problem = assert_problem(shared.client.get(f"/v1/training-jobs?{query}"), 422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("path", ["training-jobs", "models/xor/versions"])
@pytest.mark.parametrize("cursor", ["elsewhere", "9" * 20])
def test_a_cursor_that_no_page_gave_is_refused(shared: Service, path: str, cursor: str) -> None:
    assert_problem(shared.client.get(f"/v1/{path}?cursor={cursor}"), 400, "bad_cursor")


def test_a_queued_job_is_cancelled_at_once_and_stays_so(service: Service) -> None:
    job = service.client.post("/v1/training-jobs", json=small()).json()
    for _ in range(2):
        answer = service.client.post(job["links"]["cancel"])
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    service.work()
    job = service.client.get(job["links"]["self"]).json()
    assert (job["status"], job["version"]) == ("cancelled", None)


def test_a_running_job_is_asked_to_stop(service: Service) -> None:
    job = service.client.post("/v1/training-jobs", json=small()).json()
    with service.database.transaction() as tx:
        tx.jobs.claim("somebody", 15)
    answer = service.client.post(job["links"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")


def test_a_running_job_tells_how_far_it_is_and_when_to_ask_again(service: Service) -> None:
    job = service.client.post("/v1/training-jobs", json=small()).json()
    with service.database.transaction() as tx:
        claim = tx.jobs.claim("somebody", 15)
    assert claim is not None
    with service.database.transaction() as tx:
        tx.jobs.beat(claim, Progress(epoch=25, fraction=0.25, metrics={"loss": 0.5}, remaining_seconds=60))
    answer = service.client.get(job["links"]["self"])
    assert answer.headers["Retry-After"] == "1"
    job = answer.json()
    assert (job["status"], job["metrics"], job["attempt"]) == ("running", {"loss": 0.5}, 1)
    assert 50 < job["progress"].pop("eta_seconds") <= 60
    assert job["progress"] == {"epoch": 25, "epochs": 100, "fraction": 0.25, **SINGLE}


def test_a_job_that_has_ended_is_not_changed_by_cancel(service: Service) -> None:
    job = service.train()
    answer = service.client.post(job["links"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


@pytest.mark.parametrize("path", ["", "/history", ":cancel"])
def test_a_job_that_does_not_exist_is_not_found(shared: Service, path: str) -> None:
    method = "POST" if path == ":cancel" else "GET"
    assert_problem(shared.client.request(method, f"/v1/training-jobs/job_none{path}"), 404, "not_found")


def test_a_training_that_leaves_the_numbers_fails_and_says_why(service: Service) -> None:
    job = service.train(
        spec={"layers": [{"class_name": "Dense", "units": 1}]},
        compile={"optimizer": {"class_name": "SGD", "learning_rate": 1e30}, "loss": "mse"},
        data={"x": [[1, 2], [3, 4], [5, 6], [7, 8]], "y": [1, 2, 3, 4]},
    )
    assert (job["status"], job["version"]) == ("failed", None)
    assert job["error"]["reason"] == "diverged"
    assert "learning rate" in job["error"]["detail"]
    assert job["progress"]["fraction"] == job["progress"]["epoch"] / job["progress"]["epochs"] < 1
    assert_problem(service.client.get("/v1/models/xor"), 404, "not_found")


def test_class_names_weights_and_validation_data_arrive_in_the_training(service: Service) -> None:
    job = service.train(
        fit={
            "epochs": 2,
            "class_weight": {"equal": 2.0, "different": 1},
            "validation_data": {"x": [[0, 1], [1, 1]], "y": ["different", "equal"]},
        }
    )
    assert job["status"] == "succeeded"
    assert {"val_loss", "val_accuracy"} <= set(job["metrics"])
    job = service.train(fit={"epochs": 2, "sample_weight": [1, 0, 1, 0.5]})
    assert job["status"] == "succeeded"


KERAS_3 = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "sequential",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "config": {
                    "batch_shape": [None, 2],
                    "dtype": "float32",
                    "sparse": False,
                    "ragged": False,
                    "name": "input_layer",
                    "optional": False,
                },
                "registered_name": None,
            },
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {
                    "name": "dense",
                    "trainable": True,
                    "dtype": {
                        "module": "keras",
                        "class_name": "DTypePolicy",
                        "config": {"name": "float32"},
                        "registered_name": None,
                        "shared_object_id": 7,
                    },
                    "units": 8,
                    "activation": "tanh",
                    "use_bias": True,
                    "kernel_initializer": {
                        "module": "keras.initializers",
                        "class_name": "GlorotUniform",
                        "config": {"seed": None},
                        "registered_name": None,
                    },
                    "bias_initializer": {
                        "module": "keras.initializers",
                        "class_name": "Zeros",
                        "config": {},
                        "registered_name": None,
                    },
                    "kernel_regularizer": None,
                    "bias_regularizer": None,
                    "kernel_constraint": None,
                    "bias_constraint": None,
                    "quantization_config": None,
                },
                "registered_name": None,
                "build_config": {"input_shape": [None, 2]},
            },
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"name": "dense_1", "units": 1, "activation": "sigmoid"},
                "registered_name": None,
            },
        ],
        "build_input_shape": [None, 2],
    },
    "registered_name": None,
    "build_config": {"input_shape": [None, 2]},
}

KERAS_2 = {
    "class_name": "Sequential",
    "config": {
        "name": "sequential",
        "layers": [
            {
                "class_name": "Dense",
                "config": {
                    "name": "dense",
                    "trainable": True,
                    "batch_input_shape": [None, 2],
                    "dtype": "float32",
                    "units": 8,
                    "activation": "tanh",
                    "use_bias": True,
                    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
                    "bias_initializer": {"class_name": "Zeros", "config": {}},
                    "activity_regularizer": None,
                },
            },
            {"class_name": "Dense", "config": {"name": "dense_1", "units": 1, "activation": "sigmoid"}},
        ],
    },
    "keras_version": "2.15.0",
    "backend": "tensorflow",
}


@pytest.mark.parametrize(
    "spec",
    [KERAS_3, KERAS_2, json.dumps(KERAS_3), json.dumps(KERAS_2)],
    ids=["Keras 3", "Keras 2", "Keras 3 text", "Keras 2 text"],
)
def test_what_keras_writes_trains_the_same_weights_as_our_own_words(service: Service, spec: Any) -> None:
    request = small(fit={"epochs": 2})
    request["spec"] = spec
    location = service.client.post("/v1/training-jobs", json=request).headers["Location"]
    ours = service.train(fit={"epochs": 2})
    theirs = service.client.get(location).json()
    digests = [service.client.get(job["links"]["version"]).json()["sha256"] for job in (ours, theirs)]
    assert digests[0] == digests[1]


def test_an_optimizer_may_be_written_as_either_keras_writes_it(service: Service) -> None:
    keras_2 = {"class_name": "Adam", "config": {"name": "Adam", "lr": 0.1, "decay": 0.0, "epsilon": 1e-07}}
    keras_3 = {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {"name": "adam", "learning_rate": 0.1, "weight_decay": None, "loss_scale_factor": None},
        "registered_name": None,
    }
    plain = {"class_name": "Adam", "learning_rate": 0.1}
    jobs = [service.train(fit={"epochs": 2}, compile={"optimizer": form}) for form in (keras_2, keras_3, plain)]
    assert len({job["metrics"]["loss"] for job in jobs}) == 1
