"""What was asked for becomes jobs: checked wholly, stored at once, and under an idempotency key only once."""

import functools
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from service.api.jobs.views import JobView
from service.api.state import State
from service.checks import CheckedTraining, read_training
from service.errors import Finding, Findings, Invalid, Malformed, pointer
from service.formats.json_keys import check_keys
from service.formats.jsontext import read_json
from service.formats.plain_rows import read_json_with_rows
from service.storage import NewDataset, StoredDataset, Transaction

MOST_IN_A_BATCH = 1000
_LONGEST_KEY = 255


View = TypeVar("View", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Submitted(Generic[View]):
    """The views of the jobs as they were when they were made, by this request or by an earlier one with its key."""

    views: list[View]
    replayed: bool


@dataclass(frozen=True, slots=True)
class Jobs(Generic[View]):
    """So many jobs that were asked for, and how they are queued."""

    count: int
    add: Callable[[Transaction], list[View]]


def read_one(shared: State, body: bytes) -> list[CheckedTraining]:
    """The training that a body asks for."""
    check_keys(body)
    return [read_training(read_json_with_rows(body), shared.settings, shared.glimpse_dataset, shared.open_start)]


def read_batch(shared: State, body: bytes) -> list[CheckedTraining]:
    """The trainings of `{"jobs": [...]}`; `Invalid` with the mistakes of all of them."""
    check_keys(body)
    document = read_json(body)
    findings = Findings(limit=shared.settings.max_errors_shown)
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, list) or not 1 <= len(jobs) <= MOST_IN_A_BATCH or len(document) > 1:
        expected = f'Expected {{"jobs": [...]}} with 1 to {MOST_IN_A_BATCH} training jobs; received something else.'
        findings.error("#", "wrong_type", expected)
        raise findings.refusal()
    checked = []
    # Many of them may name the same dataset and version; with others they take turns in memory.
    once = functools.lru_cache(maxsize=1)
    open_dataset, open_start = once(shared.glimpse_dataset), once(shared.open_start)
    for place, asked in enumerate(jobs):
        try:
            checked.append(read_training(asked, shared.settings, open_dataset, open_start))
        except Invalid as invalid:
            _collect(invalid, place, findings)
    findings.raise_errors()
    return checked


def submit(
    shared: State, route: str, body: bytes, key: str | None, read: Callable[[State, bytes], list[CheckedTraining]]
) -> Submitted[JobView]:
    """Reads what is asked for, stores the data and queues the trainings, all or none, as `submit_once` does."""
    new: list[NewDataset | None] = []
    stored: list[StoredDataset] = []

    def prepare() -> Jobs[JobView]:
        trainings = read(shared, body)
        new.extend(
            None if training.inline is None else NewDataset.of_arrays(training.inline, shared.database.artifacts)
            for training in trainings
        )

        def add(tx: Transaction) -> list[JobView]:
            stored.extend(_stored(tx, training, one) for training, one in zip(trainings, new, strict=True))
            return [_add(tx, training, one.id) for training, one in zip(trainings, stored, strict=True)]

        return Jobs(len(trainings), add)

    try:
        return submit_once(shared, route, body, key, view=JobView, prepare=prepare)
    finally:
        # A transaction that was lost at its very end may be there all the same, and needs them.
        needed = {one.artifact for one in stored}
        shared.database.artifacts.remove({one.artifact for one in new if one and one.artifact} - needed)


def submit_once(
    shared: State, route: str, body: bytes, key: str | None, *, view: type[View], prepare: Callable[[], Jobs[View]]
) -> Submitted[View]:
    """Queues the jobs that `prepare` has read, in one transaction, if the quota allows it.

    Answers again what the same key was answered before, whatever has become of what the request names.
    """

    def replayed(answer: list[dict[str, Any]]) -> Submitted[View]:
        return Submitted([view.model_validate(one) for one in answer], replayed=True)

    named = None if key is None else f"{route} {_unquoted(key)}"
    fingerprint = "" if named is None else hashlib.sha256(body).hexdigest()
    if named is not None:
        with shared.database.reading() as tx:
            before = tx.idempotency_keys.find(named, fingerprint)
        if before is not None:
            return replayed(before)
    jobs = prepare()
    with shared.database.transaction() as tx:
        if named is not None:
            before = tx.idempotency_keys.claim(named, fingerprint)
            if before is not None:
                return replayed(before)
        tx.jobs.check_quota(jobs.count, shared.settings.max_queued_jobs)
        views = jobs.add(tx)
        if named is not None:
            tx.idempotency_keys.answer(named, [one.model_dump(mode="json", by_alias=True) for one in views])
    return Submitted(views, replayed=False)


def _stored(tx: Transaction, checked: CheckedTraining, new: NewDataset | None) -> StoredDataset:
    if new is not None:
        return tx.datasets.add(new)
    # It was there when the request was checked, and may not go before the job refers to it.
    return tx.datasets.get(str(checked.request.data and checked.request.data.dataset), lock=True)


def _add(tx: Transaction, checked: CheckedTraining, dataset_id: str) -> JobView:
    request, start = checked.request, checked.request.from_
    if start is not None and checked.start_id is not None:
        tx.models.hold(start.model, start.version, checked.start_id)
    asked = request.to_json_dict()
    if request.fit.seed is None:
        asked.setdefault("fit", {})["seed"] = secrets.randbits(31)
    name = request.model or (start and start.model) or f"model-{secrets.token_hex(4)}"
    if request.data is not None and request.data.dataset is not None:
        asked["data"] = {**asked["data"], "dataset": dataset_id}  # its name may be another's later
    asked |= {"model": name, "warnings": [asdict(warning) for warning in checked.warnings]}
    epochs = request.fit.epochs * (request.folds or 1)
    return JobView.of(tx.jobs.add(name, asked, dataset_id, epochs, priority=request.priority))


def _collect(invalid: Invalid, place: int, findings: Findings) -> None:
    shown: Sequence[Finding] = invalid.findings
    for number, one in enumerate(shown, 1):
        unshown = invalid.total - len(shown) if number == len(shown) else 0
        at = pointer("jobs", place) + one.pointer.removeprefix("#")
        findings.error(at, one.code, one.detail, count=1 + unshown)


def _unquoted(key: str) -> str:
    """The key out of its quotes, where it has them: the header is a structured string, and many send it bare."""
    bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not 1 <= len(bare) <= _LONGEST_KEY or not bare.isprintable():
        raise Malformed(f"Expected an Idempotency-Key of 1 to {_LONGEST_KEY} characters.", code="bad_idempotency_key")
    return bare
