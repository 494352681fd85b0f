"""Signatures of requests, and the two texts they are made over."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from actors.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PEM_MARK = "-----BEGIN"


class Signer(Protocol):
    """Makes the `signature` parameter of a payload."""

    def sign(self, payload: str) -> str:
        """The signature as the venue wants it before percent-encoding."""


class HmacSigner:
    """HMAC-SHA256 with the account's secret, hexadecimal."""

    def __init__(self, secret: str) -> None:
        self._start = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def sign(self, payload: str) -> str:
        """64 hexadecimal digits."""
        code = self._start.copy()
        code.update(payload.encode())
        return code.hexdigest()

    def __repr__(self) -> str:
        return "HmacSigner(***)"


class Ed25519Signer:
    """Ed25519 with the account's private key, base64."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, payload: str) -> str:
        """88 characters of base64."""
        return base64.b64encode(self._key.sign(payload.encode())).decode()

    def __repr__(self) -> str:
        return "Ed25519Signer(***)"


def signer_for(secret: str) -> Signer:
    """HMAC for a plain secret, Ed25519 for a private key in PEM form.

    Raises:
        ConfigError: Empty, or a PEM text that holds no Ed25519 private key without a passphrase.
    """
    secret = secret.strip()
    if not secret:
        raise ConfigError(
            "the Binance API secret is empty: give the secret, or an Ed25519 private key as PEM"
        )
    if not secret.startswith(_PEM_MARK):
        return HmacSigner(secret)
    # Here, because the library is slow to load and plain secrets do without it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(
            "the Binance API secret is a PEM text without a plain Ed25519 private key: "
            "make one with `openssl genpkey -algorithm ed25519`, or give the HMAC secret"
        )
    return Ed25519Signer(key)


def query_text(params: Mapping[str, str | int]) -> str:
    """REST: name=value in the given order, values percent-encoded, which comes before signing."""
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())


def signed_query(params: Mapping[str, str | int], signer: Signer) -> str:
    """REST: the parameters with their signature last."""
    payload = query_text(params)
    return f"{payload}&signature={quote(signer.sign(payload), safe='')}"


def signed_params(params: Mapping[str, str | int], signer: Signer) -> dict[str, str | int]:
    """WebSocket API: signed over the parameters sorted by name and not percent-encoded."""
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return {**params, "signature": signer.sign(payload)}
