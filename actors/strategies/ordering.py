"""Exact orders, and the corner of the world that they need."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from actors.errors import UsageError
from actors.messages.base import Message
from actors.messages.market import InstrumentUpdate
from actors.messages.orders import (
    CancelRequest,
    OcaKind,
    OrderRequest,
    OrderTerms,
    OrderType,
    ReplaceRequest,
    Side,
    TimeInForce,
    Urgency,
)
from actors.model.instrument import Instrument
from actors.model.money import Rounding, round_to_lot, round_to_tick
from actors.strategies.orders import Order
from actors.strategies.wishes import (
    Auction,
    Bracket,
    Exact,
    check_exits,
    check_special,
    exact,
    start_of_trail,
    terms_of,
)

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
        quantity: Exact,
        instrument: str | None = None,
        *,
        on: Auction | None = None,
        oca: str | None = None,
        oca_kind: OcaKind | None = None,
        outside_hours: bool = False,
        adaptive: Urgency | None = None,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """Trade at once at whatever price there is, or in the next auction (`on="open"`, `on="close"`)."""
        return self._request(
            "market", side, quantity, instrument, on=on, oca=oca, oca_kind=oca_kind,
            outside_hours=outside_hours, adaptive=adaptive, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def limit(
        self,
        side: Side,
        quantity: Exact,
        price: Exact,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        on: Auction | None = None,
        good_till: int | None = None,
        oca: str | None = None,
        oca_kind: OcaKind | None = None,
        outside_hours: bool = False,
        adaptive: Urgency | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """Trade at this price or better; with `post_only` never as the taker.

        Args:
            on: Only in the next opening or closing auction.
            good_till: When it ends by itself, nanoseconds UTC.
            oca: Name of a group in which an execution cancels the other orders.
            oca_kind: Reduce them instead, by what was executed.
            outside_hours: May fill before and after the regular session too.
            adaptive: Worked by the venue's algorithm, how eagerly.
        """
        return self._request(
            "limit", side, quantity, instrument, price=price, time_in_force=time_in_force, on=on,
            good_till=good_till, oca=oca, oca_kind=oca_kind, outside_hours=outside_hours, adaptive=adaptive,
            post_only=post_only, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def stop(
        self,
        side: Side,
        quantity: Exact,
        stop_price: Exact,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        good_till: int | None = None,
        oca: str | None = None,
        oca_kind: OcaKind | None = None,
        outside_hours: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """A market order that waits until the price reaches `stop_price`."""
        return self._request(
            "stop", side, quantity, instrument, stop_price=stop_price, time_in_force=time_in_force,
            good_till=good_till, oca=oca, oca_kind=oca_kind, outside_hours=outside_hours,
            reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def stop_limit(
        self,
        side: Side,
        quantity: Exact,
        stop_price: Exact,
        price: Exact,
        instrument: str | None = None,
        *,
        time_in_force: TimeInForce = "gtc",
        good_till: int | None = None,
        oca: str | None = None,
        oca_kind: OcaKind | None = None,
        outside_hours: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """A limit order that waits until the price reaches `stop_price`."""
        return self._request(
            "stop_limit", side, quantity, instrument, price=price, stop_price=stop_price,
            time_in_force=time_in_force, good_till=good_till, oca=oca, oca_kind=oca_kind,
            outside_hours=outside_hours, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def trailing_stop(
        self,
        side: Side,
        quantity: Exact,
        instrument: str | None = None,
        *,
        distance: Exact | None = None,
        fraction: Exact | None = None,
        limit_offset: Exact | None = None,
        start: Exact | None = None,
        time_in_force: TimeInForce = "gtc",
        good_till: int | None = None,
        oca: str | None = None,
        oca_kind: OcaKind | None = None,
        outside_hours: bool = False,
        reduce_only: bool = False,
        tag: str | None = None,
    ) -> str:
        """A stop that follows the best price since it was placed.

        Args:
            distance: How far behind it, quote per base.
            fraction: The same as a fraction of it (0.02 = 2 %).
            limit_offset: Reached, it works as a limit order that much worse than the stop, not at market.
            start: Where the stop stands until the market's best price has drawn it on.
        """
        trail = fraction if distance is None else distance
        if trail is None or (distance is not None and fraction is not None):
            raise UsageError("a trailing stop takes either distance= (in price) or fraction= (0.02 = 2 %)")
        if limit_offset is not None and start is None:
            start = start_of_trail(
                side, exact("trail", trail), is_fraction=distance is None,
                instrument=self.instrument(instrument), market=self._runner.host.market,
            )  # fmt: skip
        return self._request(
            "trailing_stop" if limit_offset is None else "trailing_stop_limit", side, quantity, instrument,
            trail=trail, trail_is_fraction=distance is None, trail_start=start, limit_offset=limit_offset,
            time_in_force=time_in_force, good_till=good_till, oca=oca, oca_kind=oca_kind,
            outside_hours=outside_hours, reduce_only=reduce_only, tag=tag,
        )  # fmt: skip

    def bracket(
        self,
        side: Side,
        quantity: Exact,
        price: Exact | None = None,
        instrument: str | None = None,
        *,
        take_profit: Exact | None = None,
        stop_loss: Exact | None = None,
        outside_hours: bool = False,
        tag: str | None = None,
    ) -> Bracket:
        """An entry (at market without a `price`) and what closes it again: both work once the entry has
        filled, and the first execution of one cancels the other. All are placed, or none.

        Raises:
            UsageError: Neither exit is given, or one lies on the wrong side of the entry or of the other.
        """
        name = self._named(instrument)
        check_exits(side, price, take_profit, stop_loss)
        entry = self._terms(
            "market" if price is None else "limit", side, quantity, name, price=price, more_follow=True,
            outside_hours=outside_hours, tag=tag,
        )  # fmt: skip
        exit_side: Side = "sell" if side == "buy" else "buy"
        group = entry.client_order_id if take_profit is not None and stop_loss is not None else None
        profit = loss = None
        if take_profit is not None:
            profit = self._terms(
                "limit", exit_side, quantity, name, price=take_profit, parent=entry.client_order_id,
                more_follow=stop_loss is not None, oca=group, outside_hours=outside_hours, tag=tag,
            )  # fmt: skip
        if stop_loss is not None:
            loss = self._terms(
                "stop", exit_side, quantity, name, stop_price=stop_loss, parent=entry.client_order_id,
                oca=group, outside_hours=outside_hours, tag=tag,
            )  # fmt: skip
        self._place(entry, tuple(each for each in (profit, loss) if each is not None))
        return Bracket(
            entry.client_order_id,
            None if profit is None else profit.client_order_id,
            None if loss is None else loss.client_order_id,
        )

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
        quantity: Exact | None = None,
        price: Exact | None = None,
        stop_price: Exact | None = None,
        trail: Exact | None = None,
        limit_offset: Exact | None = None,
    ) -> str:
        """Change an own open order; what is None stays. `quantity` is the total, filled part included,
        `trail` the distance or fraction of a trailing stop.

        Returns:
            The id of the successor where the venue cannot change an order in place; else the old id goes on.
        Raises:
            UsageError: The order is closed, or a change of it is under way; or a `limit_offset` is given.
        """
        if limit_offset is not None:
            raise UsageError(
                f"the limit_offset of order {client_order_id} cannot be changed in place: cancel the order, "
                "and place a new one once that is done"
            )
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
                trail=terms.trail if trail is None else exact("trail", trail),
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
        self, order_type: OrderType, side: Side, quantity: Exact, instrument: str | None, **wanted: Any
    ) -> str:
        terms = self._terms(order_type, side, quantity, self._named(instrument), **wanted)
        self._place(terms)
        return terms.client_order_id

    def _terms(
        self, order_type: OrderType, side: Side, quantity: Exact, instrument: str, **wanted: Any
    ) -> OrderTerms:
        return terms_of(
            client_order_id=self._runner.host.new_order_id(), account=self.account, strategy=self.name,
            instrument=instrument, side=side, order_type=order_type, quantity=quantity, **wanted,
        )  # fmt: skip

    def _place(self, terms: OrderTerms, children: tuple[OrderTerms, ...] = ()) -> None:
        if terms.special is not None:
            check_special(terms, children, self.instrument(terms.instrument), self.now)
        self._send(OrderRequest(ts_event=self.now, terms=terms, children=children))
        for each in (terms, *children):
            self._runner.add_request(each)
