"""Training jobs: watched, waited for, cancelled."""

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, cast

from fitd.answers import EpochView, JobView
from fitd.asynchronous.transport import Transport
from fitd.display import job_html
from fitd.errors import JobCancelled, JobFailed
from fitd.events import AsyncEvents
from fitd.predictions import frame_of_history

if TYPE_CHECKING:
    from fitd.asynchronous.models import Model

FINAL = frozenset({"succeeded", "failed", "cancelled"})
WAIT_SECONDS = 3600.0


class Job:
    """A training job as it was when it was last looked at; `refresh` looks again."""

    def __init__(self, transport: Transport, view: JobView) -> None:
        self._transport = transport
        self.view = view

    @property
    def id(self) -> str:
        """Its id."""
        return self.view["id"]

    @property
    def status(self) -> str:
        """`queued`, `running`, `cancelling`, `cancelled`, `succeeded` or `failed`."""
        return self.view["status"]

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the last epoch that is done, or of the version that it made."""
        return self.view["metrics"]

    @property
    def score(self) -> Any:
        """How the finished model does on held-out rows, beside a baseline; None where none were held out."""
        return self.view.get("score")

    @property
    def version(self) -> int | None:
        """The number of the version that it made, if it has made one."""
        return self.view["version"]

    @property
    def model(self) -> "Model":
        """The version that it made; before that, the model of its name."""
        from fitd.asynchronous.models import Model  # noqa: PLC0415 - a model knows the job that made it as well

        return Model(self._transport, self.view["model"], version=self.version)

    async def refresh(self) -> "Job":
        """Looks again, and returns itself."""
        self.view = cast("JobView", await self._transport.get(f"/v1/training-jobs/{self.id}"))
        return self

    async def watch(self, *, after: int = 0, timeout: float | None = WAIT_SECONDS) -> AsyncEvents:
        """Its events to the end, each once; TimedOut after `timeout` seconds, or never with None."""
        deadline = None if timeout is None else time.monotonic() + timeout
        path = f"/v1/training-jobs/{self.id}/events"
        async with aclosing(self._transport.events(path, deadline=deadline, after=after)) as events:
            async for event in events:
                yield event

    async def wait(self, *, timeout: float | None = WAIT_SECONDS, check: bool = True) -> "Job":
        """Itself once it has ended; JobFailed or JobCancelled if it did not succeed, unless `check` is false.

        TimedOut after `timeout` seconds, or never with None; the job goes on all the same.
        """
        if not self.is_final:
            async with aclosing(self.watch(timeout=timeout)) as events:
                async for _ in events:
                    pass
            await self.refresh()
        if check:
            self.check()
        return self

    def check(self) -> None:
        """JobFailed or JobCancelled if it has ended without success."""
        error = self.view["error"]
        if self.status == "failed":
            reason, detail = (error["reason"], error["detail"]) if error else ("unknown", "It says no reason.")
            raise JobFailed(f"The training {self.id} failed ({reason}): {detail}", self.id, reason)
        if self.status == "cancelled":
            kept = "" if self.version is None else f"; version {self.version} keeps its weights so far"
            raise JobCancelled(f"The training {self.id} was cancelled{kept}.", self.id)

    async def epochs(self) -> list[EpochView]:
        """Every epoch that is done, with its metrics and how long it took."""
        page = await self._transport.get(f"/v1/training-jobs/{self.id}/history")
        return cast("list[EpochView]", page["items"])

    @property
    async def history(self) -> Any:
        """Every metric of every epoch: a frame where pandas is installed, else a dictionary of lists."""
        return frame_of_history(await self.epochs())

    async def cancel(self, keep: Literal["best", "last"] | None = None, *, wait: float = 30.0) -> "Job":
        """Stops it, and keeps its best or last weights as a partial version if asked to; returns itself."""
        document = None if keep is None else {"keep": keep}
        headers = {"Prefer": f"wait={wait:g}"} if wait else {}
        path = f"/v1/training-jobs/{self.id}:cancel"
        self.view = await self._transport.post(path, document, headers=headers, wait=wait)
        return self

    async def delete(self) -> None:
        """Deletes it with its history; what it made stays."""
        await self._transport.send("DELETE", f"/v1/training-jobs/{self.id}")

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status} {self.view['progress']['fraction']:.0%} model={self.view['model']}>"

    def _repr_html_(self) -> str:
        return job_html(self.view)


class Jobs:
    """The training jobs of a service."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, job_id: str) -> Job:
        """The job with this id."""
        return Job(self._transport, await self._transport.get(f"/v1/training-jobs/{job_id}"))

    async def list(self, *, status: str | None = None, model: str | None = None, limit: int = 100) -> list[Job]:
        """The newest jobs, at most `limit`."""
        found: list[Job] = []
        cursor = None
        while len(found) < limit:
            size = min(limit - len(found), 100)
            page = await self._transport.get("/v1/training-jobs", status=status, model=model, limit=size, cursor=cursor)
            found += [Job(self._transport, view) for view in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found
