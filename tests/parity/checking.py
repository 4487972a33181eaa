"""Run a case on `service.nn` and compare it with what Keras gave."""

from collections.abc import Iterable

from tests.parity.engine import OurEngine
from tests.parity.groups import GROUPS
from tests.parity.recording import flatten, load
from tests.parity.tolerance import DELIBERATE, difference, tolerance_for


def names(group: str, prefix: str = "") -> list[str]:
    """The cases of a group, for parametrizing."""
    return [name for name in GROUPS[group] if name.startswith(prefix)]


def compare(group: str, name: str) -> list[str]:
    """Run one case; every disagreement as a line."""
    expected = load(group)[name]
    received = flatten(GROUPS[group][name](OurEngine()))
    tolerance = tolerance_for(group, name)
    found = [f"{key}: missing" for key in expected if key not in received]
    found += [f"{key}: not in Keras" for key in received if key not in expected]
    for key in expected:
        if key in received and (what := difference(expected[key], received[key], tolerance)):
            found.append(f"{key}: {what}")
    return found


def assert_equal_to_keras(group: str, name: str) -> None:
    """Fail with the disagreements, first ones first; where we differ on purpose, fail if there are none."""
    found = compare(group, name)
    if (group, name) in DELIBERATE:
        assert found, f"{group} / {name} agrees with Keras now: drop it from the table DELIBERATE"
        return
    assert not found, "\n".join([f"{group} / {name}", *shorten(found)])


def shorten(lines: Iterable[str], most: int = 12) -> list[str]:
    """The first lines, and how many more there are."""
    every = list(lines)
    return every[:most] + ([f"... and {len(every) - most} more"] if len(every) > most else [])
