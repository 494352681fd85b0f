"""Secrets: named in the configuration, found in the environment, never printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from actors.errors import ConfigError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,47}")


class Secret:
    """A text that shows itself only when asked to."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str = "given") -> None:
        self._text = text
        self.origin = origin
        """Where it was found; safe to print."""

    def reveal(self) -> str:
        """The text itself: for signing and sending, never for a log."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")


def resolve_secret(name: str, environ: Mapping[str, str]) -> Secret:
    """The secret `name`: from the environment variable, the file `NAME_FILE` names, or a systemd credential.

    Raises:
        ConfigError: None of them is there, or what is there is empty or unreadable.
    """
    if text := environ.get(name, "").strip():
        return Secret(text, f"environment {name}")
    if file := environ.get(f"{name}_FILE"):
        return Secret(_read(Path(file), name), f"file {file}")
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        path = Path(folder) / name
        if path.exists():
            return Secret(_read(path, name), f"systemd credential {name}")
    raise ConfigError(
        f"the secret {name} is missing: set the environment variable {name}, or {name}_FILE to a file "
        "that holds it, or give it as a systemd credential"
    )


def check_secret_name(name: str) -> None:
    """Refuse what is not a name; it may be the secret itself, so it is not repeated.

    Raises:
        ConfigError: Not a name an environment variable or a credential can have.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "this must be the *name* of a secret (such as BINANCE_API_KEY), not the secret itself: put the "
            "secret into an environment variable or a credential of that name"
        )


def _read(path: Path, name: str) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not UTF-8 text"
        raise ConfigError(
            f"the secret {name} cannot be read from {path} ({reason.lower()}): check file and permissions"
        ) from None
    if not text:
        raise ConfigError(f"the secret {name} in {path} is empty: write the secret into it")
    return text
