"""Exposure at its worst: what is held, and what every open or unknown order may still do to it.

An order counts from its approval until all its fills are booked, `unknown` or not. A replace under way counts
whichever of old and new terms is worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

import msgspec

from actors.core.market import MarketBoard
from actors.messages.account import BalanceChanged, BalanceWithheld, PositionChanged
from actors.messages.clearing import ContractsChanged
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    Side,
)
from actors.model.instrument import Instrument
from actors.model.money import ZERO, to_decimal
from actors.views.holdings import Holdings, HoldingsState
from actors.views.open_orders import OpenOrder, OpenOrders
from actors.views.valuation import Valuation

Settled = (
    OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderCancelled
    | OrderExpired
    | OrderReplaced
    | OrderOutcomeUnknown
    | CommandRefused
    | FillCorrected
)


class Worst(msgspec.Struct, frozen=True, array_like=True):
    """What an order is counted at besides its terms."""

    price: Decimal
    """Quote per base; of two terms the higher."""
    quantity: Decimal
    """Total; of two terms the larger."""
    is_replacing: bool = False
    """Two terms count, because it is not known yet which hold."""


class Sides(NamedTuple):
    """Quantities that open orders may still buy and sell."""

    buys: Decimal
    sells: Decimal


NOTHING_OPEN = Sides(ZERO, ZERO)


class Largest:
    """Sums orders of which one cancels the others: the venue lets only one of them fill, so one counts."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, Side], Decimal] = {}

    def adds(self, terms: OrderTerms, amount: Decimal) -> Decimal:
        """What of an amount is not yet counted for the order's group; all of it for an order of none."""
        group = None if terms.special is None else terms.special.exclusive_group
        if group is None:
            return amount
        key = group, terms.instrument, terms.side
        counted = self._seen.get(key, ZERO)
        self._seen[key] = max(counted, amount)
        return max(amount - counted, ZERO)


class ExposureState(msgspec.Struct, array_like=True):
    """Exposure as checkpoints keep it."""

    orders: list[OpenOrder]
    worst: dict[str, Worst]
    holdings: HoldingsState
    withheld: list[tuple[tuple[str, str], Decimal]] = []


class Exposure:
    """Holdings and reservations of all accounts."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = dict(instruments)
        self._valuation = Valuation(instruments.values())
        self.orders = OpenOrders()
        self.holdings = Holdings()
        self._worst: dict[str, Worst] = {}
        self._withheld: dict[tuple[str, str], Decimal] = {}

    # following

    def reserve(self, terms: OrderTerms, price: Decimal) -> None:
        """Count an approved order from now on."""
        self.orders.by_id[terms.client_order_id] = OpenOrder(terms)
        self._worst[terms.client_order_id] = Worst(price, terms.quantity)

    def reserve_replace(self, client_order_id: str, quantity: Decimal, price: Decimal) -> None:
        """Count the worse of old and new terms until it is known which hold."""
        worst = self._worst[client_order_id]
        self._worst[client_order_id] = Worst(
            max(worst.price, price), max(worst.quantity, quantity), is_replacing=True
        )

    def worst(self, client_order_id: str) -> Worst:
        """What an open order is counted at."""
        return self._worst[client_order_id]

    def is_replacing(self, client_order_id: str) -> bool:
        """Whether new terms are under way."""
        worst = self._worst.get(client_order_id)
        return worst is not None and worst.is_replacing

    def drop(self, client_order_id: str) -> None:
        """An approved order was not sent."""
        self.orders.drop(client_order_id)
        self._worst.pop(client_order_id, None)

    def settle(self, event: Settled) -> None:
        """Follow one settled fact."""
        order_id = event.client_order_id
        if isinstance(event, OrderFilled):
            order = self.orders.fill(event)
            if order is not None and order.is_terminal and order.filled <= order.booked:
                self._worst.pop(order_id, None)
            return
        if isinstance(event, OrderAccepted):
            order = self.orders.by_id.get(order_id)
            if order is not None:
                order.is_unknown = False
            return
        if isinstance(event, CommandRefused):
            self.orders.settle(order_id)
            if event.command == "replace":
                self.back_to_terms(order_id)
            return
        if isinstance(event, FillCorrected):
            self.orders.correct(event)
            return
        self.orders.apply(event)
        if order_id not in self.orders.by_id:
            self._worst.pop(order_id, None)
        elif isinstance(event, OrderReplaced):
            self.back_to_terms(order_id)

    def back_to_terms(self, order_id: str) -> None:
        """New terms did not come to hold, or are the only ones."""
        order, worst = self.orders.get(order_id), self._worst.get(order_id)
        if order is not None and worst is not None:
            price = order.terms.price
            self._worst[order_id] = Worst(worst.price if price is None else price, order.terms.quantity)

    def book(self, event: BalanceChanged | ContractsChanged | PositionChanged) -> None:
        """Follow one booking."""
        if isinstance(event, BalanceChanged):
            self.holdings.balance_of[event.account, event.asset] = event.total
            return
        if isinstance(event, ContractsChanged):
            self.holdings.apply_contracts(event)
            return
        self.holdings.apply_position(event)
        order = self.orders.book(event)
        if order is not None and order.is_terminal and order.filled <= order.booked:
            self._worst.pop(order.terms.client_order_id, None)

    def withhold(self, withheld: BalanceWithheld) -> None:
        """What our books hold and the venue does not show counts as not there."""
        self._withheld[withheld.account, withheld.asset] = withheld.amount
        if not withheld.amount:
            del self._withheld[withheld.account, withheld.asset]

    # reading

    def _unbooked(self, order: OpenOrder) -> Decimal:
        if order.is_terminal:
            return order.unbooked
        most = max(order.terms.quantity, self._worst[order.terms.client_order_id].quantity)
        return max(most - order.booked, ZERO)  # corrected upwards, it may have filled more than it asked for

    def open_sides(
        self,
        account: str,
        instrument: str,
        *,
        without: str | None = None,
        strategy: str | None = None,
        beside: str | None = None,
    ) -> Sides:
        """What open orders may still buy and sell, one order left out if named; of one strategy if named.

        Of a group in which one cancels the others, only the largest counts, and none of the group `beside`.
        """
        if not self.orders.by_id:
            return NOTHING_OPEN
        buys = sells = ZERO
        largest = Largest()
        for order in self.orders:
            terms = order.terms
            if terms.instrument != instrument or terms.account != account or terms.client_order_id == without:
                continue
            if strategy is not None and terms.strategy != strategy:
                continue
            quantity = self._unbooked(order)
            if terms.special is not None and not order.is_terminal:
                if beside is not None and terms.special.exclusive_group == beside:
                    continue
                quantity = largest.adds(terms, quantity)
            if terms.side == "buy":
                buys += quantity
            else:
                sells += quantity
        return Sides(buys, sells)

    def group_quantity(self, terms: OrderTerms, without: str | None) -> Decimal:
        """The most that an open order of the same group and side may still fill; 0 for an order of none."""
        group = None if terms.special is None else terms.special.exclusive_group
        if group is None:
            return ZERO
        return max((self._unbooked(order) for order in self._members(terms, group, without)), default=ZERO)

    def _members(self, terms: OrderTerms, group: str, without: str | None) -> list[OpenOrder]:
        about = terms.account, terms.instrument, terms.side
        return [
            order
            for order in self.orders
            if not order.is_terminal
            and order.terms.special is not None
            and order.terms.special.exclusive_group == group
            and (order.terms.account, order.terms.instrument, order.terms.side) == about
            and order.terms.client_order_id != without
        ]

    def brought(self, terms: OrderTerms) -> Decimal:
        """What the parent of a bracket, still open, brings before this child of it may take anything."""
        parent = None if terms.special is None else self.orders.get(terms.special.parent or "")
        return ZERO if parent is None or parent.terms.side == terms.side else self._unbooked(parent)

    def available(
        self, account: str, asset: str, *, without: str | None = None, beside: str | None = None
    ) -> Decimal:
        """Balance less what open orders may still take: quote of buys, base of sales; as `open_sides`."""
        free = self.holdings.balance(account, asset)
        if self._withheld:
            free -= self._withheld.get((account, asset), ZERO)
        if not self.orders.by_id:
            return free
        largest = Largest()
        for order in self.orders:
            terms = order.terms
            if terms.account != account or terms.client_order_id == without:
                continue
            instrument = self._instruments[terms.instrument]
            if (instrument.quote if terms.side == "buy" else instrument.base) != asset:
                continue
            taken = self._unbooked(order) * instrument.multiplier
            if terms.side == "buy":
                taken *= self._worst[terms.client_order_id].price
            if terms.special is not None and not order.is_terminal:
                if beside is not None and terms.special.exclusive_group == beside:
                    continue
                if terms.side == "sell":
                    taken = max(taken - self.brought(terms) * instrument.multiplier, ZERO)
                taken = largest.adds(terms, taken)
            free -= taken
        return free

    def unknown(self) -> list[OpenOrder]:
        """Orders whose outcome is not known."""
        return [order for order in self.orders if order.is_unknown]

    def gross(
        self, account: str, currency: str, market: MarketBoard, changed: Mapping[str, Decimal]
    ) -> tuple[Decimal, str | None]:
        """Σ abs(exposure) at mark, each instrument at its worst.

        Args:
            changed: Worst absolute quantity of instruments that are to be counted so instead.
        Returns:
            The sum, and the first instrument without a price, which is not in it.
        """
        quantities = self.worst_quantities(account)
        quantities.update(changed)
        total = ZERO
        for name, quantity in quantities.items():
            if not quantity:
                continue
            instrument, mark = self._instruments[name], market.mark_price(name)
            rate = self._valuation.price(instrument.quote, currency, market)
            if mark is None or not isfinite(mark) or mark <= 0.0 or rate is None:
                return total, name
            total += quantity * instrument.multiplier * to_decimal(mark) * to_decimal(rate)
        return total, None

    def worst_quantities(self, account: str) -> dict[str, Decimal]:
        """Per instrument the largest absolute position that open orders could make of the present one."""
        positions = self.holdings.account_positions(account)
        for order in self.orders:
            if order.terms.account == account:
                positions.setdefault(order.terms.instrument, ZERO)
        return {
            name: worst_absolute(held, self.open_sides(account, name)) for name, held in positions.items()
        }

    def snapshot(self) -> ExposureState:
        """State for the checkpoint."""
        return ExposureState(
            self.orders.snapshot(), dict(self._worst), self.holdings.snapshot(), list(self._withheld.items())
        )

    def restore(self, state: ExposureState) -> None:
        """Take a checkpoint's state."""
        self.orders.restore(state.orders)
        self._worst = dict(state.worst)
        self.holdings.restore(state.holdings)
        self._withheld = dict(state.withheld)


def worst_absolute(position: Decimal, sides: Sides) -> Decimal:
    """Largest absolute position when either side fills and the other does not."""
    return max(abs(position + sides.buys), abs(position - sides.sells))
