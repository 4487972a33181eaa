"""The client: one service, and what it holds."""

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx

from fitd.answers import ValidationView
from fitd.asynchronous.datasets import Dataset, Datasets
from fitd.asynchronous.jobs import Job, Jobs
from fitd.asynchronous.models import Models
from fitd.asynchronous.transport import Transport
from fitd.payloads import Progress
from fitd.requests import training_request
from fitd.retries import Retries
from fitd.settings import settings_of

TIMEOUT_SECONDS = 60.0


class AsyncClient:
    """A connection to a Fitd service.

    Address and key come from the arguments, then from `FITD_URL` and `FITD_API_KEY`, then from the profile file that
    `fitd login` writes. `timeout` are seconds of silence, `retries` how often a request is sent again at most.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = 5,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        settings = settings_of(url, api_key, profile)
        self.url = settings.url
        self.transport = Transport(settings, timeout=timeout, retries=Retries(retries), transport=transport)
        self.datasets = Datasets(self.transport)
        self.jobs = Jobs(self.transport)
        self.models = Models(self.transport)

    async def train(
        self,
        data: Any = None,
        y: Any = None,
        *,
        target: Any = None,
        model: str | None = None,
        preset: str | None = None,
        spec: Any = None,
        compile: dict[str, Any] | None = None,  # noqa: A002 - the API's word
        fit: dict[str, Any] | None = None,
        features: list[Any] | None = None,
        split: dict[str, Any] | None = None,
        sample_weight: Any = None,
        from_: dict[str, Any] | None = None,
        priority: int | None = None,
        idempotency_key: str | None = None,
        wait: float = 0.0,
        progress: Progress | None = None,
        **more: Any,
    ) -> Job:
        """Queues a training and returns its job: data with a `target` column, or arrays `data` and `y`.

        `data` may be a stored dataset, its id (`ds_...`), or anything that `datasets.upload` takes. Without `spec` and
        `preset` the service chooses. Whatever breaks on the way, one call makes one job.
        """
        dataset = await self._dataset(data, y, sample_weight, progress)
        request = training_request(
            dataset=dataset,
            target=target,
            features=features,
            split=split,
            sample_weight=sample_weight if isinstance(sample_weight, str) else None,
            rest={
                "model": model,
                "preset": preset,
                "spec": spec,
                "compile": compile,
                "fit": fit,
                "from": from_,
                "priority": priority,
            },
            data=more,
        )
        return await self.submit(request, idempotency_key=idempotency_key, wait=wait)

    async def submit(self, request: dict[str, Any], *, idempotency_key: str | None = None, wait: float = 0.0) -> Job:
        """Queues the training that a whole request asks for, as the API has it, and returns its job."""
        headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
        if wait:
            headers["Prefer"] = f"wait={wait:g}"
        view = await self.transport.post("/v1/training-jobs", request, headers=headers, wait=wait)
        return Job(self.transport, view)

    async def validate(self, request: dict[str, Any]) -> ValidationView:
        """What a training would make and cost, and its mistakes as Invalid; nothing is stored."""
        return cast("ValidationView", await self.transport.post("/v1/training-jobs:validate", request))

    async def check(self) -> dict[str, Any]:
        """What the service says of itself when it is ready for requests."""
        return cast("dict[str, Any]", await self.transport.get("/readyz"))

    async def aclose(self) -> None:
        """Closes the connections; jobs go on."""
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url,)

    async def _dataset(self, data: Any, y: Any, sample_weight: Any, progress: Progress | None) -> str | None:
        if data is None:
            return None
        if isinstance(data, Dataset):
            return data.id
        if isinstance(data, str) and data.startswith("ds_") and not Path(data).exists():
            return data
        weights = None if isinstance(sample_weight, str) else sample_weight
        return (await self.datasets.upload(data, y, sample_weight=weights, progress=progress)).id
