"""Machines of the test's own: network namespaces on a bridge where the system allows it, else plain processes."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.server import ROOT, free_port


class Machine:
    """A place for processes, which can be cut off from the others and joined to them again."""

    def __init__(self, network: "Network", number: int) -> None:
        self.network = network
        self.name = f"{network.name}n{number}"
        self.address = f"{network.prefix}.{number + 1}" if network.is_real else "127.0.0.1"
        self.port = 8000 if network.is_real else free_port()
        self.url = f"http://{self.address}:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        if network.is_real:
            inside, outside = "eth0", f"{self.name}v"
            ip("netns", "add", self.name)
            ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", self.name)
            ip("link", "set", outside, "master", network.name, "up")
            for command in (
                f"addr add {self.address}/24 dev {inside}",
                f"link set {inside} up",
                "link set lo up",
            ):
                ip("-n", self.name, *command.split())

    def run(self, command: str, folder: Path, **settings: str) -> None:
        """Starts one of the service's commands on this machine."""
        own = {
            "FITD_HOST": "0.0.0.0",
            "FITD_AUTH": "off",
            "FITD_PORT": str(self.port),
            "FITD_DATA_DIR": str(folder / self.name),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FITD_")}
        within = ["ip", "netns", "exec", self.name] if self.network.is_real else []
        with (folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*within, sys.executable, "-m", "service", command],
                cwd=folder,
                env=kept | {"PYTHONPATH": str(ROOT)} | own | settings,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)

    def cut(self) -> None:
        """Takes the machine off the network."""
        if self.network.is_real:
            ip("link", "set", f"{self.name}v", "down")
        for process in [] if self.network.is_real else self.processes:
            process.send_signal(signal.SIGSTOP)

    def join(self) -> None:
        """Brings it back."""
        if self.network.is_real:
            ip("link", "set", f"{self.name}v", "up")
        for process in [] if self.network.is_real else self.processes:
            process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ends its processes, and the machine."""
        for process in self.processes:
            process.kill()
            process.wait()
        if self.network.is_real:
            ip("netns", "del", self.name)


class Network:
    """A bridge between machines, over which they reach a port of this one."""

    def __init__(self, port: int) -> None:
        self.name = f"fb{secrets.token_hex(3)}"
        self.prefix = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
        self.is_real = self._make()
        self.host, self.port = ("127.0.0.1", port)
        self._forwarder: subprocess.Popen[bytes] | None = None
        if self.is_real:
            self.host = f"{self.prefix}.1"
            command = [sys.executable, "-m", "tests.e2e.machines", self.host, str(port)]
            self._forwarder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
            assert self._forwarder.stdout is not None
            self.port = int(self._forwarder.stdout.readline())

    def end(self) -> None:
        """Takes the bridge down."""
        if self._forwarder is not None:
            self._forwarder.kill()
            self._forwarder.communicate()
            ip("link", "del", self.name)

    def _make(self) -> bool:
        try:
            ip("link", "add", self.name, "type", "bridge")
            ip("addr", "add", f"{self.prefix}.1/24", "dev", self.name)
            ip("link", "set", self.name, "up")
            ip("netns", "add", f"{self.name}t")
            ip("netns", "del", f"{self.name}t")
        except (OSError, subprocess.CalledProcessError):
            return False
        return True


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


async def forward(host: str, port: int) -> None:
    """Lets the machines reach a port of this one's loopback; prints where."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, host, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(forward(sys.argv[1], int(sys.argv[2])))
