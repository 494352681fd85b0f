"""What the fake TWS is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from daemon.exchange.ib.contracts import ALWAYS
from daemon.exchange.settings import ExchangeAccount, Synthetic

DEMO_ACCOUNT = ExchangeAccount(name="DU1000001", key="", secret="", balances={"USD": Decimal(1_000_000)})


class IbSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `IbServer` needs."""

    market: Synthetic = Synthetic()
    symbols: tuple[str, ...] = ("AAPL", "MSFT", "ES", "EUR.USD")
    speed: float = 1.0
    accounts: tuple[ExchangeAccount, ...] = (DEMO_ACCOUNT,)
    """Names begin with D where money is not real."""
    hours: tuple[str, str] = ALWAYS
    """Of every weekday in the contract's own zone, `("0930", "1600")`."""
    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    truth: Path | None = None
    history_hours: float = 72.0
