"""The floor of uploads: a bare ASGI application that writes a body to a file, and does nothing with it."""

import os
from pathlib import Path
from typing import Any

_FILE = Path(os.environ["FLOOR_FOLDER"]) / "received"


async def app(_scope: Any, receive: Any, send: Any) -> None:
    with _FILE.open("wb") as file:
        more = True
        while more:
            message = await receive()
            file.write(message.get("body", b""))
            more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
