"""Reads a job's Server-Sent Events as a patient client does: it comes back, and names the last event it has."""

import json
import threading
import time
from typing import Any

import httpx

from tests.e2e.server import Server


class Reader(threading.Thread):
    """Reads to the end of a job, over as many connections as it takes; `events` are (number, event, data)."""

    def __init__(self, server: Server, job_id: str) -> None:
        super().__init__(daemon=True)
        self.server, self.job_id = server, job_id
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.connections = 0
        self.start()

    def run(self) -> None:
        while not (self.events and self.events[-1][1] == "done"):
            self.connections += 1
            try:
                self._read()
            except httpx.HTTPError:
                time.sleep(0.05)

    def _read(self) -> None:
        last = str(self.events[-1][0]) if self.events else "0"
        url = f"{self.server.url}/v1/training-jobs/{self.job_id}/events"
        with httpx.stream("GET", url, headers={"Last-Event-ID": last}, timeout=30) as answer:
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif not line and "event" in fields:
                    self.events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}

    def check(self, epochs: int, members: int = 1) -> None:
        """Every event once and in order, every epoch of each member once and in order, and the end at the end."""
        assert [number for number, _, _ in self.events] == list(range(1, len(self.events) + 1))
        assert [data["epoch"] for _, event, data in self.events if event == "epoch"] == members * list(
            range(1, epochs + 1)
        )
        assert [number for number, event, _ in self.events if event == "done"] == [len(self.events)]
