"""What the exchange process is told."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import msgspec

from actors.errors import UsageError

DEMO_KEY = "demo-key"
DEMO_SECRET = "demo-secret"


class ExchangeAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account: its key, how it signs, and what it holds at first."""

    name: str
    key: str
    secret: str
    """HMAC secret; or `ed25519:` and the base64 of the 32 bytes of a public key."""
    balances: dict[str, Decimal]


DEMO_ACCOUNT = ExchangeAccount(
    name="demo",
    key=DEMO_KEY,
    secret=DEMO_SECRET,
    balances={"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10)},
)


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """How connections live."""

    ping_seconds: float = 20.0
    pong_deadline_seconds: float = 60.0
    life_seconds: float = 24 * 3600.0
    shutdown_notice_seconds: float = 1.0
    """From `serverShutdown` until the connections are closed."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Limits, as `exchangeInfo` shows them."""

    weight_per_minute: int = 6_000
    raw_requests_per_5_minutes: int = 300_000
    orders_per_10_seconds: int = 100
    orders_per_day: int = 200_000
    messages_per_second: int = 5
    """From a client over one stream connection."""
    connections_per_5_minutes: int = 300
    """WebSocket handshakes of one address."""
    violations_before_ban: int = 10
    """Requests in spite of 429 until the address is banned."""
    ban_seconds: int = 120
    open_orders_max: int = 200
    """Per symbol and account."""


PROFILES = {
    "default": Profile(),
    "fast": Profile(
        weight_per_minute=60_000_000,
        raw_requests_per_5_minutes=300_000_000,
        orders_per_10_seconds=1_000_000,
        orders_per_day=1_000_000_000,
        messages_per_second=1_000,
        connections_per_5_minutes=1_000_000,
        open_orders_max=100_000,
    ),
}


class Synthetic(msgspec.Struct, frozen=True, kw_only=True):
    """A seeded generator makes the market."""

    seed: int = 0
    rate: float = 50.0
    """Quotes per second, all symbols together."""
    volatility: float = 0.0001
    """Standard deviation of the mid over one second, fraction."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """Captures make the market."""

    files: tuple[Path, ...]
    at_end: Literal["loop", "stay"] = "loop"


class ExchangeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `ExchangeServer` needs."""

    market: Synthetic | Recorded = Synthetic()
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    """For the generator; a recording names its own."""
    speed: float = 1.0
    accounts: tuple[ExchangeAccount, ...] = (DEMO_ACCOUNT,)
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    profile: Profile = Profile()
    timings: Timings = Timings()
    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    truth: Path | None = None
    history_hours: float = 72.0
    """Klines made up for the time before the start."""


def parse_account(text: str) -> ExchangeAccount:
    """`name:key:secret:USDT=100000,BTC=1`; the secret may itself be `ed25519:<base64>`.

    Raises:
        UsageError: Not of this form.
    """
    name, _, rest = text.partition(":")
    key, _, rest = rest.partition(":")
    secret, _, holdings = rest.rpartition(":")
    if not (name and key and secret):
        raise UsageError(f"account {text!r} is not name:key:secret:ASSET=AMOUNT,…; write it like that")
    balances: dict[str, Decimal] = {}
    for part in filter(None, holdings.split(",")):
        asset, _, amount = part.partition("=")
        try:
            balances[asset.upper()] = Decimal(amount)
        except InvalidOperation:
            raise UsageError(f"{part!r} is no balance: write ASSET=AMOUNT as in USDT=100000") from None
        if not asset or not balances[asset.upper()].is_finite() or balances[asset.upper()] < 0:
            raise UsageError(f"{part!r} is no balance: write ASSET=AMOUNT as in USDT=100000")
    return ExchangeAccount(name=name, key=key, secret=secret, balances=balances)
