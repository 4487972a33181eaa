"""A child is started again: at once the first time, then with growing patience."""

import time

from service.processes.child import Child


def end_of(child: Child) -> int:
    assert child.process is not None
    child.process.wait(60)
    code = child.ended()
    assert code is not None
    return code


def test_a_child_that_dies_is_reported_once() -> None:
    child = Child("worker 1", ["--help"], fds=[])
    assert child.ended() is None
    child.start("serve-1")
    assert child.owner.startswith("serve-1.")
    assert end_of(child) == 0
    assert child.ended() is None


def test_every_process_has_an_owner_of_its_own() -> None:
    child = Child("worker 1", ["--help"], fds=[])
    owners = set()
    for _ in range(2):
        child.start("serve-1")
        owners.add(child.owner)
        end_of(child)
    assert len(owners) == 2


def test_patience_grows_with_every_early_death() -> None:
    child = Child("worker 1", ["--no-such-option"], fds=[])
    pauses = []
    for _ in range(3):
        child.start("serve-1")
        assert end_of(child) == 2
        pauses.append(child.due_at - time.monotonic())
    assert pauses[0] <= 0
    assert 0 < pauses[1] < pauses[2]
