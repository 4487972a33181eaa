"""A request that is sent again under its key is answered again, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.errors import Reused
from service.storage import Database
from service.storage.idempotency import KEPT_SECONDS
from tests.support.storing import StandingClock


def ask(database: Database, key: str = "key", fingerprint: str = "body") -> object:
    with database.transaction() as tx:
        found = tx.idempotency_keys.claim(key, fingerprint)
        if found is None:
            tx.idempotency_keys.answer(key, {"made": 1})
        return found


def test_the_first_request_does_the_work_and_the_next_get_its_answer(database: Database) -> None:
    assert ask(database) is None
    assert ask(database) == ask(database) == {"made": 1}
    assert ask(database, key="another") is None


def test_a_key_belongs_to_one_request(database: Database) -> None:
    ask(database)
    with pytest.raises(Reused, match="new key"):
        ask(database, fingerprint="another body")


def test_work_that_failed_leaves_its_key_free(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            tx.idempotency_keys.claim("key", "body")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ask(database) is None


def test_a_key_is_forgotten_after_a_day(database: Database, clock: StandingClock) -> None:
    ask(database)
    clock.advance(KEPT_SECONDS + 1)
    assert ask(database, fingerprint="another body") is None


def test_of_many_at_once_one_does_the_work(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(database), range(24)))
    assert answers.count(None) == 1
    assert answers.count({"made": 1}) == 23
