"""Services that ask for a key, and the keys of those who call them."""

from pathlib import Path
from typing import Any

from service.access import Scope
from tests.support.serving import Service


class LockedService(Service):
    """A service that asks for keys on loopback, too, with a key for each scope in `keys`."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        super().__init__(directory, auth="on", **settings)
        self.keys = {scope: self.key(scope) for scope in Scope}

    def key(self, *scopes: Scope, **more: Any) -> str:
        """The text of a new key."""
        with self.database.transaction() as tx:
            return tx.keys.add("test", scopes, by="test", **more).text

    def __exit__(self, *gone: Any) -> None:
        self.app.state.fitd.keys.close()
        super().__exit__(*gone)


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}
