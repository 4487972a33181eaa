"""Where the service is and which key opens it: from arguments, then the environment, then a profile file."""

import json
import os
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fitd.errors import SettingsError

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and perhaps a key, which its text never shows."""

    url: str
    api_key: str | None = field(default=None, repr=False)


def profile_path() -> Path:
    """The file of profiles: `FITD_PROFILE_FILE`, or `fitd/profiles.toml` in the user's folder of configuration."""
    named = os.environ.get("FITD_PROFILE_FILE")
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(named or Path(home) / "fitd" / "profiles.toml").expanduser()


def settings_of(url: str | None = None, api_key: str | None = None, profile: str | None = None) -> Settings:
    """The settings that hold: arguments first, then `FITD_URL` and `FITD_API_KEY`, then the profile, then loopback.

    A key belongs to the address that it was kept with: the profile's key is not sent to another address.
    """
    kept = _profile(profile or os.environ.get("FITD_PROFILE") or "default", is_wanted=profile is not None)
    address = url or os.environ.get("FITD_URL") or kept.get("url") or DEFAULT_URL
    key = api_key or os.environ.get("FITD_API_KEY")
    if key is None and _same(address, kept.get("url")):
        key = kept.get("api_key")
    if not address.startswith(("http://", "https://")):
        raise SettingsError("Expected an address that begins with http:// or https://; set FITD_URL or pass url=.")
    if key is not None and (not key.isascii() or not key.isprintable() or " " in key):
        raise SettingsError("Expected a key of printable ASCII characters without spaces.")
    return Settings(address.rstrip("/"), key or None)


def write_profile(settings: Settings, name: str = "default") -> Path:
    """Keeps the settings under a name in the profile file, which only its owner may read (mode 0600)."""
    path = profile_path()
    profiles = _read(path) if path.exists() else {}
    profiles[name] = {"url": settings.url} | ({"api_key": settings.api_key} if settings.api_key else {})
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        for title, entries in profiles.items():
            file.write(f"[{json.dumps(title)}]\n")
            file.writelines(f"{key} = {json.dumps(str(value))}\n" for key, value in entries.items())
            file.write("\n")
    new.replace(path)
    return path


def _same(address: str, other: str | None) -> bool:
    return other is not None and address.rstrip("/") == other.rstrip("/")


def _profile(name: str, *, is_wanted: bool) -> dict[str, str]:
    path = profile_path()
    profiles = _read(path) if path.exists() else {}
    if name not in profiles and is_wanted:
        known = ", ".join(sorted(profiles)) or "none"
        raise SettingsError(f"There is no profile {name!r} in {path}; known: {known}. `fitd login` makes one.")
    return {key: str(value) for key, value in profiles.get(name, {}).items()}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"{path} may be read by others, and it may hold keys. Run: chmod 600 {path}")
        profiles = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read as a file of profiles; `fitd login` writes one.") from error
    return {name: entries for name, entries in profiles.items() if isinstance(entries, dict)}
