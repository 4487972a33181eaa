"""Requests share a budget of memory: who finds none waits in turn, for so long and no longer."""

import asyncio
from pathlib import Path

import pytest

from service.api.http.budget import Budget
from service.errors import Busy
from tests.support.serving import Service


def test_who_finds_no_memory_gets_it_in_turn_when_it_is_given_back() -> None:
    async def run() -> list[str]:
        budget, order = Budget(100, 60), []

        async def take(name: str, size: int) -> None:
            async with budget.hold(size):
                order.append(name)

        async with budget.hold(90):
            waiting = [asyncio.create_task(take(name, size)) for name, size in (("large", 80), ("small", 5))]
            await asyncio.sleep(0)
            assert order == []  # the small one would fit, but came later
        await asyncio.gather(*waiting)
        async with budget.hold(100):
            order.append("all is back")
        return order

    assert asyncio.run(run()) == ["large", "small", "all is back"]


def test_who_waits_too_long_is_told_to_come_again() -> None:
    async def run() -> None:
        budget = Budget(100, 0.01)
        async with budget.hold(1000):
            with pytest.raises(Busy):
                async with budget.hold(1):
                    pass
        async with budget.hold(100):
            pass

    asyncio.run(run())


def test_who_leaves_while_it_waits_takes_nothing() -> None:
    async def run() -> None:
        budget = Budget(100, 60)
        async with budget.hold(90):
            first, second = (asyncio.create_task(budget.take(size)) for size in (80, 10))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait([second], timeout=30)
            assert second.done()
            budget.give_back(10)
        async with budget.hold(100):
            pass

    asyncio.run(run())


def test_a_large_body_is_told_to_come_again_while_others_have_the_memory(tmp_path: Path) -> None:
    with Service(tmp_path, max_memory_wait_seconds=0) as service:
        budget = service.app.state.fitd.budget
        service.client.portal.call(budget.take, budget.most(2**60))
        small = service.client.post("/v1/training-jobs:validate", json={})
        large = service.client.post("/v1/training-jobs:validate", json={"data": "x" * 400_000})
        heavy = service.client.post(
            "/v1/datasets", content=b"PAR1", headers={"Content-Type": "application/vnd.apache.parquet"}
        )
    assert small.status_code == 422
    for answer in (large, heavy):
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
