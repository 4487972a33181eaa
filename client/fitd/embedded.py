"""A service of one's own: started from a checkout, in a folder of its own, and ended with the block."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx

from fitd.errors import SettingsError, TimedOut, Unreachable
from fitd.synchronous.client import Client

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class LocalService:
    """A service that runs as long as the block of its `with`, on loopback."""

    def __init__(
        self, service: str | Path | None = None, *, folder: str | Path | None = None, port: int | None = None
    ) -> None:
        self._checkout = checkout_of(service)
        self._temporary = tempfile.TemporaryDirectory(prefix="fitd-") if folder is None else None
        self.folder = Path(self._temporary.name if self._temporary else folder or ".").resolve()
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None

    def __enter__(self) -> Client:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "serve.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FITD_")}
        own = {"FITD_DATA_DIR": str(self.folder), "FITD_PORT": str(self.port), "FITD_HOST": "127.0.0.1"}
        with log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - the checkout is the caller's
                [str(_python(self._checkout)), "-m", "service", "serve"],
                cwd=self._checkout, env={**kept, **own}, stdout=file, stderr=file, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            _await(self._process, self.url, log)
        except BaseException:
            self.stop()
            raise
        self._client = Client(self.url)
        return self._client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self) -> None:
        """Returns when the service has ended, or at Ctrl-C."""
        try:
            if self._process is not None:
                self._process.wait()
        except KeyboardInterrupt:
            return

    def stop(self) -> None:
        """Ends the service; a temporary folder goes with it."""
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._temporary is not None:
            self._temporary.cleanup()


def local(
    service: str | Path | None = None, *, folder: str | Path | None = None, port: int | None = None
) -> LocalService:
    """`with fitd.local() as client:` runs a service of one's own, in a temporary folder unless one is given.

    It is run from a checkout: `service`, or `FITD_SERVICE`, with the environment of that checkout.
    """
    return LocalService(service, folder=folder, port=port)


def checkout_of(service: str | Path | None) -> Path:
    """The folder of a checkout; SettingsError that says what to do where there is none."""
    named = service or os.environ.get("FITD_SERVICE")
    if not named:
        raise SettingsError(
            "Expected a checkout of the service: pass service=PATH (fitd serve --service PATH) or set FITD_SERVICE."
        )
    path = Path(named).expanduser().resolve()
    if not (path / "service" / "__main__.py").is_file():
        raise SettingsError(f"{path} is no checkout of the service: it has no service/__main__.py.")
    if not _python(path).is_file():
        raise SettingsError(f"{path} has no environment yet. Run there: make .venv/.runtime")
    return path


def _python(checkout: Path) -> Path:
    return checkout / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise Unreachable(f"The service ended while it started. The end of its log:\n{said}")
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=1).is_success:
                return
        time.sleep(0.05)
    raise TimedOut(f"The service was not ready within {START_SECONDS:g} seconds; see {log}.")
