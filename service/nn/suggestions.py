"""Finds the known name that an unknown one most likely stands for."""

import difflib
from collections.abc import Iterable

_LIKE_ENOUGH = 0.7


def closest(name: str, known: Iterable[str], *, n: int = 1) -> list[str]:
    """Of the known names at most `n` that look like this one, the likeliest first; capitals make no difference."""
    matcher = difflib.SequenceMatcher(autojunk=False)
    folded = name[:60].casefold()
    matcher.set_seq2(folded)
    likely = [(_likeness(folded, one.casefold(), matcher), one) for one in known]
    likely.sort(key=lambda pair: -pair[0])
    return [one for likeness, one in likely[:n] if likeness]


def hint(name: str, known: Iterable[str]) -> str:
    """Returns a question whether the most similar known name was meant; an empty text if none is similar."""
    return "".join(f" Did you mean {one!r}?" for one in closest(name, known))


def _likeness(name: str, known: str, matcher: difflib.SequenceMatcher[str]) -> float:
    """How likely it is that one name was written for the other: above 1 if by a common slip, else below; 0 if not."""
    if sorted(name) == sorted(known):  # letters that have changed places
        return 2 + (name == known)
    words = known.split("_")
    if (
        len(name) > 1
        and (
            known.startswith(name)
            or set(name.split("_")) <= set(words)  # words left out
            or name == "".join(word[:1] for word in words)  # rmse for root_mean_squared_error
        )
    ):
        return 1 + 1 / len(known)
    matcher.set_seq1(known)
    quickly = min(matcher.real_quick_ratio(), matcher.quick_ratio())
    ratio = matcher.ratio() if quickly >= _LIKE_ENOUGH else 0.0
    return ratio if ratio >= _LIKE_ENOUGH else 0.0
