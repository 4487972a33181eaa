"""`/metrics` as Prometheus reads it: every request counted once, under labels that no caller can multiply."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.support.serving import Service, small


def value(service: Service, name: str, **labels: str) -> float:
    text = service.client.get("/metrics").text
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


def test_requests_are_counted_by_route_method_and_status(service: Service) -> None:
    count = "fitd_http_request_duration_seconds_count"
    for number in range(20):
        service.client.get(f"/v1/models/m{number}")
        service.client.get(f"/nowhere/{number}")
        service.client.request(f"BREW{number}", "/livez")
    assert value(service, count, route="/v1/models/{name}", method="GET", status="404") == 20
    assert value(service, count, route="unknown", status="404") == 20
    assert value(service, count, method="other", status="405") == 20
    service.client.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert value(service, count, route="/v1/models", status="403") == 1


def test_jobs_and_predictions_are_counted(service: Service) -> None:
    service.client.post("/v1/training-jobs", json=small())
    assert value(service, "fitd_jobs", kind="training", status="queued") == 1
    assert value(service, "fitd_oldest_queued_job_age_seconds") > 0
    service.work()
    assert value(service, "fitd_jobs", kind="training", status="queued") == 0
    service.client.post("/v1/models/xor:predict", json={"instances": [[0, 1], [1, 1], [0, 0]]})
    assert value(service, "fitd_prediction_rows_total", protocol="fitd") == 3
    assert value(service, "fitd_dataset_bytes") > 0
    assert value(service, "fitd_database_bytes") > 0
    assert value(service, "fitd_build_info") == 1


def test_openmetrics_is_spoken_to_those_who_accept_it(service: Service) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = service.client.get("/metrics", headers=accept)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in read_openmetrics(answer.text)}  # type: ignore[no-untyped-call]
    assert {"fitd_jobs", "fitd_build", "fitd_http_request_duration_seconds"} <= names
