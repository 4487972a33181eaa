"""Server-Sent Events, read line by line."""

import json
from collections.abc import AsyncGenerator, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job: `status`, `epoch`, `log`, or `done`, numbered from 1."""

    kind: str
    data: dict[str, Any]
    number: int


Events = Generator[Event, None, None]
AsyncEvents = AsyncGenerator[Event, None]


@dataclass(slots=True)
class EventReader:
    """Events out of the lines of a stream; what a broken connection left half is given up by `restart`."""

    last: int = 0
    _kind: str = "message"
    _data: list[str] = field(default_factory=list)
    _id: str = ""

    def read(self, line: str) -> Iterator[Event]:
        """The event that this line ends, unless it came before."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._kind = value
            elif name == "data":
                self._data.append(value)
            elif name == "id":
                self._id = value
            return
        kind, data, number = self._kind, "\n".join(self._data), self._id
        self.restart()
        if data and number.isdecimal() and int(number) > self.last:
            self.last = int(number)
            yield Event(kind, json.loads(data), self.last)

    def restart(self) -> None:
        """Forgets a half event."""
        self._kind, self._data, self._id = "message", [], ""
