"""Rows of the tables of orders, fills and trades: one struct each, its fields the table's columns in order.

A row may change as long as somebody holds it; `columns.Table` packs it away when nobody will any more.
"""

from __future__ import annotations

import msgspec


class OrderRow(msgspec.Struct, kw_only=True, gc=False):
    """An order from its approval to its end."""

    ts: int
    account: str
    strategy: str
    instrument: str
    client_order_id: str
    side: str | None = None
    order_type: str | None = None
    quantity: float | None = None
    price: float | None = None
    stop_price: float | None = None
    time_in_force: str | None = None
    tag: str | None = None
    status: str
    filled: float = 0.0
    price_average: float | None = None
    ts_closed: int | None = None
    reason: str | None = None
    paid: float = 0.0
    """Σ price × quantity of the fills; no column."""


class FillRow(msgspec.Struct, kw_only=True, gc=False):
    """An execution; its bar is known when that is over."""

    ts: int
    account: str
    strategy: str
    instrument: str
    client_order_id: str
    venue_order_id: str
    trade_id: str
    side: str
    quantity: float
    price: float
    fee: float
    fee_currency: str
    liquidity: str
    mid_price: float | None
    slippage: float | None
    notional: float
    bar: int | None = None
    volume_share: float | None = None


class TradeRow(msgspec.Struct, kw_only=True, gc=False):
    """A closed round trip; a charge may still come to the newest of its key."""

    account: str
    strategy: str
    instrument: str
    direction: str
    tag: str | None
    ts_opened: int
    ts_closed: int
    quantity: float
    entry_price: float
    exit_price: float
    realised_pnl: float
    fees: float
    slippage: float
    borrow: float = 0.0
    funding: float = 0.0
    net: float = 0.0
    risk: float | None
    adverse: float | None = None
    favourable: float | None = None
