"""Every fault of the exchange × every part of an order's life: what is posted, and when it strikes.

Each part of life has a symbol of its own, whose orders the trader keeps there. Faults that wait for a request
or a report name that symbol; those that strike at once are posted at the moment an order is in that part.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Posted = dict[str, Any]


class Phase(NamedTuple):
    """A part of an order's life, as the exchange meets it."""

    symbol: str
    method: str
    """The request in which it lies."""
    report: str
    """What the account's stream tells in it."""
    before: tuple[Posted, ...] = ()
    """Faults that bring an order there."""


def a_fault(kind: str, **fields: Any) -> Posted:
    """As the admin endpoint takes it."""
    return {"kind": kind, **fields}


OFTEN = 5
"""A statement that comes in between may settle an order before anybody asks for it; then the next one."""
PHASES: dict[str, Phase] = {
    "submitted": Phase("BTCUSDT", "order.place", "NEW"),
    "being cancelled": Phase("ETHUSDT", "order.cancel", "CANCELED"),
    "being replaced": Phase("BNBUSDT", "order.cancel", "CANCELED"),
    "a replacement": Phase("SOLUSDT", "order.place", "NEW"),
    "filling": Phase("XRPUSDT", "order.place", "TRADE"),
    "partly filled, being cancelled": Phase("ADAUSDT", "order.cancel", "TRADE"),
    "unknown, asked for": Phase(
        "DOGEUSDT",
        "order.status",
        "NEW",
        before=(
            a_fault("swallow_report", symbol="DOGEUSDT", method="NEW", count=OFTEN),
            a_fault("accept_and_lose", symbol="DOGEUSDT", method="order.place", count=OFTEN),
        ),
    ),
    "in a statement": Phase(
        "LTCUSDT",
        "openOrders.status",
        "NEW",
        before=(a_fault("delay_reply", method="openOrders.status", milliseconds=200, count=OFTEN),),
    ),
}
STATEMENT, UNKNOWN = "in a statement", "unknown, asked for"
SEEN = ("being cancelled", "being replaced", "filling", "partly filled, being cancelled")
"""The exchange has told of such an order: nobody asks whether it is there."""
AT_ONCE = ("drop", "stall", "server_shutdown", "clock_skew")
"""Posted at the moment; all others wait for what they match."""


class Cell(NamedTuple):
    """A fault in a phase."""

    before: tuple[Posted, ...]
    """What brings an order there."""
    fault: Posted
    """The fault itself: it waits for what it matches, or is posted at the moment."""
    then: tuple[Posted, ...] = ()
    """At the moment, for faults that wait for what a lost line brings about."""

    @property
    def cuts_the_line(self) -> bool:
        """Whether orders of other instruments may be lost on their way: that takes half a minute to prove."""
        return bool(self.then) or self.fault["kind"] in (*AT_ONCE, "partial_fill_then_disconnect")


_REQUESTS: dict[str, Posted] = {
    "accept_and_lose": {},
    "lose_request": {},
    "delay_reply": {"milliseconds": 500},
    "error_before": {},
    "error_after": {},
    "rate_limit_storm": {"milliseconds": 300},
}
_REPORTS = ("swallow_report", "duplicate_report", "reorder_reports")
_STRIKING: dict[str, Posted] = {
    "drop": {"target": "all"},
    "stall": {"target": "all", "milliseconds": 500},
    "server_shutdown": {"target": "all"},
    "clock_skew": {"milliseconds": 4_000},
}
_CUT = (a_fault("drop", target="ws_api"),)


def cell(kind: str, name: str) -> Cell | None:
    """What to post; None where the fault cannot meet that part of life."""
    phase = PHASES[name]
    symbol, before = phase.symbol, phase.before
    if kind in _REQUESTS:
        about = {} if name == STATEMENT else {"symbol": symbol}
        unaided = () if name == STATEMENT else before
        return Cell(unaided, a_fault(kind, method=phase.method, **about, **_REQUESTS[kind]))
    if kind in _REPORTS:
        lost = before[1:] if name == UNKNOWN else before
        return Cell(lost, a_fault(kind, symbol=symbol, method=phase.report))
    if kind in _STRIKING:
        return Cell(before, a_fault(kind, **_STRIKING[kind]))
    match kind:
        case "hide_order" if name not in SEEN:
            silent = a_fault("swallow_report", symbol=symbol, method="NEW", count=OFTEN)
            lost_answer = a_fault("accept_and_lose", symbol=symbol, method="order.place", count=OFTEN)
            return Cell((silent, lost_answer), a_fault(kind, symbol=symbol, milliseconds=700))
        case "stale_open_orders":
            return Cell(before, a_fault(kind, milliseconds=700), _CUT)
        case "refuse_connection":
            return Cell(before, a_fault(kind, method="ws_api"), _CUT)
        case "rename_on_cancel" if name != "filling":
            return Cell(before, a_fault(kind, symbol=symbol))
        case "depth_gap":
            return Cell(before, a_fault(kind, symbol=symbol))
        case "partial_fill_then_disconnect":
            return Cell((), a_fault(kind, symbol=symbol))
    return None
