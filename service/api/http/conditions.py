"""Conditional requests (RFC 9110, 13): carried out, or answered, only if the state is the one that the caller knows."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header

from service.errors import Malformed, PreconditionFailed

_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)
_WITHOUT_TAG = ""


class Tags:
    """What `If-Match` or `If-None-Match` says: any, or some entity tags; `Malformed` if it says neither."""

    def __init__(self, text: str, name: str) -> None:
        self._is_any = text.strip() == "*"
        if not self._is_any and not _TAGS.fullmatch(text):
            raise Malformed(f'Expected * or ETags such as "3", separated by commas, in {name}.', code="bad_etag")
        self._tags = set(_EACH.findall(text))

    def match(self, etag: str | None, *, weakly: bool = False) -> bool:
        """Whether the tag of what is there, None if nothing is, is among them; a weak tag is so only `weakly`."""
        if etag is None:
            return False
        if weakly:
            return self._is_any or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in self._tags}
        return self._is_any or (etag in self._tags and not etag.startswith("W/"))


class Conditions:
    """The conditions of one request."""

    def __init__(self, if_match: str | None, if_none_match: str | None) -> None:
        self._match = None if if_match is None else Tags(if_match, "If-Match")
        self._none_match = None if if_none_match is None else Tags(if_none_match, "If-None-Match")

    def check(self, etag: str | None) -> None:
        """Raises `PreconditionFailed` unless the condition matches this tag; None means that nothing exists yet."""
        if self._match is not None and not self._match.match(etag):
            raise PreconditionFailed("What If-Match names is not there any more; read it again and decide anew.")
        if self._none_match is not None and self._none_match.match(etag, weakly=True):
            raise PreconditionFailed("There is already what If-None-Match says that there should not be.")

    def check_untagged(self) -> None:
        """The same of something that is there and has no tag: `If-Match` is then true of `*` alone."""
        self.check(_WITHOUT_TAG)

    def is_known(self, etag: str) -> bool:
        """Whether the caller has what has this tag, so that 304 is enough; fails as `check` does on `If-Match`."""
        if self._match is not None and not self._match.match(etag):
            raise PreconditionFailed("What If-Match names is not there any more.")
        return self._none_match is not None and self._none_match.match(etag, weakly=True)


def _conditions(
    if_match: Annotated[
        str | None, Header(description="`ETag`s of which one has to be that of what is there, else 412.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="`ETag`s of which none may be that of what is there; `*`: nothing may be there.")
    ] = None,
) -> Conditions:
    return Conditions(if_match, if_none_match)


Conditional = Annotated[Conditions, Depends(_conditions)]
"""The conditions of a request as an argument of a route."""

NOT_MODIFIED: Mapping[int | str, dict[str, Any]] = {304: {"description": "It is still what `If-None-Match` names."}}
"""The `responses` of a route that may return 304."""
