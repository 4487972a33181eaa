"""Refusals by the connection itself, before there is a request that a route could handle."""

from http import HTTPStatus

from service.api.http.middleware.gate import STANDING_HEADERS
from service.api.http.problems import rendered
from service.api.serving.responses import Headers
from service.api.wire.status import head_of_answer


class RefusedError(Exception):
    """Bytes that are no request of ours, or too many; the connection ends after this response."""

    def __init__(self, status: int, code: str, detail: str, path: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.path = path
        """The path of the request where that is known; its protocol may want another form of response."""

    def answer(self, request_id: bytes, default_headers: Headers) -> bytes:
        """Returns the complete response for this refusal."""
        title = HTTPStatus(self.status).phrase
        status, media_type, content = rendered(
            self.path,
            status=self.status,
            code=self.code,
            title=title,
            detail=self.detail,
            request_id=request_id.decode(),
        )
        headers = {
            **default_headers,
            **STANDING_HEADERS,
            b"content-type": media_type.encode(),
            b"content-length": b"%d" % len(content),
            b"x-request-id": request_id,
            b"connection": b"close",
        }
        if status == 503:
            headers[b"retry-after"] = b"1"
        return head_of_answer(status, headers.items()) + content
