"""The verb infer: from the bytes of a request to those of its response."""

from time import perf_counter_ns

from service.allowance import expect
from service.api.http.negotiation import decoded, encoded, wanted
from service.api.protocols.open_inference.answer import LENGTH, write_answer
from service.api.protocols.open_inference.request import read_inference
from service.api.serving.responses import Answered, Headers
from service.api.serving.version_cache import Served, Which
from service.api.state import State


def infer(shared: State, headers: Headers, body: bytes, name: str, which: Which) -> Answered:
    """Returns the response of the version to the inference in a body; any Content-Type is accepted."""
    served = shared.serving.find(name, which)
    started = perf_counter_ns()
    try:
        return _answer(shared, served, headers, body)
    except Exception:
        shared.statistics.fail(served.version.model, served.version.number, perf_counter_ns() - started)
        raise


def infer_at_once(shared: State, headers: Headers, body: bytes, name: str, which: Which) -> Answered | None:
    """The same where it takes less than changing threads does; else None."""
    served = shared.serving.at_hand(name, which)
    if served is None or not served.is_light(len(body)) or b"content-encoding" in headers:
        return None
    return _answer(shared, served, headers, body)


def _answer(shared: State, served: Served, headers: Headers, body: bytes) -> Answered:
    version, settings = served.version, shared.settings
    started = perf_counter_ns()
    content = decoded(body, _text(headers, b"content-encoding"), settings.max_body_bytes)
    length = headers.get(LENGTH)
    asked = read_inference(content, None if length is None else length.decode("latin-1"), served.loaded, settings)
    read = perf_counter_ns()
    expect(served.loaded.answer_bytes(len(asked.rows), named=bool(asked.classes)))
    predictions = served.loaded.predict(asked.rows)
    predicted = perf_counter_ns()
    shared.measures.predicted("open_inference", len(asked.rows), (predicted - read) / 1e9)
    answer, described = write_answer(served, asked, predictions)
    encoding = wanted(_text(headers, b"accept-encoding"))
    if encoding is not None:
        answer = encoded(answer, encoding)
        described |= {b"content-encoding": encoding.encode(), b"vary": b"Accept-Encoding"}
    shared.statistics.succeed(
        version.model,
        version.number,
        len(asked.rows),
        read_ns=read - started,
        predict_ns=predicted - read,
        write_ns=perf_counter_ns() - predicted,
    )
    return Answered(answer, described)


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
