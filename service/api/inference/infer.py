"""The verb infer: from the bytes of a request to those of its answer."""

from collections.abc import Mapping
from time import perf_counter_ns

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.inference.answer import HEADER, write_answer
from service.api.inference.encodings import decoded, encoded, wanted
from service.api.inference.request import read_inference
from service.api.serving import Served, Which
from service.api.state import State


async def infer(shared: State, headers: Mapping[str, str], body: bytes, name: str, which: Which) -> Response:
    """The version's answer to the inference in a body; no Content-Type is asked for."""
    served = shared.serving.at_hand(name, which)
    if served is not None and served.is_light(len(body)) and "content-encoding" not in headers:
        return _answered(shared, served, headers, body)
    return await run_in_threadpool(lambda: _answered(shared, shared.serving.find(name, which), headers, body))


def _answered(shared: State, served: Served, headers: Mapping[str, str], body: bytes) -> Response:
    version, settings = served.version, shared.settings
    started = perf_counter_ns()
    try:
        content = decoded(body, headers.get("content-encoding", ""), settings.max_body_bytes)
        asked = read_inference(content, headers.get(HEADER.lower()), served.loaded, settings)
        read = perf_counter_ns()
        predictions = served.loaded.predict(asked.rows)
        predicted = perf_counter_ns()
        answer, described = write_answer(served, asked, predictions)
    except Exception:
        shared.statistics.fail(version.model, version.number, perf_counter_ns() - started)
        raise
    encoding = wanted(headers.get("accept-encoding", ""))
    if encoding is not None:
        answer = encoded(answer, encoding)
        described |= {"Content-Encoding": encoding, "Vary": "Accept-Encoding"}
    shared.statistics.succeed(
        version.model,
        version.number,
        len(asked.rows),
        read_ns=read - started,
        predict_ns=predicted - read,
        write_ns=perf_counter_ns() - predicted,
    )
    return Response(answer, headers=described)
