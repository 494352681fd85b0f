"""Whether a request was signed by the owner of its key, and in time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from actors.errors import UsageError
from daemon.exchange.binance.errors import ApiError, illegal, missing

ED25519_PREFIX = "ed25519:"
RECEIVE_WINDOW_MS = 5_000.0
RECEIVE_WINDOW_MAX_MS = 60_000.0
AHEAD_MAX_MS = 1_000
_MICROSECONDS_FROM = 100_000_000_000_000


class ApiKey:
    """One key: HMAC with a shared secret, or Ed25519 with the owner's public key."""

    def __init__(self, account: str, secret: str) -> None:
        self.account = account
        self._secret = secret.encode()
        self._public: Ed25519PublicKey | None = None
        if secret.startswith(ED25519_PREFIX):
            try:
                raw = base64.b64decode(secret.removeprefix(ED25519_PREFIX), validate=True)
                self._public = Ed25519PublicKey.from_public_bytes(raw)
            except (binascii.Error, ValueError):
                raise UsageError(
                    f"the key of account {account!r} is no Ed25519 public key: "
                    "write ed25519: and the base64 of its 32 bytes"
                ) from None

    @property
    def is_ed25519(self) -> bool:
        """Only such keys may log on to a session."""
        return self._public is not None

    def verify(self, payload: str, signature: str) -> bool:
        """Whether `signature` (hex, or base64 for Ed25519) belongs to the payload."""
        if self._public is None:
            wanted = hmac.new(self._secret, payload.encode(), hashlib.sha256).hexdigest()
            return hmac.compare_digest(wanted.encode(), signature.lower().encode())
        try:
            self._public.verify(base64.b64decode(signature, validate=True), payload.encode())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def split_signature(query: str, body: str) -> tuple[str, str | None]:
    """What was signed (query string directly followed by the body), and the signature."""
    signature: str | None = None
    kept: list[str] = []
    for text in (query, body):
        parts = [part for part in text.split("&") if part]
        for part in parts:
            if part.startswith("signature="):
                signature = unquote(part.removeprefix("signature="))
        kept.append("&".join(part for part in parts if not part.startswith("signature=")))
    return "".join(kept), signature


def websocket_payload(params: Mapping[str, Any]) -> str:
    """What is signed in the WebSocket API: parameters by name, not percent-encoded, without the signature."""
    named = sorted((name, value) for name, value in params.items() if name != "signature")
    return "&".join(f"{name}={parameter_text(value)}" for name, value in named)


def parameter_text(value: Any) -> str:
    """A JSON value as it counts in a signature and in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check_timing(timestamp: str | None, receive_window: str | None, now_ms: int) -> None:
    """Refuse what is too old for its own window, or from the future.

    Raises:
        ApiError: -1021 and its relatives.
    """
    if not timestamp:
        raise missing("timestamp")
    if not timestamp.isdigit():
        raise illegal("timestamp", "^[0-9]{1,20}$")
    window = _window_ms(receive_window)
    sent_ms = int(timestamp)
    if sent_ms >= _MICROSECONDS_FROM:
        sent_ms //= 1_000
    if sent_ms >= now_ms + AHEAD_MAX_MS:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent_ms > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window_ms(text: str | None) -> float:
    if text is None:
        return RECEIVE_WINDOW_MS
    whole, _, decimals = text.partition(".")
    if not whole.isdigit() or len(decimals) > 3 or (decimals and not decimals.isdigit()):
        raise illegal("recvWindow", "^\\d+(\\.\\d{1,3})?$")
    window = float(text)
    if window > RECEIVE_WINDOW_MAX_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000.")
    return window
