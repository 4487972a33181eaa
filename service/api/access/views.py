"""Keys as requests and answers of `/v1/keys`."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from service.access import Scope
from service.api.fields import CreatedAt, NextCursor
from service.api.http.bodies import read_object
from service.errors import Findings
from service.storage.access import OVERLAP_SECONDS, Key

LONGEST_NAME = 100
LONGEST_SECONDS = 10 * 366 * 86_400.0
_LONGEST_OVERLAP = 30 * 86_400.0


class KeyRequest(BaseModel):
    """What a new key is to be good for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="Who or what uses it.", examples=["shop"])
    scopes: list[Scope] = Field(min_length=1, description="Each but `metrics` includes `read`; `admin` includes all.")
    models: str | None = Field(
        None,
        max_length=LONGEST_NAME,
        description="A pattern with `*` and `?`, such as `shop-*`: the key is only for paths that name such a model.",
    )
    expires_in_seconds: float | None = Field(
        None, gt=0, le=LONGEST_SECONDS, description="Seconds until it expires; null for never."
    )


class RotationRequest(BaseModel):
    """For how long the old key stays good beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: float = Field(
        OVERLAP_SECONDS, ge=0, le=_LONGEST_OVERLAP, description="For so long the old key stays good, in seconds."
    )


class KeyView(BaseModel):
    """A key without its secret, which is shown once, when the key is made."""

    id: str = Field(
        description="Its identifier, by which it is revoked and rotated.", examples=["key_1n2v5jz4q9s0mxjrkpt8c7w3ye"]
    )
    name: str = Field(description="Who or what uses it.", examples=["shop"])
    scopes: list[Scope] = Field(description="What it is good for; each but `metrics` includes `read`.")
    models: str | None = Field(description="The pattern of the names of the only models that it reaches, if any.")
    created_at: CreatedAt
    created_by: str = Field(description="The id of the key that made it, or by which other way it was made.")
    expires_at: datetime | None = Field(description="When it ends by itself; null for never.")
    revoked_at: datetime | None = Field(description="When it was revoked; null if it was not.")
    used_at: datetime | None = Field(description="When it was last used, to the minute.")

    @classmethod
    def of(cls, key: Key) -> Self:
        """The view of a key."""
        return cls(**{name: getattr(key, name) for name in cls.model_fields})


class NewKeyView(KeyView):
    """A new key, with its text: this is the only time that it is shown."""

    key: str = Field(description="To be sent as `Authorization: Bearer ...`.")


class KeyPage(BaseModel):
    """Keys, the newest first."""

    items: list[KeyView] = Field(description="The keys of this page.")
    next_cursor: NextCursor = None


def asked_key(body: bytes) -> KeyRequest:
    """What a request for a key asks; `Invalid` with all that is wrong with it."""
    asked = read_object(body, *KeyRequest.model_fields, required=("name", "scopes"))
    findings = Findings()
    name, models, scopes = asked["name"], asked.get("models"), asked["scopes"]
    for key, text in (("name", name), ("models", models)):
        if not (_is_text(text) or (key == "models" and text is None)):
            detail = f"Expected a text of 1 to {LONGEST_NAME} printable characters."
            findings.error(f"#/{key}", "wrong_type", detail)
    if not (isinstance(scopes, list) and scopes and all(one in list(Scope) for one in scopes)):
        detail = f"Expected a list of one or more of {', '.join(Scope)}."
        findings.error("#/scopes", "wrong_type", detail)
    seconds = asked.get("expires_in_seconds")
    if seconds is not None and not _is_between(seconds, 1, LONGEST_SECONDS):
        detail = f"Expected a number from 1 to {LONGEST_SECONDS:.0f}, or null."
        findings.error("#/expires_in_seconds", "out_of_range", detail)
    findings.raise_errors()
    return KeyRequest(name=name, scopes=list(map(Scope, scopes)), models=models, expires_in_seconds=seconds)


def asked_overlap(body: bytes) -> float:
    """For how many seconds the old key is to stay good; `Invalid` if that is no number in bounds."""
    seconds = read_object(body or b"{}", "overlap_seconds").get("overlap_seconds", OVERLAP_SECONDS)
    if not _is_between(seconds, 0, _LONGEST_OVERLAP):
        findings = Findings()
        detail = f"Expected a number from 0 to {_LONGEST_OVERLAP:.0f}."
        findings.error("#/overlap_seconds", "out_of_range", detail)
        findings.raise_errors()
    return float(seconds)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME and value.isprintable()


def _is_between(value: object, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most  # type: ignore[operator]
