"""The venue's published signatures, and what may serve as a secret."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from actors.errors import ConfigError
from actors.venues.binance.signing import (
    Ed25519Signer,
    HmacSigner,
    query_text,
    signed_params,
    signed_query,
    signer_for,
)

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
ORDER: dict[str, str | int] = {
    "symbol": "LTCBTC",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "0.1",
    "recvWindow": 5000,
    "timestamp": 1499827319559,
}
VECTOR_A = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
VECTOR_B = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
VECTOR_C = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
VECTOR_D = "jjt1qwCY9csZlKsIpxgnSZSMn4zp40EFhbaN3JXjejGf6Zmc2MF5T+Kj6+CwPqvjBhT7RLWOVFrnRe0DYkbuBA=="


def test_a_plain_rest_order_is_signed_as_published() -> None:
    assert signed_query(ORDER, HmacSigner(SECRET)) == f"{query_text(ORDER)}&signature={VECTOR_A}"


def test_a_symbol_outside_ascii_is_encoded_before_it_is_signed() -> None:
    order = {**ORDER, "symbol": "１２３４５６"}
    assert "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&" in query_text(order)
    assert signed_query(order, HmacSigner(SECRET)).endswith(f"&signature={VECTOR_B}")


def test_websocket_parameters_are_signed_sorted_whatever_their_order() -> None:
    params: dict[str, str | int] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": API_KEY,
    }
    signed = signed_params(params, HmacSigner(SECRET))
    assert signed == {**params, "signature": VECTOR_C}
    assert signed_params(dict(reversed(params.items())), HmacSigner(SECRET))["signature"] == VECTOR_C


def test_an_ed25519_signature_is_base64_and_percent_encoded_in_a_query() -> None:
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    assert signer.sign(query_text(ORDER)) == VECTOR_D
    assert signed_query(ORDER, signer).endswith(
        VECTOR_D.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    )


def test_a_pem_secret_makes_an_ed25519_signer() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert signer_for(f"\n{pem}\n").sign(query_text(ORDER)) == VECTOR_D


@pytest.mark.parametrize("secret", ["", "  \n", "-----BEGIN PRIVATE KEY-----\nnonsense\n"])
def test_a_useless_secret_is_refused_with_the_way_out(secret: str) -> None:
    with pytest.raises(ConfigError, match="Ed25519"):
        signer_for(secret)


def test_no_signer_shows_its_secret() -> None:
    assert SECRET not in repr(signer_for(SECRET))
