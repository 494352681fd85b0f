"""Fills: which are the same, which have no order yet, and how far each history was read."""

from __future__ import annotations

from actors.messages.account import FillsEvidence
from actors.messages.orders import FillReport
from actors.oms.order import Order


def trade_key(report: FillReport) -> str:
    """Names a fill within its order: a trade id is unique only with its venue order id."""
    return f"{report.venue_order_id or ''}/{report.trade_id}"


def is_booked(order: Order, report: FillReport) -> bool:
    """Whether the order has the fill already; where one named no venue order, the trade id decides."""
    key = trade_key(report)
    if key in order.trades or f"/{report.trade_id}" in order.trades:
        return True
    return not report.venue_order_id and any(known.endswith(key) for known in order.trades)


def moved_marks(marks: dict[str, str], fills: FillsEvidence) -> dict[str, str]:
    """Paging marks after a completed query: only such a query moves them, and never back to nothing."""
    return marks | {
        instrument: read_to or marks.get(instrument, "") for instrument, read_to in fills.read_to.items()
    }


def is_past(mark: str, trade_id: str) -> bool:
    """Whether a completed query has passed the fill already, where trade ids are numbers that grow."""
    return mark.isdecimal() and trade_id.isdecimal() and int(trade_id) <= int(mark)
