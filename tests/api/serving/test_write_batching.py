"""Answers of one turn of the event loop leave together, in order, and never to who has gone."""

import asyncio

from service.api.serving.write_batching import Outbox


class Noted(asyncio.Transport):
    """A transport that notes in a common list what is written to it."""

    def __init__(self, written: list[bytes]) -> None:
        super().__init__()
        self._written = written
        self._is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written.append(bytes(data))

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self._is_closed = True


def test_answers_leave_in_order_when_the_turn_ends() -> None:
    async def turns() -> tuple[list[bytes], list[bytes]]:
        written: list[bytes] = []
        outbox = Outbox()
        for content in (b"1", b"2", b"3"):
            outbox.put(Noted(written), content)
        before = list(written)
        await asyncio.sleep(0)
        outbox.put(Noted(written), b"4")
        await asyncio.sleep(0)
        return before, written

    assert asyncio.run(turns()) == ([], [b"1", b"2", b"3", b"4"])


def test_many_answers_do_not_wait_for_each_other() -> None:
    async def one_turn() -> int:
        written: list[bytes] = []
        outbox = Outbox()
        for _ in range(20):
            outbox.put(Noted(written), b"answer")
        return len(written)

    assert asyncio.run(one_turn()) == 16


def test_who_has_gone_costs_nobody_else_an_answer() -> None:
    async def turn() -> list[bytes]:
        written: list[bytes] = []
        outbox, gone = Outbox(), Noted(written)
        outbox.put(gone, b"nobody reads this")
        outbox.put(Noted(written), b"somebody reads this")
        gone.close()
        await asyncio.sleep(0)
        return written

    assert asyncio.run(turn()) == [b"somebody reads this"]


def test_an_emptied_outbox_writes_nothing_twice() -> None:
    async def turn() -> list[bytes]:
        written: list[bytes] = []
        outbox = Outbox()
        outbox.put(Noted(written), b"once")
        outbox.empty()
        await asyncio.sleep(0)
        return written

    assert asyncio.run(turn()) == [b"once"]
