"""Pages and their files: what a browser may do with them, and refusals in the form of all others."""

import base64
import hashlib
import re
from http import HTTPStatus

from fastapi import Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from service.api.http.problems import problem

_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def page_headers(page: bytes) -> dict[str, str]:
    """The headers of a page: it runs its own scripts alone, is shown in no frame, and tells nobody where it was."""
    digests = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in digests)])
    return {
        "Content-Security-Policy": f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class Pages(StaticFiles):
    """Files of pages; what they refuse by themselves (a range outside of a file) is a problem like all others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a file, or why not."""
        refused = False

        async def told(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                refused = True
                await _problem(scope, message)(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, told)


def _problem(scope: Scope, message: Message) -> Response:
    request, title = Request(scope), HTTPStatus(message["status"]).phrase
    if message["status"] != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return problem(request, message["status"], "malformed", title, "The header Range cannot be read.")
    length = {name.decode(): value.decode() for name, value in message["headers"] if name.lower() == b"content-range"}
    detail = "Expected a Range inside of the file; Content-Range says how long it is."
    return problem(request, 416, "range_not_satisfiable", title, detail, headers=length)
