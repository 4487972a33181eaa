"""Which of the known names one that nobody knows was likely meant to be."""

import difflib
from collections.abc import Iterable

_LIKE_ENOUGH = 0.7


def closest(name: str, known: Iterable[str], *, n: int = 1) -> list[str]:
    """Of the known names at most `n` that look like this one, the likeliest first; capitals make no difference."""
    name = name[:60]
    likely = [(_likeness(name.casefold(), one.casefold()), one) for one in known]
    likely.sort(key=lambda pair: -pair[0])
    return [one for likeness, one in likely[:n] if likeness >= _LIKE_ENOUGH]


def hint(name: str, known: Iterable[str]) -> str:
    """A sentence that asks whether the likeliest of the known names was meant; nothing where none looks like it."""
    return "".join(f" Did you mean {one!r}?" for one in closest(name, known))


def _likeness(name: str, known: str) -> float:
    """How likely it is that one name was written for the other: 1 and more if by a common slip, else below 1."""
    ratio = difflib.SequenceMatcher(None, known, name, autojunk=False).ratio()
    words = known.split("_")
    if sorted(name) == sorted(known):  # letters that have changed places
        return 2 + ratio
    if (
        len(name) > 1
        and (
            known.startswith(name)
            or set(name.split("_")) <= set(words)  # words left out
            or name == "".join(word[:1] for word in words)  # rmse for root_mean_squared_error
        )
    ):
        return 1 + ratio
    return ratio
