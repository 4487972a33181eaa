"""A session that calls every route and gets every status of success; the OpenAPI document shows its answers."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from service.api import examples
from tests.support.serving import Service
from tests.support.storing import take

Answers = dict[str, dict[str, Any]]
"""By operation and status: what came, a text where it was no JSON."""

_CSV = {"Content-Type": "text/csv"}
_MODELS = "/v1/models/fruit"
_STREAM, _EVENTS = "text/event-stream", 3
_SECRET = re.compile("fitd_[A-Za-z0-9_-]{20,}")


class Session:
    """Calls a service and keeps the first answer of each operation and status."""

    def __init__(self, service: Service, document: Mapping[str, Any]) -> None:
        self._service = service
        self.answers: Answers = {}
        self._patterns = [
            (re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/:]+", re.escape(path))), method.upper(), operation["operationId"])
            for path, methods in sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
            for method, operation in methods.items()
        ]

    def call(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """One request, which has to succeed."""
        answer = self._service.client.request(method, path, **parts)
        assert answer.is_success, (method, path, answer.text)
        bare = path.partition("?")[0]
        operation = next(name for pattern, by, name in self._patterns if by == method and pattern.fullmatch(bare))
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if kind.endswith("json") or kind.startswith("text/"):
            shown = json.loads(_SECRET.sub("fitd_shown_once", answer.text)) if kind.endswith("json") else answer.text
            shown = "\n\n".join(shown.split("\n\n")[:_EVENTS]) + "\n\n" if kind == _STREAM else shown
            self.answers.setdefault(operation, {}).setdefault(str(answer.status_code), {}).setdefault(kind, shown)
        return answer

    def all(self) -> Answers:
        """The answers of every route."""
        self._stored()
        self._trained()
        self._asked()
        self._labelled()
        self._others()
        return self.answers

    def _stored(self) -> None:
        for _ in range(2):
            dataset = self.call("POST", "/v1/datasets?name=fruit", content=examples.FRUIT, headers=_CSV).json()["id"]
        self.call("GET", "/v1/datasets")
        self.call("GET", f"/v1/datasets/{dataset}")
        self.call("GET", f"/v1/datasets/{dataset}/content")

    def _trained(self) -> None:
        table = {**examples.TABLE, "fit": {"epochs": 3, "seed": 7}, "data": {"dataset": "fruit", "target": "fruit"}}
        self.call("POST", "/v1/training-jobs:validate", json=table)
        training = ""
        for kind, asked in (("training", table), ("prediction", {"model": "fruit", "dataset": "fruit"})):
            again = {"Idempotency-Key": f"first-{kind}"}
            job = self.call("POST", f"/v1/{kind}-jobs", json=asked, headers=again).json()["links"]["self"]
            training = job if kind == "training" else training
            self._service.work()
            self.call("POST", f"/v1/{kind}-jobs", json=asked, headers={"Prefer": "wait=1", **again})
            for path in (f"/v1/{kind}-jobs", job, f"{job}/events"):
                self.call("GET", path)
            for is_running in (False, True):
                other = self.call("POST", f"/v1/{kind}-jobs", json=asked).json()["links"]["self"]
                claim = take(self._service.database) if is_running else None
                self.call("POST", f"{other}:cancel")
                if claim is not None:
                    with self._service.database.transaction() as tx:
                        tx.jobs.finish_cancel(claim)
        self.call("GET", f"{training}/history")
        self.call("POST", "/v1/training-jobs:batch", json={"jobs": [examples.SMALL]})
        self._service.work()
        self.call("POST", "/v1/models:import", json=examples.IMPORT_EXAMPLES["small"]["value"])

    def _asked(self) -> None:
        self.call("PUT", f"{_MODELS}/labels/production", json={"version": 1})
        rows = {"instances": [{"weight": 155, "skin": "rough"}]}
        inputs = examples.INFERENCE_EXAMPLES["table"]["value"]
        for place in (_MODELS, f"{_MODELS}/versions/1", f"{_MODELS}/labels/production"):
            self.call("POST", f"{place}:predict", json=rows)
            self.call("POST", f"{place}:predict", content="weight,skin\n155,rough\n", headers=_CSV)
            self.call("POST", f"{place}:evaluate", json={"data": {"dataset": "fruit"}})
            self.call("POST", f"{place}:classify", json={"examples": rows["instances"]})
            for path in ("evaluations", "metadata"):
                self.call("GET", f"{place}/{path}")
            self.call("GET", f"{place}/export?format=json")
        for place in ("/v1/models/imported", "/v1/models/imported/versions/1"):
            self.call("POST", f"{place}:regress", json={"examples": [{"input": [0, 1]}]})
        for place in ("/v2/models/fruit", "/v2/models/fruit/versions/1"):
            for path in ("", "/config", "/ready", "/stats"):
                self.call("GET", f"{place}{path}")
            self.call("POST", f"{place}/infer", json=inputs)

    def _labelled(self) -> None:
        self.call("PUT", f"{_MODELS}/labels/staging", json={"version": 1})
        self.call("PUT", f"{_MODELS}/labels/staging", json={"version": 1, "by": "ana"})
        for path in ("", "/staging", "/staging/history"):
            self.call("GET", f"{_MODELS}/labels{path}")
        self.call("PUT", "/v1/models/imported/labels/live", json={"version": 1})
        self.call("POST", "/v1/models/imported/labels/live:regress", json={"examples": [{"input": [0, 1]}]})

    def _others(self) -> None:
        for path in ("/livez", "/readyz", "/v1/models", _MODELS, f"{_MODELS}/versions", f"{_MODELS}/versions/1"):
            self.call("GET", path)
        for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/stats"):
            self.call("GET", path)
        self.call("POST", "/v2/repository/index", json={})
        made = self.call("POST", "/v1/keys", json={"name": "shop", "scopes": ["predict"]}).json()
        for path in ("", f"/{made['id']}"):
            self.call("GET", f"/v1/keys{path}")
        self.call("POST", f"/v1/keys/{made['id']}:rotate", json={})
