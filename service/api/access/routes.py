"""The routes of keys, for callers whose key has the scope `admin`."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.access import Caller
from service.api.access.views import KeyPage, KeyRequest, KeyView, NewKeyView, RotationRequest, asked_key, asked_overlap
from service.api.http.bodies import JsonBytes, described
from service.api.http.paths import Paging
from service.api.http.problems import documented
from service.api.state import Shared
from service.storage.access import Key

__all__ = ["KeyRequest", "RotationRequest", "router"]

router = APIRouter(prefix="/v1/keys", tags=["keys"])

KeyId = Annotated[str, Path(description="The key's id.", examples=["key_1n2v5jz4q9s0mxjrkpt8c7w3ye"])]


def maker(request: Request) -> str:
    """How the list of keys names who makes one with this request."""
    caller: Caller = request.state.caller
    return caller.key or "a caller without a key"


@router.get("", response_model=KeyPage, responses=documented(422, 503))
def list_keys(shared: Shared, page: Paging) -> KeyPage:
    """All keys, revoked and expired ones among them, the newest first."""
    with shared.database.reading() as tx:
        found, next_cursor = tx.keys.page(limit=page.limit, cursor=page.cursor)
    page.link(next_cursor)
    return KeyPage(items=[KeyView.of(key) for key in found], next_cursor=next_cursor)


@router.post(
    "",
    response_model=NewKeyView,
    status_code=201,
    responses=documented(400, 413, 415, 422, 503),
    openapi_extra=described(
        "KeyRequest", {"a client that predicts": {"value": {"name": "shop", "scopes": ["predict"]}}}
    ),
)
def create_key(shared: Shared, request: Request, body: JsonBytes) -> NewKeyView:
    """Makes a key. Its text is in this answer and nowhere else: the service keeps only a SHA-256 of it."""
    asked = asked_key(body)
    with shared.database.transaction() as tx:
        made = tx.keys.add(
            asked.name, asked.scopes, by=maker(request), models=asked.models, seconds=asked.expires_in_seconds
        )
        key = tx.keys.get(made.id)
    return _told(shared, key, made.text)


@router.get("/{key_id:word}", response_model=KeyView, responses=documented(404, 422, 503))
def get_key(shared: Shared, key_id: KeyId) -> KeyView:
    """A key without its secret."""
    with shared.database.reading() as tx:
        return KeyView.of(tx.keys.get(key_id))


@router.delete("/{key_id:word}", status_code=204, responses=documented(404, 422, 503))
def revoke_key(shared: Shared, key_id: KeyId) -> None:
    """Revokes a key: within a second no process lets it in any more. It stays in the list."""
    with shared.database.transaction() as tx:
        tx.keys.revoke(key_id)
    shared.keys.refresh()


@router.post(
    "/{key_id:word}:rotate",
    response_model=NewKeyView,
    status_code=201,
    responses=documented(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=described("RotationRequest", {"an hour for both": {"value": {"overlap_seconds": 3600}}}),
)
def rotate_key(shared: Shared, request: Request, key_id: KeyId, body: JsonBytes) -> NewKeyView:
    """Makes a key with the same rights; the old one stays good for a while (a day, if nothing is said)."""
    overlap = asked_overlap(body)
    with shared.database.transaction() as tx:
        made = tx.keys.rotate(key_id, by=maker(request), overlap_seconds=overlap)
        key = tx.keys.get(made.id)
    return _told(shared, key, made.text)


def _told(shared: Shared, key: Key, text: str) -> NewKeyView:
    shared.keys.refresh()
    return NewKeyView(**KeyView.of(key).model_dump(), key=text)
