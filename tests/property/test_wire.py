"""Bytes that arrive mean to us what they mean to h11, or are refused: no pipeline gets out of step."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import h11
import pytest

from service.api.wire.head import Limits
from service.api.wire.reading import Reading
from service.api.wire.refusals import RefusedError
from service.config import Settings

LIMITS = Limits(Settings(_env_file=None))
PIPELINES = 10_000

NAMES = ["Accept", "X-Token", "Content-Type", "User-Agent", "Upgrade", "HTTP2-Settings", "Expect", "Trailer"]
VALUES = ["a", "a, b", "h2c", "100-continue", "x" * 90, "", "g\xe9", "0", "5", "GET / HTTP/1.1"]
TARGETS = ["/", "/v1/models", "/v1/models/a:predict?x=%20", "/v2/models/a/infer", "/a//b/../c?d=e&f", "http://h/x?y"]
DISTURBING = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"0", b"5", b"f", b"\0", b"\x0b", b"\xff", b"\r\n\r\n"),
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"content-length : 3\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: 4, 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding\r\n : chunked\r\n",
    b"Host: other\r\n",
    b" folded\r\n",
    b"Connection: close\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
    b"DELETE /v1/models/a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"5;a=b\r\n",
    b"0x5\r\n",
]


class Seen(NamedTuple):
    """One request as a reader understood it."""

    method: bytes
    target: bytes
    body: bytes


def chunked(rng: random.Random, body: bytes) -> bytes:
    parts, at = [], 0
    while at < len(body):
        size = rng.randint(1, len(body) - at)
        extension = rng.choice([b"", b"", b";a=b", b';c="d" '])
        parts.append(b"%x%b\r\n%b\r\n" % (size, extension, body[at : at + size]))
        at += size
    trailers = rng.choice([b"", b"", b"X-Sum: 1\r\n", b"Authorization: x\r\nHost: elsewhere\r\n"])
    return b"".join([*parts, b"0\r\n", trailers, b"\r\n"])


def request(rng: random.Random) -> tuple[bytes, Seen]:
    """The bytes of a request that is as it should be, and what it says."""
    method, target = rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]), rng.choice(TARGETS)
    body = rng.choice([b"", rng.randbytes(rng.randint(1, 60)), b"0\r\n\r\n", b"GET /inner HTTP/1.1\r\nHost: h\r\n\r\n"])
    lines = [f"{method} {target} HTTP/1.1", "Host: h"]
    if rng.random() < 0.3:
        lines.append("Connection: Upgrade, HTTP2-Settings")
    names = rng.sample(NAMES, rng.randint(0, 4))
    lines += [f"{name}:{rng.choice(['', ' ', ' 	'])}{rng.choice(VALUES)}{rng.choice(['', ' '])}" for name in names]
    is_chunked = bool(body) and rng.random() < 0.5
    if is_chunked:
        lines.append(rng.choice(["Transfer-Encoding: chunked", "transfer-encoding: Chunked"]))
    elif body or rng.random() < 0.3:
        lines.append(f"Content-Length: {len(body)}")
    rng.shuffle(lines[1:])
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + (chunked(rng, body) if is_chunked else body), Seen(method.encode(), target.encode(), body)


def disturbed(rng: random.Random, stream: bytes) -> bytes:
    """The same bytes with a few put in, taken out or doubled."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(stream))
        kind = rng.random()
        if kind < 0.5:
            line = stream.rfind(b"\r\n", 0, at) + 2 if rng.random() < 0.7 else at
            stream = stream[:line] + rng.choice(DISTURBING) + stream[line:]
        elif kind < 0.8:
            stream = stream[:at] + stream[at + rng.randint(1, 3) :]
        else:
            end = at + rng.randint(1, 30)
            stream = stream[:end] + stream[at:end] + stream[end:]
    return stream


def pieces(rng: random.Random, stream: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(stream):
        size = rng.choice([1, 2, 3, 17, 200, 5000])
        yield stream[at : at + size]
        at += size


def ours(parts: Iterator[bytes]) -> tuple[list[Seen], str]:
    """What we read, and whether the end is refused, between two requests, or in the middle of one."""
    reading, found = Reading(LIMITS), []
    head, body = None, b""
    try:
        for part in parts:
            reading.add(part)
            while True:
                if head is None:
                    head, body = reading.next_head(), b""
                    if head is None:
                        break
                while (piece := reading.next_piece()) is not None:
                    body += piece
                if reading.is_in_body:
                    break
                found.append(Seen(head.method.encode(), head.target, body))
                head = None
    except RefusedError:
        return found, "refused"
    return found, "between" if reading.is_between and head is None else "within"


def without_empty_lines(stream: bytes) -> bytes:
    """h11 refuses them before a request; the RFC asks a server to pass over them."""
    while stream.startswith(b"\r\n"):
        stream = stream[2:]
    return stream


def theirs(stream: bytes) -> list[Seen]:
    """What h11 reads before it refuses or waits for more."""
    found: list[Seen] = []
    while stream := without_empty_lines(stream):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(stream)
        asked, body = None, b""
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return found
                if isinstance(event, h11.Request):
                    asked = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
        except h11.RemoteProtocolError:
            return found
        assert asked is not None
        found.append(Seen(asked.method, asked.target, body))
        stream = connection.trailing_data[0]
    return found


@pytest.mark.parametrize("part", range(10))
def test_what_we_accept_is_what_h11_reads(part: int) -> None:
    refused = 0
    for seed in range(part * PIPELINES // 10, (part + 1) * PIPELINES // 10):
        rng = random.Random(seed)
        asked = [request(rng) for _ in range(rng.randint(1, 4))]
        stream = b"".join(content for content, _ in asked)
        if seed % 4 == 0:
            assert ours(pieces(rng, stream)) == ([seen for _, seen in asked], "between"), seed
            continue
        stream = disturbed(rng, stream)
        found, end = ours(pieces(rng, stream))
        reference = theirs(stream)
        assert found == reference[: len(found)], (seed, stream)
        if end != "refused":
            assert found == reference, (seed, stream)
        assert ours(iter([stream]))[0] == found, (seed, stream)
        refused += end == "refused"
    assert 100 < refused < 700


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1_0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\ncontent-encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET http://h/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: h\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / http/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET /" + b"a" * 9000, 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 65_536 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 65_600, 431),
    ],
)
def test_what_could_be_read_in_two_ways_or_is_too_long_is_refused(stream: bytes, status: int) -> None:
    for parts in ([stream], [stream[at : at + 1] for at in range(len(stream))] if len(stream) < 300 else [stream]):
        reading = Reading(LIMITS)
        refusals = []
        for part in parts:
            reading.add(part)
            try:
                reading.next_head()
            except RefusedError as error:
                refusals.append(error.status)
                break
        assert refusals == [status]


@pytest.mark.parametrize(
    "body",
    [
        b"g\r\n",
        b"0x5\r\nabcde\r\n0\r\n\r\n",
        b"+5\r\nabcde\r\n0\r\n\r\n",
        b"5\nabcde\r\n0\r\n\r\n",
        b"5\r\nabcdef\r\n",
        b"5\r\nabcde0\r\n\r\n",
        b"-1\r\n\r\n",
        b"\r\n",
        b"ffffffffffffffffffff\r\n",
        b"5;" + b"x" * 300 + b"\r\nabcde\r\n0\r\n\r\n",
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    ],
)
def test_a_body_that_is_not_in_chunks_is_refused(body: bytes) -> None:
    stream = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    assert ours(iter([stream])) == ([], "refused")


def test_trailers_are_no_headers() -> None:
    reading = Reading(LIMITS)
    reading.add(
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: x\r\nAuthorization: y\r\n\r\n"
    )
    head = reading.next_head()
    assert head is not None
    while reading.next_piece() is not None:
        pass
    assert reading.is_between
    assert head.headers == {b"host": b"h", b"transfer-encoding": b"chunked"}


def test_an_absolute_target_names_the_host() -> None:
    reading = Reading(LIMITS)
    reading.add(b"GET http://a.example:81/x?y=z HTTP/1.1\r\nHost: b.example\r\n\r\n")
    head = reading.next_head()
    assert head is not None
    assert (head.headers[b"host"], head.path, head.query) == (b"a.example:81", "/x", b"y=z")
