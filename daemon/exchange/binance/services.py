"""What every part of the protocol works with."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.errors import UsageError
from daemon.exchange.binance.errors import INVALID_SYMBOL, ApiError
from daemon.exchange.binance.limits import Limits
from daemon.exchange.binance.signatures import ApiKey
from daemon.exchange.clock import VenueClock
from daemon.exchange.faults import FaultBook
from daemon.exchange.market_data.market import Market, SymbolMarket
from daemon.exchange.settings import ExchangeSettings
from daemon.exchange.truth import TruthLog
from daemon.exchange.venue import Venue


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange."""

    settings: ExchangeSettings
    clock: VenueClock
    market: Market
    venue: Venue
    faults: FaultBook
    truth: TruthLog
    limits: Limits
    keys: dict[str, ApiKey]
    """By API key."""

    def symbol(self, symbol: str | None) -> SymbolMarket:
        """The market of a symbol.

        Raises:
            ApiError: We do not list it.
        """
        market = self.market.symbols.get(symbol or "")
        if market is None:
            raise ApiError(*INVALID_SYMBOL)
        return market


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    address: str
    account: str | None

    @property
    def owner(self) -> str:
        """The account of a signed request."""
        assert self.account is not None
        return self.account


def keys_of(settings: ExchangeSettings) -> dict[str, ApiKey]:
    """Keys of all accounts.

    Raises:
        UsageError: Two accounts share a key or a name.
    """
    keys = {account.key: ApiKey(account.name, account.secret) for account in settings.accounts}
    names: dict[str, Any] = {account.name: None for account in settings.accounts}
    if len(keys) != len(settings.accounts) or len(names) != len(settings.accounts):
        raise UsageError("two accounts have the same name or key: give each its own")
    return keys
