"""A real Fitd: `python -m service serve` in a folder of its own, on a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """The supervisor with all its processes; `url` answers as soon as `start` returns."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        self._log = folder / "serve.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FITD_")}
        own = {"FITD_DATA_DIR": str(self.data), "FITD_PORT": str(self.port), "FITD_WORKERS": "2"}
        self._environment = {**kept, "PYTHONPATH": str(ROOT), **own, **settings}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it is ready; RuntimeError with the log if it does not come up."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve"],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"The server did not come up:\n{self._log.read_text()}")

    def stop(self) -> int:
        """Asks it to end, and answers its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def restart(self) -> None:
        """Ends it and starts it again on the same data."""
        self.stop()
        self.start()
