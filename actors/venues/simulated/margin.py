"""Margin accounts: what a position requires, what an order may still open, and what can be withdrawn.

Equity is cash, plus assets at mark (short ones count against it), plus what open contracts have gained. A
position requires a part of its notional: initial margin to open it, maintenance margin to keep it. An order
is taken when equity covers the initial margin of all positions with all open orders filled at their worst,
or when it makes that requirement no larger. The proceeds of a short sale are cash that its own value takes
back out of equity: they buy nothing and cannot leave the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from actors.messages.margin import MarginFigures
from actors.model.contracts import Contracts, restate, settle
from actors.model.instrument import ZERO, Instrument
from actors.model.money import round_to_lot, to_decimal
from actors.venues.simulated import reject
from actors.venues.simulated.accounts import Account, AccountState, Executed
from actors.venues.simulated.charges import FEE_STEP
from actors.venues.simulated.events import Balance, VenueOrderState
from actors.venues.simulated.reject import Refusal
from actors.venues.simulated.settings import SimulatedVenueSettings

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market

NONE = Contracts()


class _Worst(msgspec.Struct):
    """A position with all buys filled, and with all sells filled, at the mark or dearer orders' prices."""

    long: Decimal
    long_price: Decimal
    short: Decimal
    short_price: Decimal


class MarginAccount(Account):
    """Cash, assets of either sign and contracts, all worth something in one currency."""

    __slots__ = ("_markets", "contracts", "currency", "margin")
    may_owe = True

    def __init__(self, name: str, settings: SimulatedVenueSettings, markets: Mapping[str, Market]) -> None:
        super().__init__(name, settings)
        self._markets = markets
        self.margin = settings.margin
        self.currency = settings.margin.currency
        self.contracts: dict[str, Contracts] = {}

    # what there is

    def mark(self, instrument: str) -> Decimal:
        """What the venue values it at; 0 before any price."""
        price = self._markets[instrument].mark_price()
        return ZERO if price is None else to_decimal(price)

    def position(self, instrument: Instrument) -> Decimal:
        """Signed quantity."""
        if instrument.is_derivative:
            return self.contracts.get(instrument.id, NONE).quantity
        return self.total.get(instrument.base, ZERO)

    def held(self) -> list[tuple[Instrument, Decimal]]:
        """Positions that are not flat, in the order of the venue's instruments."""
        found = []
        for market in self._markets.values():
            instrument = market.instrument
            if instrument.quote == self.currency and (quantity := self.position(instrument)):
                found.append((instrument, quantity))
        return found

    def equity(self, at: tuple[str, Decimal] | None = None) -> Decimal:
        """What the account is worth; one instrument may be valued at another price than its mark."""
        worth = self.total.get(self.currency, ZERO)
        for instrument, quantity in self.held():
            price = self._price(instrument, at)
            value = quantity * price
            if instrument.is_derivative:
                value -= self.contracts[instrument.id].cost
            worth += value * instrument.multiplier
        return worth

    def maintenance(self) -> Decimal:
        """What equity must not fall below."""
        return sum((self.keeping(instrument, quantity) for instrument, quantity in self.held()), ZERO)

    def keeping(self, instrument: Instrument, quantity: Decimal) -> Decimal:
        """Maintenance margin of one position."""
        rate = self.margin.rates_of(instrument).keeping(is_short=quantity < ZERO)
        return abs(quantity) * self.mark(instrument.id) * instrument.multiplier * rate

    def buying_power(self, instrument: Instrument) -> Decimal:
        """Notional that could still be opened in an instrument, open orders filled."""
        spare = self.equity() - self.required(None)
        return max(spare, ZERO) / self.margin.rates_of(instrument).initial

    def required(self, order: VenueOrderState | None, without: str = "") -> Decimal:
        """Initial margin, all open orders filled at their worst, and one more; one may be left out."""
        worst: dict[str, _Worst] = {}
        for instrument, quantity in self.held():
            mark = self.mark(instrument.id)
            worst[instrument.id] = _Worst(quantity, mark, quantity, mark)
        opened = [each for each in self.open.values() if each.venue_order_id != without]
        for each in (*opened, order) if order is not None else opened:
            if each.reduce_only:
                continue
            mark = self.mark(each.instrument)
            found = worst.setdefault(each.instrument, _Worst(ZERO, mark, ZERO, mark))
            if each.side == "buy":
                found.long += each.remaining
                found.long_price = max(found.long_price, each.lock_price)
            else:
                found.short -= each.remaining
                found.short_price = max(found.short_price, each.lock_price)
        return sum((self._worst(name, found) for name, found in worst.items()), ZERO)

    def _worst(self, name: str, found: _Worst) -> Decimal:
        instrument = self._markets[name].instrument
        rates = self.margin.rates_of(instrument)
        long = max(found.long, ZERO) * found.long_price * rates.opening(is_short=False)
        short = max(-found.short, ZERO) * found.short_price * rates.opening(is_short=True)
        return max(long, short) * instrument.multiplier

    def _price(self, instrument: Instrument, at: tuple[str, Decimal] | None) -> Decimal:
        return at[1] if at is not None and at[0] == instrument.id else self.mark(instrument.id)

    # orders

    def need(self, order: VenueOrderState, instrument: Instrument) -> Decimal:
        """Nothing is locked: requirements hold for the account as a whole."""
        return ZERO

    def refuses(
        self, order: VenueOrderState, instrument: Instrument, already_locked: Decimal
    ) -> Refusal | None:
        """Whether it must be in another currency, reduces nothing, or needs more margin than there is."""
        if instrument.quote != self.currency:
            return reject.BAD_TERMS, f"the account trades in {self.currency}, not {instrument.quote}"
        if order.reduce_only:
            if self.reducible(order, instrument) > ZERO:
                return None
            return reject.REDUCE_ONLY, f"position={self.position(instrument)}, side={order.side}"
        present = next((o for o in self.open.values() if o.client_order_id == order.client_order_id), None)
        without = present.venue_order_id if present is not None else ""
        after = self.required(order, without)
        if after <= max(self.equity(), self.required(None)):
            return None
        return reject.INSUFFICIENT_MARGIN, f"needed={after}, equity={self.equity()}"

    def preview(self, order: VenueOrderState, instrument: Instrument) -> MarginFigures:
        """The account as it would be with this order filled, and no other: what is open is not counted."""
        held, mark = self.position(instrument), self.mark(instrument.id)
        after = held + order.quantity if order.side == "buy" else held - order.quantity
        opening = sum((self._opening(each, quantity) for each, quantity in self.held()), ZERO)
        opening_change = self._opening(instrument, after) - self._opening(instrument, held)
        keeping_change = self.keeping(instrument, after) - self.keeping(instrument, held)
        notional = order.quantity * (order.lock_price or mark) * instrument.multiplier
        schedule, cost = self.schedule, notional * self._dearer_rate
        if schedule is not None:
            cost = schedule.at_most(order.side, order.quantity, notional)
        return MarginFigures(
            initial_change=opening_change,
            maintenance_change=keeping_change,
            initial_after=opening + opening_change,
            maintenance_after=self.maintenance() + keeping_change,
            equity_after=self.equity() - cost,
            commission=cost,
            commission_currency=self.currency,
        )

    def may_fall_short(self, order: VenueOrderState) -> bool:
        """Prices have moved since a market order was taken; the venue's own must go through."""
        return order.price is None and not order.is_liquidation

    def affordable(self, order: VenueOrderState, instrument: Instrument, price: Decimal) -> Decimal:
        """Whole lots whose position equity covers at this price; what closes one is always covered."""
        held, is_short = self.position(instrument), order.side == "sell"
        others = sum((self._opening(i, q) for i, q in self.held() if i.id != instrument.id), ZERO)
        spare = max(self.equity((instrument.id, price)) - others, ZERO)
        rate = self.margin.rates_of(instrument).opening(is_short=is_short)
        most = spare / (price * instrument.multiplier * rate)
        room = max(most + held if is_short else most - held, ZERO)
        closing = max(held if is_short else -held, ZERO)
        remaining = order.quantity - order.filled_quantity
        return min(remaining, round_to_lot(max(room, closing), instrument.lot_size or FEE_STEP))

    def _opening(self, instrument: Instrument, quantity: Decimal) -> Decimal:
        rate = self.margin.rates_of(instrument).opening(is_short=quantity < ZERO)
        return abs(quantity) * self.mark(instrument.id) * instrument.multiplier * rate

    def reducible(self, order: VenueOrderState, instrument: Instrument) -> Decimal:
        """What a reduce-only order may still fill: the position, if it is on the other side."""
        held = self.position(instrument)
        return max(held if order.side == "sell" else -held, ZERO)

    # money

    def free(self, asset: str) -> Decimal:
        """All that is held: an open order holds back margin, not balances."""
        return self.total.get(asset, ZERO)

    def withdrawable(self, asset: str) -> Decimal:
        """Cash as far as neither margin nor the proceeds of short sales are touched; of assets none."""
        if asset != self.currency:
            return ZERO
        owed = sum(
            (-q * self.mark(i.id) * i.multiplier for i, q in self.held() if q < ZERO and not i.is_derivative),
            ZERO,
        )
        return max(min(self.free(asset) - owed, self.equity() - self.required(None)), ZERO)

    def balances(self) -> dict[str, Balance]:
        """Every asset ever held; < 0 is owed."""
        return {asset: Balance(free=total, locked=ZERO) for asset, total in self.total.items()}

    def exchange(
        self,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        notional: Decimal,
    ) -> None:
        """Assets change hands; contracts pay what they have gained."""
        if not instrument.is_derivative:
            super().exchange(order, instrument, quantity, price, notional)
            return
        change = quantity if order.side == "buy" else -quantity
        held = self.contracts.get(instrument.id, NONE)
        self.contracts[instrument.id], gained = settle(held, change, price)
        self.move(instrument.quote, gained * instrument.multiplier)

    def restate(self, instrument: Instrument, was: Executed, becomes: Executed) -> None:
        """Put other figures in the place of an execution's."""
        if not instrument.is_derivative:
            super().restate(instrument, was, becomes)
            return
        held = self.contracts.get(instrument.id, NONE)
        self.contracts[instrument.id], gained = restate(
            held, was.quantity, was.price, becomes.quantity, becomes.price
        )
        self.move(instrument.quote, gained * instrument.multiplier)
        self.charge(becomes.fee - was.fee, becomes.fee_currency)

    def _fee(
        self,
        rate: Decimal,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        notional: Decimal,
    ) -> tuple[Decimal, str]:
        """A rate of notional in the account's currency, or in a third one that it holds enough of."""
        wanted = self.settings.fee_currency
        if wanted in self.settings.fee_prices:
            fee = round_to_lot(notional * rate / self.settings.fee_prices[wanted], FEE_STEP)
            if fee <= self.free(wanted):
                return fee, wanted
        return round_to_lot(notional * rate, FEE_STEP), self.currency

    def _paid_as(self, money: Decimal, instrument: Instrument, price: Decimal) -> tuple[Decimal, str]:
        """A schedule's fee, owed if there is no cash."""
        return money, instrument.quote

    # state

    def snapshot(self) -> AccountState:
        """State for the checkpoint."""
        state = super().snapshot()
        state.contracts = self.contracts
        return state

    def restore(self, state: AccountState) -> None:
        """Take a checkpoint's state."""
        super().restore(state)
        self.contracts = dict(state.contracts)
