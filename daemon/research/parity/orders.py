"""Orders, fills and charges of one run of a session, gathered alike from its tape and from a simulation."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor
from actors.messages.base import Message
from actors.messages.clearing import ChargeBooked, PositionCharged
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    AcceptReport,
    Liquidity,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTerms,
    RejectReport,
    SubmitOrder,
)
from actors.model.money import ZERO
from daemon.research.parity.session import Session


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of one order."""

    ts: int
    """By the venue, nanoseconds UTC."""
    ts_known: int
    """When we knew of it."""
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity


class Order(msgspec.Struct, kw_only=True):
    """One order that was sent, and what became of it."""

    terms: OrderTerms
    ts_decided: int
    ts_answered: int | None = None
    """When the first answer was known."""
    ts_venue: int | None = None
    """The venue's time of that answer."""
    status: str = "open"
    """How it ended: filled, cancelled, expired, or the code of the refusal."""
    fills: list[Execution] = []

    @property
    def filled(self) -> Decimal:
        """Quantity of all fills."""
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def price(self) -> Decimal | None:
        """Average over the fills."""
        quantity = self.filled
        if not quantity:
            return None
        return sum((fill.quantity * fill.price for fill in self.fills), ZERO) / quantity

    @property
    def first_fill(self) -> int | None:
        """When it first filled."""
        return self.fills[0].ts if self.fills else None


Orders = dict[str, Order]
"""By client order id, in the order in which they were sent."""


class OrderBook:
    """Gathers them from messages in the order of a run; `known` are those it begins with."""

    def __init__(self, known: Orders) -> None:
        self.orders = known
        self.denied: dict[tuple[str, str], int] = {}
        """Refused by our own risk, by account and code."""
        self.charges: list[PositionCharged] = []
        """What holding brought and cost, each once."""
        self.parts: list[ChargeBooked] = []
        """Of the same, what fell to each strategy."""
        self._places: dict[tuple[str, str], int] = {}
        """Where among its order's fills one stands that may be corrected."""
        self._charged: set[tuple[str, str | None, str, str]] = set()

    def denied_of(self, account: str) -> int:
        """How many orders of this account were refused by our own risk."""
        return sum(count for (name, _), count in self.denied.items() if name == account)

    def note(self, message: Message, now: int) -> None:
        """Take one message; what is about neither orders nor charges is passed over."""
        match message:
            case SubmitOrder():
                order = Order(terms=message.terms, ts_decided=message.ts_event)
                self.orders[message.client_order_id] = order
            case AcceptReport() | RejectReport(command="submit"):
                self._answered(message, now)
            case OrderFilled():
                self._filled(message, now)
            case FillCorrected():
                self._corrected(message)
            case OrderRejected():
                self._ended(message.client_order_id, message.code)
            case OrderCancelled():
                self._ended(message.client_order_id, "cancelled")
            case OrderExpired():
                self._ended(message.client_order_id, "expired")
            case OrderDenied():
                key = message.account, message.code
                self.denied[key] = self.denied.get(key, 0) + 1
            case PositionCharged():
                self._charge(message)
            case ChargeBooked():
                self.parts.append(message)
            case _:
                pass

    def _charge(self, charge: PositionCharged) -> None:
        key = charge.account, charge.instrument, charge.kind, charge.charge_id
        if key not in self._charged:
            self._charged.add(key)
            self.charges.append(charge)

    def _answered(self, report: AcceptReport | RejectReport, now: int) -> None:
        order = self.orders.get(report.client_order_id or "")
        if order is not None and order.ts_answered is None:
            order.ts_answered, order.ts_venue = now, report.ts_event

    def _filled(self, fill: OrderFilled, now: int) -> None:
        order = self.orders.get(fill.client_order_id)
        if order is None:
            return  # somebody else's
        if order.ts_answered is None:
            order.ts_answered, order.ts_venue = now, fill.ts_event
        order.fills.append(
            Execution(
                ts=fill.ts_event,
                ts_known=now,
                quantity=fill.quantity,
                price=fill.price,
                fee=fill.fee,
                fee_currency=fill.fee_currency,
                liquidity=fill.liquidity,
            )
        )
        if fill.revision:
            self._places[fill.venue_order_id, fill.trade_id] = len(order.fills) - 1
        if not fill.remaining:
            order.status = "filled"

    def _corrected(self, corrected: FillCorrected) -> None:
        """A session is judged by what its executions are in the end."""
        order = self.orders.get(corrected.client_order_id)
        place = self._places.get((corrected.venue_order_id, corrected.trade_id))
        if order is not None and place is not None:
            after = corrected.after
            order.fills[place] = msgspec.structs.replace(
                order.fills[place], quantity=after.quantity, price=after.price, fee=after.fee,
                fee_currency=after.fee_currency,
            )  # fmt: skip

    def drop_busted(self) -> None:
        """Nobody could make up for a fill that never was."""
        for order in self.orders.values():
            order.fills = [fill for fill in order.fills if fill.quantity]
        self._places.clear()

    def _ended(self, client_order_id: str, status: str) -> None:
        order = self.orders.get(client_order_id)
        if order is not None:
            order.status = status


class OrderListener(CoreActor):
    """Gathers the orders of a simulation; stands behind all other actors and only listens.

    Reads   SubmitOrder AcceptReport RejectReport OrderFilled FillCorrected OrderRejected
            OrderCancelled OrderExpired OrderDenied                    from oms, risk, venues
            PositionCharged ChargeBooked                               from venues, ledger
    Writes  nothing
    State   none that a checkpoint keeps
    Fails   never
    """

    name = "orders"

    def __init__(self, known: Orders) -> None:
        self.book = OrderBook(known)

    def on_order(
        self,
        message: SubmitOrder
        | AcceptReport
        | RejectReport
        | OrderFilled
        | FillCorrected
        | OrderRejected
        | OrderCancelled
        | OrderExpired
        | OrderDenied
        | PositionCharged
        | ChargeBooked,
    ) -> None:
        """One more message about an order or a charge."""
        self.book.note(message, self.now)


def recorded_orders(session: Session, known: Orders) -> OrderBook:
    """Orders and fills as the session's tape has them; `known` are those it began with."""
    book = OrderBook(known)
    for taken in session.inputs():
        book.note(taken.message, taken.ts_init)
        for message in taken.sent:
            book.note(message, taken.ts_init)
    book.drop_busted()
    return book
