"""Money that comes and goes other than by trading, and the venue's memory of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec

from actors.venues.simulated.engine import MatchingEngine
from daemon.exchange.clock import VenueClock

Way = Literal["chain", "funding", "dividend", "sub_account"]
"""How money came: what a sub-account sends or gets is in no history that is served here."""


class TransferRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer."""

    number: int
    asset: str
    amount: Decimal
    """Signed: > 0 came in."""
    way: Way | Literal["dust"]
    time_ms: int
    into: str = ""
    """Of a converted balance: what it became, and how much of it."""
    received: Decimal = Decimal(0)


class Wallet:
    """Moves money and remembers it; `moved` hears of each asset that has changed."""

    def __init__(
        self, *, engine: MatchingEngine, clock: VenueClock, moved: Callable[[str, str, Decimal], None]
    ) -> None:
        self._engine, self._clock, self._moved = engine, clock, moved
        self._records: dict[str, list[TransferRecord]] = {}

    def transfer(self, account: str, asset: str, amount: Decimal, way: Way = "chain") -> bool:
        """Deposit (> 0) or withdraw (< 0); False when less than that is free."""
        if not self._move(account, asset, amount):
            return False
        self._remember(account, asset=asset, amount=amount, way=way)
        return True

    def convert(self, account: str, asset: str, amount: Decimal, into: str, received: Decimal) -> bool:
        """A small balance becomes another asset; False when less than that is free."""
        if not self._move(account, asset, -amount):
            return False
        self._move(account, into, received)
        self._remember(account, asset=asset, amount=-amount, way="dust", into=into, received=received)
        return True

    def history(self, account: str) -> list[TransferRecord]:
        """Every transfer and conversion of the account, oldest first."""
        return self._records.get(account, [])

    def _move(self, account: str, asset: str, amount: Decimal) -> bool:
        if not self._engine.transfer(account, asset, amount):
            return False
        self._moved(account, asset, amount)
        return True

    def _remember(self, account: str, **about: Any) -> None:
        kept, now_ms = self._records.setdefault(account, []), self._clock.now_ms()
        kept.append(TransferRecord(number=now_ms * 1_000 + len(kept), time_ms=now_ms, **about))
