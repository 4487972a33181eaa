"""When a request is sent again, and after which pause."""

import random
from dataclasses import dataclass

import httpx

from fitd.errors import retry_after_of

_PASSING = {408, 429, 500, 502, 503, 504}
_REFUSED_BEFORE_WORK = {429, 503}
_NOT_YET_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent again at most, and how the pauses grow (seconds, with jitter)."""

    times: int = 5
    first_pause: float = 0.25
    longest_pause: float = 8.0

    def pause(self, tries: int, response: httpx.Response | None = None) -> float:
        """The pause after so many tries; what the service asks for in `Retry-After` is the least."""
        grown = min(self.longest_pause, self.first_pause * 2.0 ** min(tries, 30))
        asked = 0.0 if response is None else retry_after_of(response) or 0.0
        return max(asked, grown * random.uniform(0.5, 1.0))  # noqa: S311 - no secret hangs on it

    def again(self, tries: int, response: httpx.Response, *, repeatable: bool) -> bool:
        """Whether a response is worth another try; `repeatable` says that doing it twice does no harm."""
        if tries >= self.times or (retry_after_of(response) or 0.0) > LONGEST_RETRY_AFTER:
            return False
        status = response.status_code
        if status == 409:  # only where the service says that it passes
            return repeatable and "Retry-After" in response.headers
        return status in (_PASSING if repeatable else _REFUSED_BEFORE_WORK)

    def again_after(self, tries: int, error: httpx.TransportError, *, repeatable: bool) -> bool:
        """Whether a broken connection is worth another try."""
        return tries < self.times and (repeatable or isinstance(error, _NOT_YET_SENT))
