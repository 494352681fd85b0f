"""What assets are worth in another currency at current marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from actors.core.market import MarketBoard
from actors.model.contracts import Contracts
from actors.model.instrument import Instrument
from actors.views.holdings import Holdings


class Valuation:
    """Values assets by the marks of instruments: directly, inversely, or over one asset between."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._pairs: dict[str, list[tuple[str, str, bool]]] = {}
        self._contracts: dict[str, Instrument] = {}
        for instrument in instruments:
            if instrument.is_derivative:  # its price is no rate at which anything can be exchanged
                self._contracts[instrument.id] = instrument
                continue
            self._pairs.setdefault(instrument.base, []).append((instrument.quote, instrument.id, False))
            self._pairs.setdefault(instrument.quote, []).append((instrument.base, instrument.id, True))

    def price(self, asset: str, currency: str, market: MarketBoard) -> float | None:
        """Units of `currency` per unit of `asset`; None while a mark on the way is missing."""
        if asset == currency:
            return 1.0
        for other, instrument, is_inverse in self._pairs.get(asset, ()):
            if other == currency and (mark := market.mark_price(instrument)):
                return 1.0 / mark if is_inverse else mark
        for other, price in self._steps(asset, market):
            for last, second in self._steps(other, market):
                if last == currency:
                    return price * second
        return None

    def _steps(self, asset: str, market: MarketBoard) -> list[tuple[str, float]]:
        steps = []
        for other, instrument, is_inverse in self._pairs.get(asset, ()):
            mark = market.mark_price(instrument)
            if mark:
                steps.append((other, 1.0 / mark if is_inverse else mark))
        return steps

    def total(
        self, amounts: Mapping[str, Decimal], currency: str, market: MarketBoard
    ) -> tuple[float, list[str]]:
        """Sum in `currency`, and the assets (not zero) that could not be valued and are not in it."""
        total, missing = 0.0, []
        for asset, amount in amounts.items():
            if not amount:
                continue
            price = self.price(asset, currency, market)
            if price is None:
                missing.append(asset)
            else:
                total += float(amount) * price
        return total, missing

    def open_gains(self, contracts: Mapping[str, Contracts], currency: str, market: MarketBoard) -> float:
        """What open derivatives, by instrument, have gained at mark; those without a price count nothing."""
        total = 0.0
        if self._contracts:  # elsewhere the loop below costs nothing
            for name, held in contracts.items():
                contract, mark = self._contracts.get(name), market.mark_price(name)
                if contract is None or mark is None:
                    continue
                rate = self.price(contract.quote, currency, market)
                if rate is not None:
                    gained = float(held.quantity) * mark - float(held.cost)
                    total += gained * float(contract.multiplier) * rate
        return total

    def equity(self, holdings: Holdings, account: str, currency: str, market: MarketBoard) -> float:
        """All an account holds, and what its open derivatives have gained; what has no price is left out."""
        total, _ = self.total(holdings.balances(account), currency, market)
        return total + self.open_gains(holdings.contracts(account), currency, market)
