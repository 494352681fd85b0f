"""Signatures against the venue's published vectors, and the window of time."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actors.errors import UsageError
from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.signatures import ApiKey, check_timing, split_signature, websocket_payload

SAMPLE = ApiKey("sample", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
PAYLOAD_A = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559"
)
SIGNATURE_A = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
NOW_MS = 1_790_000_000_000


def test_the_published_hmac_vectors_verify() -> None:
    assert SAMPLE.verify(PAYLOAD_A, SIGNATURE_A)
    payload = PAYLOAD_A.replace("LTCBTC", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96")
    assert SAMPLE.verify(payload, "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3")


def test_the_published_websocket_vector_verifies_whatever_the_order_of_parameters() -> None:
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
        "price": "52000.00", "recvWindow": 100, "timestamp": 1645423376532,
        "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "signature": "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    }  # fmt: skip
    assert SAMPLE.verify(websocket_payload(params), str(params["signature"]))


def test_an_ed25519_signature_verifies_with_the_public_key_alone() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    key = ApiKey("ed", f"ed25519:{public}")
    signature = "jjt1qwCY9csZlKsIpxgnSZSMn4zp40EFhbaN3JXjejGf6Zmc2MF5T+Kj6+CwPqvjBhT7RLWOVFrnRe0DYkbuBA=="
    assert key.verify(PAYLOAD_A, signature)
    assert not key.verify(PAYLOAD_A + "0", signature)
    assert not key.verify(PAYLOAD_A, "not base64!")


def test_one_changed_character_breaks_a_signature() -> None:
    assert not SAMPLE.verify(PAYLOAD_A.replace("price=0.1", "price=0.2"), SIGNATURE_A)


def test_the_signature_is_taken_out_wherever_it_stands() -> None:
    signed = f"{PAYLOAD_A}&signature={SIGNATURE_A}"
    assert split_signature(signed, "") == (PAYLOAD_A, SIGNATURE_A)
    assert split_signature("", signed) == (PAYLOAD_A, SIGNATURE_A)
    assert split_signature("symbol=LTCBTC", f"side=BUY&signature={quote('a+b/=')}") == (
        "symbol=LTCBTCside=BUY",
        "a+b/=",
    )


@pytest.mark.parametrize(
    ("sent_ms", "window", "is_taken"),
    [
        (NOW_MS + 999, None, True),
        (NOW_MS + 1_000, None, False),
        (NOW_MS - 5_000, None, True),
        (NOW_MS - 5_001, None, False),
        (NOW_MS - 60_000, "60000", True),
        (NOW_MS - 1, "0.5", False),
        (NOW_MS, "60000.001", False),
        (NOW_MS, "1.2345", False),
        (NOW_MS, "-1", False),
        (NOW_MS * 1_000, None, True),
    ],
)
def test_the_window_of_time_is_exact(sent_ms: int, window: str | None, is_taken: bool) -> None:
    if is_taken:
        check_timing(str(sent_ms), window, NOW_MS)
    else:
        with pytest.raises(ApiError):
            check_timing(str(sent_ms), window, NOW_MS)


@pytest.mark.parametrize("timestamp", [None, "", "soon"])
def test_a_request_without_a_time_is_refused(timestamp: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        check_timing(timestamp, None, NOW_MS)
    assert refused.value.code in (-1100, -1102)


def test_a_public_key_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="32 bytes"):
        ApiKey("ed", "ed25519:nonsense")
