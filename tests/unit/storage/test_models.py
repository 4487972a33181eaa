"""Models keep their versions: numbered once, unchanged, found by name and number."""

import threading

import pytest

from service.errors import Conflict, Malformed, NotFound
from service.storage import Database, NewDataset
from service.versions import NewVersion
from tests.support.storing import StandingClock, add_job, take
from tests.support.versions import new_version


def add(database: Database, name: str = "digits", version: NewVersion | None = None) -> int:
    with database.transaction() as tx:
        return tx.models.add(name, version or new_version())


def test_a_version_comes_back_as_it_was_published(database: Database, clock: StandingClock) -> None:
    new = new_version(
        spec={"layers": [{"units": 3}]},
        compile={"loss": "mse"},
        fit={"epochs": 2},
        summary=[{"layer": "dense", "output_shape": [None, 3], "params": 9}],
        metrics={"loss": 0.5, "accuracy": float("nan")},
        input={"features": ["a", "b"]},
        output={"classes": ["yes", "no"]},
        environment={"numpy": "2"},
        timing={"fit_seconds": 0.03},
        weights=bytes(range(256)),
    )
    assert add(database, version=new) == 1
    with database.reading() as tx:
        version = tx.models.version("digits", 1)
        assert tx.models.weights(version.id) == new.weights
    for name in ("spec", "compile", "fit", "summary", "input", "output", "environment", "timing", "sha256"):
        assert getattr(version, name) == getattr(new, name)
    assert version.metrics == {"loss": 0.5, "accuracy": None}
    assert (version.model, version.number, version.job_id, version.size_bytes) == ("digits", 1, None, 256)
    assert version.created_at.timestamp() == clock()
    assert version.id.startswith("ver_")


def test_versions_of_each_model_count_from_one(database: Database) -> None:
    assert [add(database, name) for name in ("digits", "wine", "digits", "digits")] == [1, 1, 2, 3]


def test_without_a_number_the_latest_version_is_meant(database: Database) -> None:
    for _ in range(3):
        add(database)
    with database.reading() as tx:
        assert tx.models.version("digits").number == 3
        assert tx.models.version("digits", 2).number == 2


def test_a_number_is_never_given_twice(database: Database) -> None:
    for _ in range(2):
        add(database)
    with database.transaction() as tx:
        tx.models.delete("digits", 2)
    assert add(database) == 3


def test_two_who_publish_at_once_get_two_numbers(database: Database) -> None:
    numbers: list[int] = []
    threads = [threading.Thread(target=lambda: numbers.append(add(database))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))


def test_a_model_tells_its_latest_version_and_how_many_there_are(database: Database, clock: StandingClock) -> None:
    add(database)
    clock.advance(5)
    add(database)
    with database.reading() as tx:
        model = tx.models.get("digits")
    assert (model.name, model.latest, model.versions) == ("digits", 2, 2)
    assert (model.updated_at - model.created_at).total_seconds() == 5


def test_models_are_listed_by_name_page_by_page(database: Database) -> None:
    names = ["a", "A", "_", "z-1", "Z.9"]
    for name in names:
        add(database, name)
    seen: list[str] = []
    cursor = None
    while True:
        with database.reading() as tx:
            page, cursor = tx.models.page(limit=2, cursor=cursor)
        seen += [model.name for model in page]
        if cursor is None:
            break
    assert seen == sorted(names)


def test_versions_are_listed_newest_first_page_by_page(database: Database) -> None:
    for _ in range(5):
        add(database)
    add(database, "wine")
    seen: list[int] = []
    cursor = None
    while True:
        with database.reading() as tx:
            page, cursor = tx.models.versions("digits", limit=2, cursor=cursor)
        seen += [version.number for version in page]
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]


def test_a_cursor_that_no_page_gave_is_refused(database: Database) -> None:
    add(database)
    with database.reading() as tx, pytest.raises(Malformed, match="Expected a cursor"):
        tx.models.versions("digits", cursor="x")


def test_what_does_not_exist_is_not_found(database: Database) -> None:
    add(database)
    with database.transaction() as tx:
        for ask in (tx.models.get, tx.models.version, tx.models.versions, tx.models.delete):
            with pytest.raises(NotFound, match="no model 'wine'"):
                ask("wine")
        with pytest.raises(NotFound, match="no version 'digits/2'"):
            tx.models.version("digits", 2)
        with pytest.raises(NotFound, match="no version 'digits/2'"):
            tx.models.delete("digits", 2)
        with pytest.raises(NotFound, match="no version 'ver_none'"):
            tx.models.weights("ver_none")


def test_a_deleted_version_takes_its_weights_with_it(database: Database) -> None:
    add(database)
    with database.transaction() as tx:
        version = tx.models.version("digits")
        tx.models.delete("digits", 1)
    with database.reading() as tx:
        assert (tx.models.get("digits").latest, tx.models.get("digits").versions) == (None, 0)
        with pytest.raises(NotFound):
            tx.models.weights(version.id)


def test_a_deleted_model_takes_its_versions_and_leaves_the_jobs(database: Database) -> None:
    job = add_job(database)
    claim = take(database)
    with database.transaction() as tx:
        tx.jobs.succeed(claim, new_version())
    with database.transaction() as tx:
        tx.models.delete("digits")
    with database.reading() as tx:
        assert tx.jobs.get(job.id).version == 1
        with pytest.raises(NotFound):
            tx.models.version("digits")


def queue_from(database: Database, number: int) -> str:
    """A queued job that goes on from a version."""
    with database.transaction() as tx:
        tx.models.hold("digits", number, tx.models.version("digits", number).id)
        dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
        request = {"from": {"model": "digits", "version": number, "optimizer": True}}
        return tx.jobs.add("other", request, dataset, 1).id


def test_a_version_that_a_job_goes_on_from_stays_until_the_job_has_ended(database: Database) -> None:
    for name in ("digits", "digits", "wine"):
        add(database, name)
    job_id = queue_from(database, 1)
    add_job(database, model="digits")
    for number in (1, None):
        with database.transaction() as tx, pytest.raises(Conflict, match="needs version 1") as refused:
            tx.models.delete("digits", number)
        assert refused.value.code == "version_in_use"
    with database.transaction() as tx:
        tx.models.delete("digits", 2)
        tx.models.delete("wine")
    claim = take(database)
    assert claim.job.id == job_id
    with database.transaction() as tx, pytest.raises(Conflict):
        tx.models.delete("digits")
    with database.transaction() as tx:
        tx.jobs.fail(claim, "diverged", "It did.")
        tx.models.delete("digits", 1)
    with database.transaction() as tx, pytest.raises(NotFound):
        tx.models.hold("digits", 1, "ver_gone")


@pytest.mark.parametrize("deletes_first", [False, True])
def test_a_version_is_not_deleted_and_gone_on_from_at_once(database: Database, *, deletes_first: bool) -> None:
    add(database)
    said: list[str] = []

    def beside() -> None:
        try:
            if deletes_first:
                queue_from(database, 1)
            else:
                with database.transaction() as tx:
                    tx.models.delete("digits", 1)
        except (Conflict, NotFound) as refused:
            said.append(refused.code)

    other = threading.Thread(target=beside)
    with database.transaction() as tx:
        if deletes_first:
            tx.models.delete("digits", 1)
        else:
            tx.models.hold("digits", 1, tx.models.version("digits").id)
            dataset = tx.datasets.add(NewDataset(1, 2, b"x and y")).id
            tx.jobs.add("other", {"from": {"model": "digits", "version": 1}}, dataset, 1)
        other.start()
    other.join()
    assert said == ["not_found" if deletes_first else "version_in_use"]


def test_a_version_opens_by_number_by_label_or_as_the_newest_with_its_optimizer(database: Database) -> None:
    add(database, version=new_version(weights=b"first", optimizer=b"state"))
    add(database, version=new_version(weights=b"second"))
    with database.transaction() as tx:
        tx.labels.move("digits", "stable", 1)
    first, second = (1, b"first", b"state"), (2, b"second", None)
    for which, expected in ((1, first), ("stable", first), (2, second), (None, second)):
        version, weights, optimizer = database.open_version("digits", which)
        assert (version.number, weights, optimizer) == expected
    with pytest.raises(NotFound, match="label"):
        database.open_version("digits", "best")
