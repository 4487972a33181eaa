"""Versions for tests that have no database: with as little in them as possible, and as if they were published."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from service.versions import NewVersion, Trained, Version


def new_version(**parts: Any) -> NewVersion:
    """A version that is not published yet."""
    made: dict[str, Any] = {"summary": [], "metrics": {"loss": 0.25}, "weights": b"the weights"}
    made |= {name: {} for name in ("spec", "compile", "fit", "input", "output", "environment", "timing")}
    return NewVersion(**made | parts)


def published(new: NewVersion, **parts: Any) -> Version:
    """Version 3 of the model `digits`, or as `parts` say."""
    own = {"id": "ver_1", "model": "digits", "number": 3, "job_id": None, "sha256": new.sha256}
    own |= {"size_bytes": len(new.weights), "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
    return Version(**{one.name: getattr(new, one.name) for one in fields(Trained)} | own | parts)
