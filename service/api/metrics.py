"""`/metrics`: what all processes measure, and what the database says of the queue, for Prometheus."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from service.api.http.problems import documented
from service.api.state import Shared
from service.config import VERSION
from service.jobs import FINAL, Kind, Status
from service.storage.census import Census

router = APIRouter(tags=["health"])


class _Counted(Collector):
    def __init__(self, census: Census) -> None:
        self._census = census

    def collect(self) -> Iterable[Any]:
        census = self._census
        jobs = GaugeMetricFamily(
            "fitd_jobs", "Jobs that have not ended, by kind and status.", labels=["kind", "status"]
        )
        for kind in Kind:
            for status in Status:
                if status not in FINAL:
                    jobs.add_metric([kind.value, status.value], census.jobs.get((kind.value, status.value), 0))
        yield jobs
        for name, text, value in (
            ("fitd_oldest_queued_job_age_seconds", "Age of the job that has waited longest.", census.oldest_queued),
            ("fitd_oldest_lease_age_seconds", "Longest silence of a worker with a job.", census.oldest_lease),
            ("fitd_busy_workers", "Workers that have a job.", census.busy_workers),
            ("fitd_dataset_bytes", "Size of all datasets.", census.dataset_bytes),
            ("fitd_database_bytes", "Size of the database.", census.database_bytes),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        yield InfoMetricFamily("fitd_build", "The release.", value={"version": VERSION})


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "The metrics as text, in OpenMetrics if that is accepted.", "content": {"text/plain": {}}},
        **documented(503),
    },
)
def metrics(request: Request, shared: Shared) -> Response:
    """What Fitd does and how long it takes, of all API processes and workers of this `serve`, for Prometheus."""
    census = shared.database.census(shared.settings.lease_seconds)
    content, media_type = shared.measures.shown(request.headers.get("accept", ""), [_Counted(census)])
    return Response(content, headers={"Content-Type": media_type})
