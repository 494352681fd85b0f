"""Accounts of a simulated venue: what they hold, what their open orders lock, what a fill moves and costs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, NamedTuple

import msgspec

from actors.messages.account import VenueFill
from actors.model.contracts import Contracts
from actors.model.instrument import ONE, ZERO, Instrument
from actors.model.money import round_to_lot
from actors.venues.simulated import reject
from actors.venues.simulated.charges import FEE_STEP, Schedule, cut
from actors.venues.simulated.events import Balance, VenueOrderState
from actors.venues.simulated.fee_presets import preset
from actors.venues.simulated.reject import Refusal
from actors.venues.simulated.settings import SimulatedVenueSettings


class Executed(NamedTuple):
    """An execution as a venue may state it anew."""

    quantity: Decimal
    """Signed; 0 of one that was busted."""
    price: Decimal
    fee: Decimal
    fee_currency: str


class Unsettled(msgspec.Struct, frozen=True, array_like=True):
    """Proceeds that are not there yet."""

    due: int
    asset: str
    amount: Decimal


class AccountState(msgspec.Struct, array_like=True):
    """One account as checkpoints keep it."""

    name: str
    total: dict[str, Decimal]
    locked: dict[str, Decimal]
    orders: list[VenueOrderState]
    fills: list[VenueFill]
    contracts: dict[str, Contracts] = {}
    """Of a margin account: its open derivatives."""
    unsettled: list[Unsettled] = []
    """Of a cash account that settles later."""


class Account:
    """Balances, orders and fills of one account. No asset ever falls below what is locked of it."""

    __slots__ = (
        "_dearer_rate", "_is_plain", "by_client", "fills", "fills_of", "locked", "name", "open", "orders",
        "schedule", "settings", "total",
    )  # fmt: skip

    may_owe: ClassVar[bool] = False
    """Whether a balance may be below zero."""

    def __init__(self, name: str, settings: SimulatedVenueSettings) -> None:
        self.name = name
        self.settings = settings
        self.schedule = schedule_of(settings)
        self._is_plain = self.schedule is None and settings.fee_currency is None
        self._dearer_rate = max(settings.maker_fee, settings.taker_fee, ZERO)
        self.total: dict[str, Decimal] = dict(settings.opening_balances)
        self.locked: dict[str, Decimal] = {}
        self.orders: dict[str, VenueOrderState] = {}
        """By venue order id, oldest first, closed ones too until they are forgotten."""
        self.open: dict[str, VenueOrderState] = {}
        self.by_client: dict[str, VenueOrderState] = {}
        """Newest order with each client order id."""
        self.fills: list[VenueFill] = []
        self.fills_of: dict[str, list[VenueFill]] = {}

    # balances

    def free(self, asset: str) -> Decimal:
        """Held and not locked."""
        return self.total.get(asset, ZERO) - self.locked.get(asset, ZERO)

    def balances(self) -> dict[str, Balance]:
        """Every asset ever held, in the order they came."""
        return {
            asset: Balance(free=self.free(asset), locked=self.locked.get(asset, ZERO)) for asset in self.total
        }

    def move(self, asset: str, amount: Decimal) -> None:
        """Add a signed amount."""
        total = self.total.get(asset, ZERO) + amount
        assert total >= ZERO or self.may_owe, f"{self.name} would hold {total} {asset}"
        self.total[asset] = total

    def restate(self, instrument: Instrument, was: Executed, becomes: Executed) -> None:
        """Put other figures in the place of an execution's; what that takes may have been spent since."""
        total, base, quote = self.total, instrument.base, instrument.quote
        total[base] = total.get(base, ZERO) + becomes.quantity - was.quantity
        paid = (becomes.quantity * becomes.price - was.quantity * was.price) * instrument.multiplier
        total[quote] = total.get(quote, ZERO) - paid
        self.charge(becomes.fee - was.fee, becomes.fee_currency)

    def charge(self, amount: Decimal, asset: str) -> None:
        """Take a fee, owed if it is not there; < 0 gives one back."""
        self.total[asset] = self.total.get(asset, ZERO) - amount

    def need(self, order: VenueOrderState, instrument: Instrument) -> Decimal:
        """What the order must hold back of its locked asset, the fee included where that asset pays it."""
        remaining = order.quantity - order.filled_quantity
        if order.side == "buy":
            amount = remaining * order.lock_price * instrument.multiplier
        else:
            amount = remaining
        if self._pays_in_kind(instrument):
            return amount
        return amount + self._fee_at_most(order, instrument, remaining, amount)

    def _pays_in_kind(self, instrument: Instrument) -> bool:
        """Whether fees come out of what is received, so that nothing is held back for them."""
        return self._is_plain and instrument.kind != "equity"

    def _fee_asset(self, instrument: Instrument) -> str | None:
        """None: the asset received. No fee is paid in shares."""
        wanted = self.settings.fee_currency
        return instrument.quote if wanted is None and instrument.kind == "equity" else wanted

    def _fee_at_most(
        self, order: VenueOrderState, instrument: Instrument, quantity: Decimal, given: Decimal
    ) -> Decimal:
        """What the fee can come to in the asset that is given; 0 when it is paid in another."""
        settings, schedule = self.settings, self.schedule
        if schedule is not None:
            if order.side == "sell" or settings.fee_currency not in (None, order.locked_asset):
                return ZERO
            return schedule.at_most(order.side, quantity, given)
        if self._fee_asset(instrument) != order.locked_asset:  # also where there is none
            return ZERO
        return given * self._dearer_rate

    def refuses(
        self, order: VenueOrderState, instrument: Instrument, already_locked: Decimal
    ) -> Refusal | None:
        """Why an order cannot be taken, if it cannot: it is paid with, and sells, what is held and free.

        Args:
            already_locked: What it holds back under its present terms, if it is to be changed.
        """
        if instrument.is_derivative:
            return reject.BAD_TERMS, f"a {instrument.kind} needs a margin account"
        if order.reduce_only and order.side == "buy":
            return reject.REDUCE_ONLY, "a cash account has no short position to buy back"
        need, free = self.need(order, instrument), self.free(order.locked_asset) + already_locked
        if need <= free:
            return None
        return reject.INSUFFICIENT_BALANCE, f"{order.locked_asset} needed={need}, free={free}"

    def may_fall_short(self, order: VenueOrderState) -> bool:
        """Whether the order may cost more when it fills than when it was taken."""
        return order.price is None and order.side == "buy"

    def withdrawable(self, asset: str) -> Decimal:
        """What may leave the account."""
        return self.free(asset)

    def position(self, instrument: Instrument) -> Decimal:
        """Signed quantity."""
        return self.total.get(instrument.base, ZERO)

    def relock(self, order: VenueOrderState, instrument: Instrument) -> None:
        """Lock exactly what the order needs now; nothing once it is closed.

        What a reduce-only order may still take is looked up when it fills: several share one position.
        """
        locked = order.locked
        need = self.need(order, instrument) if order.is_open and not order.reduce_only else ZERO
        if need != locked:
            asset = order.locked_asset
            self.locked[asset] = self.locked.get(asset, ZERO) + need - locked
            order.locked = need

    def unlock(self, order: VenueOrderState) -> None:
        """Hold nothing back for an order that is closed."""
        if order.locked:
            self.locked[order.locked_asset] -= order.locked
            order.locked = ZERO

    def affordable(self, order: VenueOrderState, instrument: Instrument, price: Decimal) -> Decimal:
        """Whole lots that a buy can pay at this price from what it has locked and what is free."""
        money = self.free(instrument.quote) + order.locked
        remaining, unit_cost = order.quantity - order.filled_quantity, price * instrument.multiplier
        cost = remaining * unit_cost
        fee = ZERO
        if not self._pays_in_kind(instrument):
            fee = self._fee_at_most(order, instrument, remaining, cost)
            cost += fee
        if cost <= money:
            return remaining
        if self.schedule is None:
            unit_cost += self._fee_at_most(order, instrument, ONE, unit_cost)
        else:
            money -= fee  # of all of it: a little too much, never too little
        return round_to_lot(max(money / unit_cost, ZERO), instrument.lot_size or FEE_STEP)

    def reducible(self, order: VenueOrderState, instrument: Instrument) -> Decimal:
        """What a reduce-only order may still fill: all that is held and that no other order holds back."""
        return round_to_lot(max(self.free(instrument.base), ZERO), instrument.lot_size)

    # a fill

    def settle(
        self,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        is_maker: bool,
    ) -> tuple[Decimal, str]:
        """Book one execution; returns the fee and its currency."""
        notional = quantity * price * instrument.multiplier
        filled = order.filled_quantity = order.filled_quantity + quantity
        order.filled_notional += notional
        self.exchange(order, instrument, quantity, price, notional)
        if filled < order.quantity:
            order.status = "partially_filled"
            self.relock(order, instrument)
        else:
            order.status = "filled"
            self.unlock(order)
        if self.schedule is not None:
            money = self.schedule.raise_on(order, quantity, notional, is_maker=is_maker)
            fee, currency = self._paid_as(money, instrument, price)
        else:
            rate = self.settings.maker_fee if is_maker else self.settings.taker_fee
            fee, currency = self._fee(rate, order, instrument, quantity, notional)
        if fee:
            self.move(currency, -fee)
        return fee, currency

    def exchange(
        self,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        notional: Decimal,
    ) -> None:
        """Move what an execution moves, its fee aside."""
        if order.side == "buy":
            given, paid, received, amount = instrument.quote, notional, instrument.base, quantity
        else:
            given, paid, received, amount = instrument.base, quantity, instrument.quote, notional
        total = self.total
        left = total.get(given, ZERO) - paid
        assert left >= ZERO or self.may_owe, f"{self.name} would hold {left} {given}"
        total[given] = left
        total[received] = total.get(received, ZERO) + amount

    def _fee(
        self,
        rate: Decimal,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        notional: Decimal,
    ) -> tuple[Decimal, str]:
        """In the configured currency; in the asset received without one, or when not enough of it is free."""
        is_buy, wanted = order.side == "buy", self._fee_asset(instrument)
        received = instrument.base if is_buy else instrument.quote
        if wanted is not None and wanted != received:
            if wanted in (instrument.base, instrument.quote):
                fee = (notional if is_buy else quantity) * rate
            else:
                fee = notional * rate / self.settings.fee_prices[wanted]
            fee = cut(fee)
            if fee <= self.free(wanted):
                return fee, wanted
        return cut((quantity if is_buy else notional) * rate), received

    def _paid_as(self, money: Decimal, instrument: Instrument, price: Decimal) -> tuple[Decimal, str]:
        """A schedule's fee in the configured currency; without enough of that in quote, as far as it goes."""
        quote, wanted = instrument.quote, self.settings.fee_currency
        if wanted is not None and wanted != quote:
            unit = price if wanted == instrument.base else self.settings.fee_prices[wanted]
            fee = round_to_lot(money / unit, FEE_STEP)
            if fee <= self.free(wanted):
                return fee, wanted
        return min(money, self.free(quote)), quote

    # orders and memory

    def add_order(self, order: VenueOrderState) -> None:
        """A new open order."""
        self.orders[order.venue_order_id] = order
        self.open[order.venue_order_id] = order
        self.by_client[order.client_order_id] = order

    def add_fill(self, fill: VenueFill) -> None:
        """Remember an execution."""
        self.fills.append(fill)
        self.fills_of.setdefault(fill.venue_order_id, []).append(fill)

    def fills_after(self, trade_id: str) -> list[VenueFill]:
        """Executions with a greater trade id, oldest first; "" gives all."""
        if not trade_id:
            return list(self.fills)
        return self.fills[bisect_right(self.fills, int(trade_id), key=_trade_number) :]

    def forget_closed(self, before: int, fills_to: Mapping[str, str]) -> None:
        """Drop the oldest orders closed before this time, and their fills, up to the first to be kept.

        One with a fill newer than `fills_to` is kept; open ones do not stand in the way of those behind.
        """
        marks = {instrument: int(mark or 0) for instrument, mark in fills_to.items()}
        gone = []
        for venue_order_id, order in self.orders.items():
            if venue_order_id in self.open:
                continue
            fills = self.fills_of.get(venue_order_id)
            is_known = not fills or int(fills[-1].trade_id) <= marks.get(order.instrument, 0)
            if order.ts_updated >= before or not is_known:
                break
            gone.append(order)
        for order in gone:
            del self.orders[order.venue_order_id]
            self.fills_of.pop(order.venue_order_id, None)
            if self.by_client.get(order.client_order_id) is order:
                del self.by_client[order.client_order_id]
        if gone:
            self.fills = [fill for fill in self.fills if fill.venue_order_id in self.orders]

    def _index(self, orders: list[VenueOrderState], fills: list[VenueFill]) -> None:
        self.orders = {order.venue_order_id: order for order in orders}
        self.open = {order.venue_order_id: order for order in orders if order.is_open}
        self.by_client = {order.client_order_id: order for order in orders}
        self.fills, self.fills_of = [], {}
        for fill in fills:
            self.add_fill(fill)

    def snapshot(self) -> AccountState:
        """State for the checkpoint."""
        return AccountState(self.name, self.total, self.locked, list(self.orders.values()), self.fills)

    def restore(self, state: AccountState) -> None:
        """Take a checkpoint's state."""
        self.total, self.locked = dict(state.total), dict(state.locked)
        self._index(state.orders, state.fills)


def _trade_number(fill: VenueFill) -> int:
    return int(fill.trade_id)


def schedule_of(settings: SimulatedVenueSettings) -> Schedule | None:
    """The account's fee schedule; None when all it pays is a maker's and a taker's rate.

    Raises:
        ConfigError: No such schedule, or charges that do not make one.
    """
    charges = (*(preset(settings.fees) if settings.fees is not None else ()), *settings.charges)
    return Schedule(charges) if charges else None
