"""From what happened to the tables of orders, fills and trades: event by event, beside the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars

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
from daemon.research.columns import Table
from daemon.research.excursions import Excursions
from daemon.research.frames import FILLS, ORDERS, TRADES
from daemon.research.results import Event

Key = tuple[str, str, str]
Row = dict[str, Any]


_COLUMN_OF: dict[ChargeKind, str] = {"borrow": "borrow", "funding": "funding", "fee": "fees"}
"""Where a charge stands in the table of trades; dividends and corrections are part of what was earned."""


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


class Tables:
    """Rows of the three tables, filled event by event."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._multipliers = {name: float(each.multiplier) for name, each in instruments.items()}
        self._orders, self._fills, self._trades = Table(ORDERS), Table(FILLS), Table(TRADES)
        """In `price_average` of an order stands Σ price × quantity while it may still fill."""
        self._denied = Table(ORDERS)
        self._places: dict[str, int] = {}
        """Order → its row."""
        self._trips: dict[Key, _Trip] = {}
        self._last_filled: int | None = None
        """Row of the order that has filled last, if it is known."""
        self.orders = 0
        """How many were sent."""
        self.fills = 0
        self.denied: dict[str, int] = {}
        """Code → how often we refused an order for that reason."""
        self.rejected: dict[str, int] = {}
        """The same of the venue."""

    def take(self, event: Event, rate: float) -> None:
        """One event; `rate` is account currency per quote currency."""
        match event:
            case SubmitOrder(terms=terms):
                self.orders += 1
                self._places[terms.client_order_id] = self._orders.add(_order_row(terms, event.ts_event))
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

    def frames(self, excursions: Excursions) -> tuple[polars.DataFrame, polars.DataFrame, polars.DataFrame]:
        """Orders, fills and trades; once, as the tables are given up meanwhile."""
        for place, (adverse, favourable) in enumerate(excursions.of(self._trades)):
            self._trades["adverse"][place], self._trades["favourable"][place] = adverse, favourable
        filled, paid = polars.col("filled"), polars.col("price_average")
        orders = self._orders.frame().with_columns(
            polars.when(filled != 0.0).then(paid / filled).alias("price_average")
        )
        if len(self._denied):
            orders = polars.concat([orders, self._denied.frame()])
        return orders, self._fills.frame(), self._trades.frame()

    # orders

    def _deny(self, event: OrderDenied) -> None:
        self.denied[event.code] = self.denied.get(event.code, 0) + 1
        row: Row = dict.fromkeys(ORDERS)
        row.update(
            ts=event.ts_event, account=event.account, strategy=event.strategy, instrument=event.instrument,
            client_order_id=event.client_order_id, status="denied", filled=0.0, ts_closed=event.ts_event,
            reason=event.reason,
        )  # fmt: skip
        self._denied.add(row)

    def _end(
        self, event: OrderRejected | OrderCancelled | OrderExpired, status: str, reason: str | None
    ) -> None:
        place, orders = self._places.get(event.client_order_id), self._orders
        if place is not None:
            orders["status"][place], orders["reason"][place] = status, reason
            orders["ts_closed"][place] = event.ts_event

    def _change(self, event: OrderReplaced) -> None:
        place, orders = self._places.get(event.client_order_id), self._orders
        if place is not None:
            orders["quantity"][place] = float(event.quantity)
            orders["price"][place] = _number(event.price)
            orders["stop_price"][place] = _number(event.stop_price)

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
        self._fills.add({
            "ts": fill.ts_event, "account": fill.account, "strategy": fill.strategy,
            "instrument": fill.instrument, "client_order_id": fill.client_order_id,
            "venue_order_id": fill.venue_order_id, "trade_id": fill.trade_id, "side": fill.side,
            "quantity": quantity, "price": price, "fee": float(fill.fee), "fee_currency": fill.fee_currency,
            "liquidity": fill.liquidity, "mid_price": mid,
            "slippage": slipped / mid if slipped is not None and mid else None,
            "notional": quantity * price * multiplier * rate, "bar": None, "volume_share": None,
        })  # fmt: skip
        place = self._last_filled = self._places.get(fill.client_order_id)
        if place is not None:
            self._fill_order(place, quantity, quantity * price, fill.ts_event if not fill.remaining else None)
        trip = self._trip((fill.account, fill.strategy, fill.instrument))
        if not trip.quantity and place is not None:
            trip.tag = self._orders["tag"][place]
        trip.quantity += sign * quantity
        trip.slippage += (slipped or 0.0) * quantity * multiplier

    def _fill_order(self, place: int, quantity: float, paid: float, ended: int | None) -> None:
        orders = self._orders
        orders["filled"][place] += quantity
        orders["price_average"][place] = (orders["price_average"][place] or 0.0) + paid
        if ended is not None:
            orders["status"][place], orders["ts_closed"][place] = "filled", ended

    def _charge(self, charge: ChargeBooked, rate: float) -> None:
        """To the position that is held; what comes after its end, to the trade that it was."""
        column = _COLUMN_OF.get(charge.kind, "realised_pnl")
        amount = float(charge.amount) * rate * (1.0 if column == "realised_pnl" else -1.0)
        key = (charge.account, charge.strategy, charge.instrument)
        trip = self._trips.get(key)
        if trip is not None and trip.quantity:
            trip.charges[column] = trip.charges.get(column, 0.0) + amount
            return
        trades = self._trades
        for place in reversed(range(len(trades))):
            if (trades["account"][place], trades["strategy"][place], trades["instrument"][place]) == key:
                trades[column][place] += amount
                trades["net"][place] = _net({name: trades[name][place] for name in _NET_OF})
                return

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
        row: Row = {
            "account": trade.account, "strategy": trade.strategy, "instrument": trade.instrument,
            "direction": trade.direction, "tag": trip.tag, "ts_opened": trade.ts_opened,
            "ts_closed": trade.ts_event, "quantity": quantity, "entry_price": entry,
            "exit_price": float(trade.exit_price), "realised_pnl": pnl, "fees": fees,
            "slippage": trip.slippage * rate, "borrow": 0.0, "funding": 0.0, "net": 0.0,
            "risk": risk, "adverse": None, "favourable": None,
        }  # fmt: skip
        for column, amount in trip.charges.items():
            row[column] += amount
        row["net"] = _net(row)
        self._trades.add(row)
        self._turn(key, trip, quantity * multiplier)

    def _turn(self, key: Key, trip: _Trip, lot: float) -> None:
        """A fill through zero has ended one trip and begun the next, which is the last fill's order's."""
        if not self.fills or abs(trip.quantity) <= 1e-9 * max(lot, 1.0):
            return
        opened, place = self._trip(key), self._last_filled
        opened.quantity = trip.quantity
        opened.tag = self._orders["tag"][place] if place is not None else None


def _order_row(terms: OrderTerms, ts: int) -> Row:
    return {
        "ts": ts, "account": terms.account, "strategy": terms.strategy, "instrument": terms.instrument,
        "client_order_id": terms.client_order_id, "side": terms.side, "order_type": terms.order_type,
        "quantity": float(terms.quantity), "price": _number(terms.price),
        "stop_price": _number(terms.stop_price), "time_in_force": terms.time_in_force, "tag": terms.tag,
        "status": "open", "filled": 0.0, "price_average": None, "ts_closed": None, "reason": None,
    }  # fmt: skip


_NET_OF = ("realised_pnl", "fees", "borrow", "funding")


def _net(row: Row) -> float:
    net: float = row["realised_pnl"] - row["fees"] - row["borrow"] - row["funding"]
    return net


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
