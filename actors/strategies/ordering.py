"""Exact orders, and the corner of the world that they need."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.errors import UsageError
from actors.messages.base import Message
from actors.messages.market import InstrumentUpdate
from actors.messages.orders import (
    CancelRequest,
    OrderRequest,
    OrderTerms,
    OrderType,
    ReplaceRequest,
    Side,
    TimeInForce,
)
from actors.model.instrument import Instrument
from actors.model.money import Rounding, round_to_lot, round_to_tick
from actors.strategies.orders import Order

if TYPE_CHECKING:
    from actors.strategies.runner import Runner


class Ordering:
    """The part of `ctx` that places orders. `instrument=None` means the only one that the strategy has."""

    __slots__ = ("_only", "_runner", "account", "instruments", "name", "timeframes")

    def __init__(self, runner: Runner) -> None:
        spec = runner.spec
        self._runner = runner
        self.name: str = spec.name
        self.account: str = spec.account
        self.instruments: tuple[str, ...] = spec.instruments
        self.timeframes: tuple[int, ...] = spec.timeframes
        """Nanoseconds; the first is the default."""
        self._only = spec.instruments[0] if len(spec.instruments) == 1 else ""

    @property
    def now(self) -> int:
        """The time of what is being worked on, nanoseconds UTC."""
        return self._runner.host.now

    def instrument(self, instrument: str | None = None) -> Instrument:
        """The venue's current definition: steps, limits, currencies."""
        name = self._named(instrument)
        host = self._runner.host
        if host.is_bound:
            update: InstrumentUpdate | None = host.market.latest[InstrumentUpdate].get(name)
            if update is not None:
                return update.definition
        return host.instruments[name]

    # exact orders: each returns its client order id

    def market(
        self,
        side: Side,
        quantity: Decimal,
        instrument: str | None = None,
        *,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """Trade at once at whatever price there is."""
        return self._request("market", side, quantity, instrument, reduce_only=reduce_only, tag=tag)

    def limit(
        self,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        post_only: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """Trade at this price or better; with `post_only` never as the taker."""
        return self._request(
            "limit", side, quantity, instrument, price=price, time_in_force=time_in_force,
            post_only=post_only, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def stop(
        self,
        side: Side,
        quantity: Decimal,
        stop_price: Decimal,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """A market order that waits until the price reaches `stop_price`."""
        return self._request(
            "stop", side, quantity, instrument, stop_price=stop_price, time_in_force=time_in_force,
            reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def stop_limit(
        self,
        side: Side,
        quantity: Decimal,
        stop_price: Decimal,
        price: Decimal,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """A limit order that waits until the price reaches `stop_price`."""
        return self._request(
            "stop_limit", side, quantity, instrument, price=price, stop_price=stop_price,
            time_in_force=time_in_force, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def cancel(self, client_order_id: str, reason: str = "strategy") -> bool:
        """Cancel what is left of an own order; False when it is closed or being cancelled already."""
        orders = self._runner.orders
        order = orders.get(client_order_id)
        if order is None or order.change == "cancel":
            return False
        self._send(CancelRequest(ts_event=self.now, client_order_id=client_order_id, reason=reason))
        self._runner.change_order(order, "cancel")
        return True

    def cancel_all(self, instrument: str | None = None, reason: str = "strategy") -> None:
        """Cancel all own open orders, of one instrument or of all."""
        for order in self._runner.orders.of(instrument):
            self.cancel(order.client_order_id, reason)

    def replace(
        self,
        client_order_id: str,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> str:
        """Change an own open order; what is None stays. `quantity` is the total, filled part included.

        Returns:
            The id of the successor where the venue cannot change an order in place; else the old id goes on.
        Raises:
            UsageError: The order is closed, or a change of it is under way.
        """
        order = self._runner.orders.get(client_order_id)
        if order is None or order.change != "none":
            why = "is not open" if order is None else f"has a {order.change} under way"
            raise UsageError(
                f"order {client_order_id} cannot be replaced: it {why}; look at ctx.order(...) first"
            )
        terms = order.terms
        successor = self._runner.host.new_order_id()
        self._send(
            ReplaceRequest(
                ts_event=self.now,
                client_order_id=client_order_id,
                new_client_order_id=successor,
                quantity=terms.quantity if quantity is None else exact("quantity", quantity),
                price=terms.price if price is None else exact("price", price),
                stop_price=terms.stop_price if stop_price is None else exact("stop_price", stop_price),
            )
        )
        self._runner.change_order(order, "replace", successor)
        return successor

    def order(self, client_order_id: str) -> Order | None:
        """An own open order; None when it is closed."""
        return self._runner.orders.get(client_order_id)

    def open_orders(self, instrument: str | None = None) -> tuple[Order, ...]:
        """Own open orders of one instrument or of all, oldest first, those made from signals included."""
        return self._runner.orders.of(instrument)

    def round_price(
        self, price: Decimal | float, instrument: str | None = None, rounding: Rounding = "nearest"
    ) -> Decimal:
        """The price on the instrument's grid."""
        return round_to_tick(price, self.instrument(instrument).tick_size, rounding)

    def round_quantity(
        self, quantity: Decimal | float, instrument: str | None = None, rounding: Rounding = "towards_zero"
    ) -> Decimal:
        """The quantity in whole lots."""
        return round_to_lot(quantity, self.instrument(instrument).lot_size, rounding)

    # inside

    def _send(self, message: Message) -> None:
        self._runner.send(message)

    def _named(self, instrument: str | None) -> str:
        if instrument is None:
            if not self._only:
                raise UsageError(
                    f"{self.name} has several instruments: name one of {', '.join(self.instruments)}"
                )
            return self._only
        if instrument not in self._runner.lanes:
            raise UsageError(f"{self.name} does not trade {instrument}; it has {', '.join(self.instruments)}")
        return instrument

    def _request(
        self,
        order_type: OrderType,
        side: Side,
        quantity: Decimal,
        instrument: str | None,
        *,
        price: Decimal | None = None,
        stop_price: Decimal | None = None,
        time_in_force: TimeInForce = "gtc",
        post_only: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        terms = OrderTerms(
            client_order_id=self._runner.host.new_order_id(),
            account=self.account,
            strategy=self.name,
            instrument=self._named(instrument),
            side=side,
            order_type=order_type,
            quantity=exact("quantity", quantity),
            price=None if price is None else exact("price", price),
            stop_price=None if stop_price is None else exact("stop_price", stop_price),
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            tag=tag,
        )
        self._send(OrderRequest(ts_event=self.now, terms=terms))
        self._runner.add_request(terms)
        return terms.client_order_id


def exact(what: str, number: Decimal) -> Decimal:
    """Orders are exact: a number that is not a `Decimal` is refused instead of guessed.

    Raises:
        UsageError: A `float` or anything else.
    """
    if type(number) is not Decimal:
        rounder = "ctx.round_quantity" if what == "quantity" else "ctx.round_price"
        raise UsageError(f"{what} {number!r} is a {type(number).__name__}, not a Decimal: use {rounder}(...)")
    return number
