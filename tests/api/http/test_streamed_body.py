"""A large body is read while it comes, and nothing stays of one that breaks off."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from service.api.http.streamed_body import LARGE_BYTES, received
from service.formats.csv.streams import Readable

PIECE = bytes(range(256)) * (LARGE_BYTES // 512)
DEADLINE_SECONDS = 30


def request_of(pieces: Iterable[bytes | None], *, before_the_last: Callable[[], object] = lambda: None) -> Request:
    """A request whose body comes in these pieces; at None its sender goes away."""
    coming = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = coming.pop(0)
        if not coming:
            await asyncio.to_thread(before_the_last)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(coming)}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def all_of(arriving: Readable) -> bytes:
    return b"".join(iter(lambda: arriving.read(100_000), b""))


def test_a_large_body_is_read_before_its_end_has_come(tmp_path: Path) -> None:
    began = threading.Event()

    def read(file: Path, arriving: Readable) -> bytes:
        start = arriving.read(1)
        began.set()
        content = start + all_of(arriving)
        assert content == file.read_bytes()
        return content

    request = request_of([PIECE, PIECE, PIECE, b"end"], before_the_last=lambda: began.wait(DEADLINE_SECONDS))
    assert asyncio.run(received(request, tmp_path, read, ahead=True)) == PIECE * 3 + b"end"
    assert began.is_set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ahead", [True, False])
def test_of_a_body_that_breaks_off_nothing_stays(tmp_path: Path, ahead: bool) -> None:
    outcomes = []

    def read(file: Path, arriving: Readable) -> None:
        try:
            all_of(arriving)
        except ConnectionError as error:
            outcomes.append(type(error))
            raise

    with pytest.raises(ClientDisconnect):
        asyncio.run(received(request_of([PIECE, PIECE, PIECE, None]), tmp_path, read, ahead=ahead))
    assert outcomes == ([ConnectionAbortedError] if ahead else [])
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_body_is_told_when_it_has_come(tmp_path: Path) -> None:
    def read(file: Path, arriving: Readable) -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(received(request_of([PIECE, PIECE, PIECE, b"end"]), tmp_path, read, ahead=True))
    assert list(tmp_path.iterdir()) == []


def test_others_are_answered_while_a_large_file_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begins, answered = threading.Event(), threading.Event()

    def remove(place: Path, **_: Any) -> None:
        begins.set()
        assert answered.wait(DEADLINE_SECONDS)
        remove_at_once(place)

    remove_at_once = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", remove)

    async def answer() -> None:
        while not begins.is_set():
            await asyncio.sleep(0.001)
        answered.set()

    async def both() -> None:
        await asyncio.gather(
            received(request_of([b"all"]), tmp_path, lambda _, text: text.read(9), ahead=True), answer()
        )

    asyncio.run(both())
    assert list(tmp_path.iterdir()) == []


def test_slow_senders_hold_up_nobody(tmp_path: Path) -> None:
    done = threading.Event()

    def read(file: Path, arriving: Readable) -> int:
        return len(all_of(arriving))

    async def send() -> list[object]:
        def request() -> Request:
            return request_of([PIECE, PIECE, PIECE, b"end"], before_the_last=lambda: done.wait(DEADLINE_SECONDS))

        slow = [asyncio.create_task(received(request(), tmp_path, read, ahead=True)) for _ in range(4)]
        quick = await received(request_of([PIECE, PIECE, PIECE, b"end"]), tmp_path, read, ahead=True)
        done.set()
        return [quick, *await asyncio.gather(*slow)]

    assert asyncio.run(send()) == [len(PIECE) * 3 + 3] * 5
