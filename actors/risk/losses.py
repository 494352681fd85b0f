"""What accounts and strategies have lost since their day began, and below their peak.

An account is measured by its equity at mark, as the ledger defines it: all it holds of the assets that orders
are paid in, of every other asset what its own orders and lots have made; what others traded or keep there is
left out. A strategy is measured by its own profit and loss after fees, at mark, in its account's base
currency. What comes or goes other than by trading moves what an account is measured from, not what it has
lost: the day's start by its value, the peak in proportion. What has no price yet counts once it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite

import msgspec

from actors.core.market import MarketBoard
from actors.messages.account import (
    CashTransferred,
    ExternalFill,
    ExternalFillMoved,
    ExternalFillShown,
    PositionChanged,
)
from actors.messages.clearing import ChargeBooked
from actors.messages.orders import OrderFact
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.risk.lines import Line, line_of, lines_of, own_part
from actors.views.holdings import Holdings
from actors.views.valuation import Valuation

StrategyKey = tuple[str, str]
"""Account, strategy."""


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A strategy's position in one instrument, as last booked."""

    quantity: Decimal
    entry_price_average: Decimal
    realised_pnl: Decimal
    is_unpriced_lot: bool
    """Came without a fill before there was a price: its gain until then is not the strategy's."""


class Meter(msgspec.Struct, array_like=True):
    """The figure that is watched, and what it is compared with; base currency."""

    value: float = 0.0
    day_start: float = 0.0
    peak: float = 0.0

    @property
    def daily_loss(self) -> float:
        """Since the day began; < 0 is a gain."""
        return round(self.day_start - self.value, 8)

    @property
    def peak_loss(self) -> float:
        """Below the peak, ≥ 0."""
        return round(self.peak - self.value, 8)

    @property
    def drawdown(self) -> float:
        """The same as a fraction of the peak."""
        return round(1.0 - self.value / self.peak, 12) if self.peak > 0.0 else 0.0

    def take(self, value: float) -> None:
        """The figure is now this."""
        self.value = value
        if value > self.peak:
            self.peak = value

    def move(self, shift: float) -> None:
        """What is compared with moves along: the figure has changed by no trading."""
        self.day_start += shift
        self.peak += shift


class AccountMeter(msgspec.Struct, array_like=True):
    """One account as checkpoints keep it."""

    meter: Meter
    prices: dict[str, float]
    """Last known, per asset: what loses its price does not lose its value."""
    moved: dict[str, Decimal]
    """Came or went since the last valuation, or has no price yet."""
    foreign: dict[str, Decimal]
    """Part of each balance that is not tickerd's."""


class StrategyMeter(msgspec.Struct, array_like=True):
    """One strategy as checkpoints keep it."""

    meter: Meter
    fees: float
    held: dict[str, Held]


Movement = CashTransferred | ExternalFillShown | ExternalFillMoved | ChargeBooked
"""What changes holdings and is no trade of ours; a charge is a strategy's cost, the others nobody's."""


class LossState(msgspec.Struct, array_like=True):
    """All meters; pairs where keys are tuples."""

    accounts: dict[str, AccountMeter]
    strategies: list[tuple[StrategyKey, StrategyMeter]]
    transfers: list[tuple[str, str]]


class Losses:
    """Meters of all accounts and strategies."""

    def __init__(
        self, currencies: Mapping[str, str], instruments: Mapping[str, Instrument], holdings: Holdings
    ) -> None:
        """`currencies` names each account's base currency."""
        self._currencies = dict(currencies)
        self._instruments = dict(instruments)
        self._valuation = Valuation(instruments.values())
        self._holdings = holdings
        self._quotes = frozenset(instrument.quote for instrument in instruments.values())
        self.accounts: dict[str, AccountMeter] = {}
        self.strategies: dict[StrategyKey, StrategyMeter] = {}
        self._transfers: dict[tuple[str, str], None] = {}
        self._stock: dict[str, tuple[tuple[str, float], ...]] = {}
        """Of an account each asset and its own part, until one of them changes."""
        self._lines: dict[StrategyKey, tuple[Line, ...]] = {}
        """Of a strategy each position, until one of them changes."""

    # following

    def holdings_changed(self, account: str) -> None:
        """Its balances are others than before."""
        self._stock.pop(account, None)

    def begin(self, market: MarketBoard) -> None:
        """Measure accounts that were not measured before from what they are worth now."""
        for account in self._currencies:
            if account not in self.accounts:
                found = self.accounts[account] = AccountMeter(Meter(), {}, {}, {})
                self._take_stock(account, found)
                self.holdings_changed(account)
                self._value_account(account, found, market)
                for asset, amount in self._holdings.balances(account).items():
                    if asset not in found.prices:
                        found.moved[asset] = amount - found.foreign.get(asset, ZERO)
                found.meter.day_start = found.meter.peak = found.meter.value

    def take_movement(self, movement: Movement, market: MarketBoard) -> None:
        """What moves holdings without being our trade."""
        match movement:
            case CashTransferred():
                self._take_transfer(movement)
            case ChargeBooked():
                rate = self._price(movement.account, movement.asset, market) or 0.0
                self._strategy(movement.account, movement.strategy).fees -= float(movement.amount) * rate
            case _:
                self._take_external(movement)

    def _take_transfer(self, transfer: CashTransferred) -> None:
        """Remember what came or went; the next valuation sees it among the balances. Once per id."""
        key = (transfer.account, transfer.transfer_id)
        account = self.accounts.get(transfer.account)
        if account is not None and key not in self._transfers:
            self._transfers[key] = None
            table = account.moved if self._is_cash(transfer.account, transfer.asset) else account.foreign
            _add(table, transfer.asset, transfer.amount)
            self.holdings_changed(transfer.account)

    def _is_cash(self, account: str, asset: str) -> bool:
        """Whether orders are paid in it."""
        return asset in self._quotes or asset == self._currencies[account]

    def _take_stock(self, account: str, found: AccountMeter) -> None:
        """What is held beyond the positions, of assets that orders are not paid in, is not ours."""
        for asset, amount in self._holdings.balances(account).items():
            if not self._is_cash(account, asset):
                found.foreign[asset] = amount
        for name, quantity in self._holdings.account_positions(account).items():
            instrument = self._instruments.get(name)
            if instrument is None or instrument.is_derivative:
                continue
            if not self._is_cash(account, instrument.base):
                _add(found.foreign, instrument.base, -quantity * instrument.multiplier)

    def _take_external(self, fill: ExternalFill) -> None:
        """Somebody else's execution, or one that was taken for it, moves only what is not ours."""
        found, instrument = self.accounts.get(fill.account), self._instruments.get(fill.instrument)
        if found is None or instrument is None or instrument.is_derivative:
            return
        sign = 1 if isinstance(fill, ExternalFillShown) else -1
        units = fill.quantity * instrument.multiplier * (sign if fill.side == "buy" else -sign)
        _add(found.foreign, instrument.base, units)
        _add(found.foreign, instrument.quote, -units * fill.price)
        if fill.fee:
            _add(found.foreign, fill.fee_currency, -fill.fee * sign)
        self.holdings_changed(fill.account)

    def take_fill(self, fact: OrderFact, fee: Decimal, paid: str, at: Decimal, market: MarketBoard) -> None:
        """Count the fee of an execution, at its worth when it was paid; < 0 takes it back."""
        if not fee:
            return
        rate: float | None = 1.0
        if paid != self._currencies.get(fact.account):
            rate = self._price(fact.account, paid, market)
            if rate is None and paid == self._instruments[fact.instrument].base:
                quote = self._price(fact.account, self._instruments[fact.instrument].quote, market)
                rate = None if quote is None else quote * float(at)
        self._strategy(fact.account, fact.strategy).fees += float(fee) * (rate or 0.0)

    def take_position(self, change: PositionChanged, market: MarketBoard) -> None:
        """Follow a booking; what came without a fill moves what its strategy is compared with."""
        found = self._strategy(change.account, change.strategy)
        before = found.held.get(change.instrument)
        is_lot = change.client_order_id is None
        if is_lot:
            self._take_lot(change, before)
        is_doubtful = is_lot or (before is not None and before.is_unpriced_lot)
        has_price = not is_doubtful or bool(market.mark_price(change.instrument))
        held = Held(change.quantity, change.entry_price_average, change.realised_pnl, not has_price)
        if is_doubtful and has_price:
            self._move(change, found.meter, before, held, market)
        found.held[change.instrument] = held
        self._lines.pop((change.account, change.strategy), None)

    def _move(
        self, change: PositionChanged, meter: Meter, before: Held | None, held: Held, market: MarketBoard
    ) -> None:
        """What a lot without a fill has gained until there was a price, or brings, is not its strategy's."""
        account, name = change.account, change.instrument
        instrument = self._instruments.get(name)
        if before is not None and before.is_unpriced_lot:
            meter.move(self._unrealised(account, line_of(name, instrument, before), market))
        if change.client_order_id is None:
            gain = self._gain(account, line_of(name, instrument, held), market)
            if before is not None:
                gain -= self._gain(account, line_of(name, instrument, before), market)
            meter.move(gain)

    def _take_lot(self, change: PositionChanged, before: Held | None) -> None:
        """A part of what is held became tickerd's, or no longer is, without a trade."""
        found, instrument = self.accounts.get(change.account), self._instruments.get(change.instrument)
        if found is None or instrument is None or instrument.is_derivative:
            return
        if self._is_cash(change.account, instrument.base):
            return
        more = change.quantity - (before.quantity if before is not None else ZERO)
        _add(found.foreign, instrument.base, -more * instrument.multiplier)
        _add(found.moved, instrument.base, more * instrument.multiplier)
        self.holdings_changed(change.account)

    def _strategy(self, account: str, strategy: str) -> StrategyMeter:
        key = (account, strategy)
        found = self.strategies.get(key)
        if found is None:
            found = self.strategies[key] = StrategyMeter(Meter(), 0.0, {})
        return found

    # valuing

    def value(self, account: str, market: MarketBoard, strategies: Iterable[str] | None = None) -> None:
        """Value an account and its strategies (or the named ones) at mark."""
        found = self.accounts.get(account)
        if found is None:
            return
        self._value_account(account, found, market)
        for (owner, strategy), each in self.strategies.items():
            if owner == account and (strategies is None or strategy in strategies):
                self._value_strategy((account, strategy), each, market)

    def _value_account(self, account: str, found: AccountMeter, market: MarketBoard) -> None:
        stock = self._stock.get(account)
        if stock is None:
            stock = self._stock[account] = own_part(self._holdings.balances(account), found.foreign)
        worth = 0.0
        for asset, own in stock:
            price = self._price(account, asset, market)
            if price is not None:
                worth += own * price
        if contracts := self._holdings.contracts(account):
            worth += self._valuation.open_gains(contracts, self._currencies[account], market)
        if not isfinite(worth):
            return
        meter = found.meter
        if found.moved and (shift := self._worth_moved(found)):
            before = worth - shift
            peak = max(meter.peak, before)
            meter.day_start += shift
            meter.peak = peak * worth / before if before > 0.0 and worth > 0.0 else max(worth, 0.0)
        meter.take(worth)

    @staticmethod
    def _worth_moved(found: AccountMeter) -> float:
        """What came or went since the last valuation is worth this; what has no price yet stays."""
        worth = 0.0
        for asset in list(found.moved):
            if (price := found.prices.get(asset)) is not None:
                worth += float(found.moved.pop(asset)) * price
        return worth

    def _value_strategy(self, key: StrategyKey, found: StrategyMeter, market: MarketBoard) -> None:
        account, lines = key[0], self._lines.get(key)
        if lines is None:
            lines = self._lines[key] = lines_of(found.held, self._instruments)
        total = -found.fees
        shift = 0.0
        for line in lines:
            total += self._gain(account, line, market)
            if line.is_unpriced_lot and market.mark_price(line.instrument):
                held = found.held[line.instrument]
                found.held[line.instrument] = msgspec.structs.replace(held, is_unpriced_lot=False)
                self._lines.pop(key, None)
                shift += self._unrealised(account, line, market)
        if isfinite(total):
            if shift:
                found.meter.move(shift)
            found.meter.take(total)

    def _gain(self, account: str, line: Line, market: MarketBoard) -> float:
        """Realised and unrealised, at today's rate of its quote currency."""
        realised = 0.0
        if line.realised:
            realised = line.realised * (self._price(account, line.quote, market) or 0.0)
        return realised + self._unrealised(account, line, market)

    def _unrealised(self, account: str, line: Line, market: MarketBoard) -> float:
        mark = market.mark_price(line.instrument) if line.units else None
        if not mark:
            return 0.0
        rate = self._price(account, line.quote, market) or 0.0
        return line.units * (mark - line.entry_price) * rate

    def _price(self, account: str, asset: str, market: MarketBoard) -> float | None:
        found = self.accounts.get(account)
        if found is None:
            return None
        currency = self._currencies[account]
        if asset == currency:
            found.prices[asset] = 1.0
            return 1.0
        price = self._valuation.price(asset, currency, market)
        if price is None or not isfinite(price):
            return found.prices.get(asset)
        found.prices[asset] = price
        return price

    # starting anew

    def begin_day(self, account: str) -> None:
        """Daily losses of the account and its strategies count from their last valuation."""
        self.accounts[account].meter.day_start = self.accounts[account].meter.value
        for (owner, _), found in self.strategies.items():
            if owner == account:
                found.meter.day_start = found.meter.value

    def meter(self, account: str, strategy: str | None) -> Meter | None:
        """Of an account, or of a strategy."""
        if strategy is None:
            return self.accounts[account].meter if account in self.accounts else None
        found = self.strategies.get((account, strategy))
        return found.meter if found is not None else None

    def snapshot(self) -> LossState:
        """State for the checkpoint."""
        return LossState(
            {name: _copy_account(found) for name, found in self.accounts.items()},
            [
                (key, StrategyMeter(_copy(found.meter), found.fees, dict(found.held)))
                for key, found in self.strategies.items()
            ],
            list(self._transfers),
        )

    def restore(self, state: LossState) -> None:
        """Take a checkpoint's meters; those of accounts no longer configured are kept."""
        self.accounts = {name: _copy_account(found) for name, found in state.accounts.items()}
        self.strategies = {
            key: StrategyMeter(_copy(found.meter), found.fees, dict(found.held))
            for key, found in state.strategies
        }
        self._transfers = dict.fromkeys(state.transfers)
        self._stock.clear()
        self._lines.clear()


def _add(table: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    table[asset] = table.get(asset, ZERO) + amount


def _copy_account(found: AccountMeter) -> AccountMeter:
    return AccountMeter(_copy(found.meter), dict(found.prices), dict(found.moved), dict(found.foreign))


def _copy(meter: Meter) -> Meter:
    return msgspec.structs.replace(meter)
