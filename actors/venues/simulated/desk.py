"""The engine's desk: hands out ids, books what happens to orders, and writes down the events."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from actors.errors import ConfigError
from actors.messages.account import VenueFill
from actors.messages.orders import OrderTerms, SpecialTerms
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.instrument import Instrument
from actors.venues.simulated.accounts import Account, AccountState
from actors.venues.simulated.events import (
    Accepted,
    Adjusted,
    Cancelled,
    Expired,
    Filled,
    Triggered,
    VenueEvent,
    VenueOrderState,
)
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.settings import SimulatedVenueSettings
from actors.venues.simulated.settled import SettledAccount

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


class Desk:
    """What all markets of one engine share."""

    __slots__ = (
        "accounts", "bar_began", "calendars", "events", "has_links", "lag_ns", "last_order_id",
        "last_priority", "last_trade_id", "markets", "now", "prices",
    )  # fmt: skip

    def __init__(self, calendars: Calendars = BUILT_IN, lag_ns: int = 0) -> None:
        self.calendars = calendars
        self.lag_ns = lag_ns
        """How long after an instant its market data are shown here: hours and days end so much later."""
        self.accounts: dict[str, Account] = {}
        self.events: list[VenueEvent] = []
        self.now = 0
        self.bar_began: int | None = None
        """While orders meet a bar, when it began: the only time a bar has for what happens in it."""
        self.markets: Mapping[str, Market] = {}
        """By instrument, once the engine has made them."""
        self.prices: tuple[Decimal, Decimal] | None = None
        """Lowest and highest price that orders of ours have taken at and no stop has heard of."""
        self.has_links = False
        """Whether any order has come that others wait for."""
        self.last_order_id = 0
        self.last_trade_id = 0
        self.last_priority = 0

    def begin(self, now: int) -> list[VenueEvent]:
        """A new call: its time, and the list its events go to."""
        self.now = now
        self.events = []
        return self.events

    def next_trade_id(self) -> str:
        """Increasing over the whole engine."""
        self.last_trade_id += 1
        return str(self.last_trade_id)

    def next_priority(self) -> int:
        """Behind all orders so far."""
        self.last_priority += 1
        return self.last_priority

    def saw_price(self, price: Decimal) -> None:
        """An order of ours has taken at this price."""
        low, high = self.prices or (price, price)
        self.prices = min(low, price), max(high, price)

    # the life of an order

    def draft(self, terms: OrderTerms, instrument: Instrument, lock_price: Decimal) -> VenueOrderState:
        """An order as it would be; nothing is booked yet.

        An exit may only reduce, and so may the sales of a group that share what a cash account holds: such
        orders lock nothing, and what they may take is looked up when they fill.
        """
        account, special, shares_lock, is_held = self.accounts[terms.account], terms.special, False, False
        if special is not None:
            parent = account.by_client.get(special.parent or "")
            is_held = parent is not None and parent.is_open
            is_shared = special.oca_group is not None and terms.side == "sell" and not account.may_owe
            shares_lock = special.parent is not None or is_shared
        return VenueOrderState(  # terms by place: of many names CPython makes a dictionary
            terms.account, terms.instrument, terms.client_order_id, str(self.last_order_id + 1),
            terms.side, terms.order_type, terms.quantity, terms.price, terms.stop_price, terms.time_in_force,
            post_only=terms.post_only,
            reduce_only=terms.reduce_only or shares_lock,
            ts_created=self.now,
            ts_updated=self.now,
            priority=self.last_priority + 1,
            is_triggered=terms.stop_price is None and not is_held,
            special=special,
            is_held=is_held,
            locked_asset=instrument.quote if terms.side == "buy" else instrument.base,
            lock_price=lock_price,
        )  # fmt: skip

    def accept(self, order: VenueOrderState, instrument: Instrument) -> None:
        """Take a drafted order and lock what it needs."""
        self.last_order_id += 1
        self.last_priority += 1
        account = self.accounts[order.account]
        account.add_order(order)
        account.relock(order, instrument)
        if order.special is not None and order.special.more_follow:
            self.has_links = True
        self.events.append(Accepted(*self._about(order)))

    def trigger(self, order: VenueOrderState) -> None:
        """Its stop price is reached; it queues from now on."""
        order.is_triggered = True
        order.priority = self.next_priority()
        order.ts_updated = self.now
        self.events.append(Triggered(*self._about(order)))

    def fill(
        self,
        order: VenueOrderState,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        *,
        is_maker: bool,
        trade_id: str,
    ) -> None:
        """Book one execution of one order."""
        account, now = self.accounts[order.account], self.now
        fee, currency = account.settle(order, instrument, quantity, price, is_maker)
        order.ts_updated = now
        if order.status == "filled":
            del account.open[order.venue_order_id]
        fill = VenueFill(
            instrument=order.instrument,
            client_order_id=order.client_order_id or None,
            venue_order_id=order.venue_order_id,
            trade_id=trade_id,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_currency=currency,
            liquidity="liquidation" if order.is_liquidation else "maker" if is_maker else "taker",
            ts_event=now if self.bar_began is None else max(self.bar_began, order.ts_created),
        )
        account.add_fill(fill)
        self.events.append(
            Filled(
                order.account,
                order.instrument,
                order.client_order_id,
                order.venue_order_id,
                now,
                fill=fill,
                filled_quantity=order.filled_quantity,
                filled_notional=order.filled_notional,
                order_quantity=order.quantity,
            )
        )
        if order.special is not None and order.special.oca_group is not None:
            self._settle_group(order, order.special, fill.quantity)

    def _settle_group(self, filled: VenueOrderState, special: SpecialTerms, quantity: Decimal) -> None:
        """One has executed: the others of its group end or shrink before anything can meet them."""
        group = special.oca_group
        for order in list(self.accounts[filled.account].open.values()):
            is_other = order is not filled and order.special is not None and order.special.oca_group == group
            if is_other and special.reduces and order.remaining > quantity:
                order.quantity -= quantity
                self.accounts[order.account].relock(order, self.markets[order.instrument].instrument)
                self.adjusted(order)
            elif is_other:
                market = self.markets[order.instrument]
                market.detach(order)
                self.cancel(order, market.instrument)
                market.refresh()

    def cancel(self, order: VenueOrderState, instrument: Instrument) -> None:
        """Ended by its owner."""
        order.status = "cancelled"
        self._close(order, instrument)
        self.events.append(Cancelled(*self._about(order), filled_quantity=order.filled_quantity))

    def expire(self, order: VenueOrderState, instrument: Instrument, reason: str) -> None:
        """Ended by the venue."""
        order.status = "expired"
        self._close(order, instrument)
        self.events.append(Expired(*self._about(order), filled_quantity=order.filled_quantity, reason=reason))

    def adjusted(self, order: VenueOrderState) -> None:
        """Its terms have changed without a command."""
        order.ts_updated = self.now
        self.events.append(
            Adjusted(
                *self._about(order),
                quantity=order.quantity,
                price=None if order.trails else order.price,
                stop_price=None if order.trails else order.stop_price,
                trail=None if order.special is None else order.special.trail,
                limit_offset=None if order.special is None else order.special.limit_offset,
            )
        )

    def _close(self, order: VenueOrderState, instrument: Instrument) -> None:
        account = self.accounts[order.account]
        order.ts_updated = self.now
        account.relock(order, instrument)
        del account.open[order.venue_order_id]

    def _about(self, order: VenueOrderState) -> tuple[str, str, str, str, int]:
        return order.account, order.instrument, order.client_order_id, order.venue_order_id, self.now

    # accounts

    def add_account(
        self, name: str, settings: SimulatedVenueSettings, instruments: Mapping[str, Instrument]
    ) -> None:
        """Open an account.

        Raises:
            ConfigError: A fee currency that some instrument neither pays nor is priced for.
        """
        currency = settings.fee_currency
        for instrument in instruments.values():
            known = (None, instrument.base, instrument.quote, *settings.fee_prices)
            if currency not in known:
                raise ConfigError(
                    f"account {name} pays fees in {currency}, which {instrument.id} does not trade: "
                    f"give its price in {instrument.quote} as fee_prices.{currency}"
                )
        self.accounts[name] = self._account_of(name, settings)

    def restore(self, state: AccountState) -> None:
        """Take a checkpoint's state of one account."""
        self.accounts[state.name].restore(state)
        specials = [order.special for order in state.orders if order.special is not None]
        self.has_links = self.has_links or any(special.more_follow for special in specials)

    def _account_of(self, name: str, settings: SimulatedVenueSettings) -> Account:
        if settings.account_type == "margin":
            return MarginAccount(name, settings, self.markets)
        if settings.settlement_days:
            return SettledAccount(name, settings, self)
        return Account(name, settings)
