"""Doors: one port for all of them, and none that somebody else has."""

import socket

import pytest

from service.errors import Conflict
from service.processes.sockets import listen, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("count", [1, 3])
def test_all_doors_are_of_one_port_that_was_free(host: str, count: int) -> None:
    with listening(host, 0, count) as doors:
        ports = {door.getsockname()[1] for door in doors}
        assert (len(doors), len(ports)) == (count, 1)
        assert ports != {0}
        socket.create_connection((host, *ports)).close()
    assert all(door.fileno() == -1 for door in doors)


@pytest.mark.parametrize("mine", [1, 2])
@pytest.mark.parametrize("theirs", [1, 2])
def test_a_port_that_another_has_is_refused_even_if_it_could_be_shared(mine: int, theirs: int) -> None:
    with listening("127.0.0.1", 0, theirs) as doors:
        port = doors[0].getsockname()[1]
        with pytest.raises(Conflict, match=f"Cannot listen on 127.0.0.1:{port}"), listening("127.0.0.1", port, mine):
            pass


def test_a_port_is_free_again_when_its_doors_are_closed() -> None:
    with listening("127.0.0.1", 0, 2) as doors:
        port = doors[0].getsockname()[1]
    listen("127.0.0.1", port).close()
