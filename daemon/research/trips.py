"""From what happened to the tables of orders, fills and trades: event by event, beside the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.messages.account import TradeClosed
from actors.messages.clearing import ChargeBooked, ChargeKind, PositionSplit
from actors.messages.orders import (
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from daemon.research.columns import Packed, Table
from daemon.research.frames import FILLS, ORDERS, TRADES
from daemon.research.results import Event
from daemon.research.rows import FillRow, OrderRow, TradeRow

Key = tuple[str, str, str]
_COLUMN_OF: dict[ChargeKind, str] = {"borrow": "borrow", "funding": "funding"}
"""Where a charge stands in the table of trades; dividends are part of what was earned."""


class _Trip:
    """A position on its way from flat to flat."""

    __slots__ = ("charges", "quantity", "slippage", "stop", "tag")

    def __init__(self) -> None:
        self.charges: dict[str, float] = {}
        """Column of the table of trades → account currency."""
        self.quantity = 0.0
        """Signed, as filled."""
        self.slippage = 0.0
        """Quote currency, > 0 cost us."""
        self.stop: float | None = None
        """The first that was sent."""
        self.tag: str | None = None


class Finished(NamedTuple):
    """The three tables when the run is over."""

    orders: Packed
    fills: Packed
    trades: Packed


class Tables:
    """Rows of the three tables, filled event by event."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        is_fill_over: Callable[[FillRow], bool] = lambda _: True,
    ) -> None:
        """
        Args:
            is_fill_over: Whether nothing more will be learnt of a fill.
        """
        self._multipliers = {name: float(each.multiplier) for name, each in instruments.items()}
        self._orders = Table[OrderRow](ORDERS, lambda order: order.status != "open")
        self._denied = Table[OrderRow](ORDERS)
        self._fills = Table[FillRow](FILLS, is_fill_over)
        self._trades = Table[TradeRow](TRADES, lambda trade: self._newest.get(_key(trade)) is not trade)
        self._newest: dict[Key, TradeRow] = {}
        """Late charges belong to it."""
        self._row_of: dict[str, OrderRow] = {}
        """Orders by their id, until they are over and packed."""
        self._trips: dict[Key, _Trip] = {}
        self._tag_filled: str | None = None
        """Of the order that has filled last, if it is known."""
        self._new_fills: list[FillRow] = []
        self._new_trades: list[TradeRow] = []
        self.orders = 0
        """How many were sent."""
        self.fills = 0
        self.denied: dict[str, int] = {}
        """Code → how often we refused an order for that reason."""
        self.rejected: dict[str, int] = {}
        """The same of the venue."""

    def news(self) -> tuple[Sequence[FillRow], Sequence[TradeRow]]:
        """Fills and trades since this was asked last."""
        found = self._new_fills, self._new_trades
        self._new_fills, self._new_trades = [], []
        return found

    def pack(self) -> None:
        """Make what nobody will change any more small; an order forgets its id by that."""
        for order in self._orders.pack():
            del self._row_of[order.client_order_id]
        for table in (self._denied, self._fills, self._trades):
            table.pack()

    def finished(self) -> Finished:
        """The tables; the run is over."""
        orders = self._orders.finished()
        if len(self._denied):
            orders = orders.before(self._denied.finished())
        return Finished(orders, self._fills.finished(), self._trades.finished())

    def take(self, event: Event, rate: float) -> None:
        """One event; `rate` is account currency per quote currency."""
        match event:
            case SubmitOrder(terms=terms):
                self.orders += 1
                self._row_of[terms.client_order_id] = self._orders.add(_order_row(terms, event.ts_event))
                self._note_stop(terms)
            case OrderFilled():
                self._filled(event, rate)
            case TradeClosed():
                self._closed(event, rate)
            case ChargeBooked():
                self._charge(event, rate)
            case PositionSplit():
                self._split(event)
            case OrderDenied():
                self._deny(event)
            case OrderReplaced():
                self._change(event)
            case OrderRejected(code=code, text=text):
                self.rejected[code] = self.rejected.get(code, 0) + 1
                self._end(event, "rejected", f"{code}: {text}" if text else code)
            case OrderCancelled():
                self._end(event, "cancelled", None)
            case OrderExpired(reason=reason):
                self._end(event, "expired", reason)

    # orders

    def _deny(self, event: OrderDenied) -> None:
        self.denied[event.code] = self.denied.get(event.code, 0) + 1
        row = OrderRow(
            ts=event.ts_event, account=event.account, strategy=event.strategy, instrument=event.instrument,
            client_order_id=event.client_order_id, status="denied", ts_closed=event.ts_event,
            reason=event.reason,
        )  # fmt: skip
        self._denied.add(row)

    def _end(
        self, event: OrderRejected | OrderCancelled | OrderExpired, status: str, reason: str | None
    ) -> None:
        order = self._row_of.get(event.client_order_id)
        if order is not None:
            order.status, order.reason, order.ts_closed = status, reason, event.ts_event

    def _change(self, event: OrderReplaced) -> None:
        order = self._row_of.get(event.client_order_id)
        if order is not None:
            order.quantity = float(event.quantity)
            order.price, order.stop_price = _number(event.price), _number(event.stop_price)

    # trips

    def _trip(self, key: Key) -> _Trip:
        trip = self._trips.get(key)
        if trip is None:
            trip = self._trips[key] = _Trip()
        return trip

    def _note_stop(self, terms: OrderTerms) -> None:
        if terms.stop_price is None:
            return
        trip = self._trip((terms.account, terms.strategy, terms.instrument))
        closes = trip.quantity < 0.0 if terms.side == "buy" else trip.quantity > 0.0
        if trip.stop is None and (closes or (terms.reduce_only and not trip.quantity)):
            trip.stop = float(terms.stop_price)

    def _filled(self, fill: OrderFilled, rate: float) -> None:
        quantity, price = float(fill.quantity), float(fill.price)
        sign = 1.0 if fill.side == "buy" else -1.0
        mid = fill.mid_price
        slipped = sign * (price - mid) if mid is not None else None
        multiplier = self._multipliers[fill.instrument]
        self.fills += 1
        row = FillRow(
            ts=fill.ts_event, account=fill.account, strategy=fill.strategy, instrument=fill.instrument,
            client_order_id=fill.client_order_id, venue_order_id=fill.venue_order_id, trade_id=fill.trade_id,
            side=fill.side, quantity=quantity, price=price, fee=float(fill.fee),
            fee_currency=fill.fee_currency, liquidity=fill.liquidity, mid_price=mid,
            slippage=slipped / mid if slipped is not None and mid else None,
            notional=quantity * price * multiplier * rate,
        )  # fmt: skip
        self._new_fills.append(self._fills.add(row))
        order = self._row_of.get(fill.client_order_id)
        self._tag_filled = order.tag if order is not None else None
        if order is not None:
            _fill_order(order, quantity, quantity * price, fill.ts_event if not fill.remaining else None)
        trip = self._trip((fill.account, fill.strategy, fill.instrument))
        if not trip.quantity and order is not None:
            trip.tag = order.tag
        trip.quantity += sign * quantity
        trip.slippage += (slipped or 0.0) * quantity * multiplier

    def _charge(self, charge: ChargeBooked, rate: float) -> None:
        """To the position that is held; what comes after its end, to the trade that it was."""
        column = _COLUMN_OF.get(charge.kind, "realised_pnl")
        amount = float(charge.amount) * rate * (1.0 if column == "realised_pnl" else -1.0)
        key = (charge.account, charge.strategy, charge.instrument)
        trip = self._trips.get(key)
        if trip is not None and trip.quantity:
            trip.charges[column] = trip.charges.get(column, 0.0) + amount
            return
        newest = self._newest.get(key)
        if newest is not None:
            setattr(newest, column, getattr(newest, column) + amount)
            newest.net = _net(newest)

    def _split(self, split: PositionSplit) -> None:
        ratio = float(split.shares_after) / float(split.shares_before)
        for (account, _, instrument), trip in self._trips.items():
            if (account, instrument) == (split.account, split.instrument):
                trip.quantity *= ratio
                trip.stop = trip.stop / ratio if trip.stop is not None else None

    def _closed(self, trade: TradeClosed, rate: float) -> None:
        key = (trade.account, trade.strategy, trade.instrument)
        trip = self._trips.pop(key, None) or _Trip()
        quantity, entry = float(trade.quantity), float(trade.entry_price)
        multiplier = self._multipliers[trade.instrument]
        risk = None
        if trip.stop is not None:
            at_risk = (entry - trip.stop) * (1.0 if trade.direction == "long" else -1.0)
            risk = at_risk * quantity * multiplier * rate if at_risk > 0.0 else None
        pnl, fees = float(trade.realised_pnl) * rate, float(trade.fees) * rate
        row = TradeRow(
            account=trade.account, strategy=trade.strategy, instrument=trade.instrument,
            direction=trade.direction, tag=trip.tag, ts_opened=trade.ts_opened, ts_closed=trade.ts_event,
            quantity=quantity, entry_price=entry, exit_price=float(trade.exit_price), realised_pnl=pnl,
            fees=fees, slippage=trip.slippage * rate, risk=risk,
        )  # fmt: skip
        for column, amount in trip.charges.items():
            setattr(row, column, getattr(row, column) + amount)
        row.net = _net(row)
        self._newest[key] = row
        self._new_trades.append(self._trades.add(row))
        self._turn(key, trip, quantity * multiplier)

    def _turn(self, key: Key, trip: _Trip, lot: float) -> None:
        """A fill through zero has ended one trip and begun the next, which is the last fill's order's."""
        if not self.fills or abs(trip.quantity) <= 1e-9 * max(lot, 1.0):
            return
        opened = self._trip(key)
        opened.quantity, opened.tag = trip.quantity, self._tag_filled


def _order_row(terms: OrderTerms, ts: int) -> OrderRow:
    return OrderRow(
        ts=ts, account=terms.account, strategy=terms.strategy, instrument=terms.instrument,
        client_order_id=terms.client_order_id, side=terms.side, order_type=terms.order_type,
        quantity=float(terms.quantity), price=_number(terms.price), stop_price=_number(terms.stop_price),
        time_in_force=terms.time_in_force, tag=terms.tag, status="open",
    )  # fmt: skip


def _fill_order(order: OrderRow, quantity: float, paid: float, ended: int | None) -> None:
    order.filled += quantity
    order.paid += paid
    order.price_average = order.paid / order.filled if order.filled else None
    if ended is not None:
        order.status, order.ts_closed = "filled", ended


def _key(trade: TradeRow) -> Key:
    return trade.account, trade.strategy, trade.instrument


def _net(row: TradeRow) -> float:
    return row.realised_pnl - row.fees - row.borrow - row.funding


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
