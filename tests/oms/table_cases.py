"""How an order gets into each situation, one report of each kind, and what came of it in one line."""

from __future__ import annotations

from collections.abc import Callable

from actors.messages.base import Message
from actors.messages.orders import Report
from tests.oms.bench import (
    Bench,
    accept,
    adjusted,
    approved,
    approved_replace,
    cancel_request,
    cancelled,
    evidence,
    expired,
    fill,
    names,
    not_sent,
    rejected,
    replaced,
    status,
    unsure,
)

# Situation → the messages that lead there; the order asks for 10. Every way to `unknown` has its own.
SITUATIONS: dict[str, tuple[Message, ...]] = {
    "pending_submit": (),
    "accepted": (accept(),),
    "partially_filled": (accept(), fill("1", 4)),
    "pending_cancel": (accept(), cancel_request()),
    "pending_replace": (accept(), approved_replace()),
    "unknown": (unsure(),),
    "unknown after a replace": (accept(), approved_replace(), unsure("replace")),
    "unknown after it vanished": (accept(), evidence(9)),
    "closing": (accept(), cancelled(2)),
    "filled": (accept(), fill("1", 10)),
    "cancelled": (accept(), cancelled(0)),
    "rejected": (rejected(),),
    "expired": (accept(), expired(0)),
}

REPORTS: dict[str, Callable[[str], Report]] = {
    "accept": lambda filled: accept(),
    "fill": lambda filled: fill("2", 2),
    "fill of all": lambda filled: fill("2", 10 - int(filled) or 1),
    "fill again": lambda filled: fill("1", 4),
    "cancel": lambda filled: cancelled(filled),
    "cancel, more filled": lambda filled: cancelled(int(filled) + 2),
    "expiry": lambda filled: expired(filled),
    "expiry, more filled": lambda filled: expired(int(filled) + 2),
    "replace": lambda filled: replaced(),
    "adjust": lambda filled: adjusted(),
    "reject submit": lambda filled: rejected("submit"),
    "reject duplicate": lambda filled: rejected("submit", code="DUPLICATE"),
    "reject cancel": lambda filled: rejected("cancel"),
    "reject replace": lambda filled: rejected("replace"),
    "status live": lambda filled: status("accepted", filled),
    "status live, more filled": lambda filled: status("partially_filled", int(filled) + 2),
    "status cancelled": lambda filled: status("cancelled", filled),
    "status filled": lambda filled: status("filled", 10),
    "status expired": lambda filled: status("expired", filled),
    "status rejected": lambda filled: status("rejected", 0),
    "status not found": lambda filled: status("not_found"),
    "unsure submit": lambda filled: unsure("submit"),
    "unsure cancel": lambda filled: unsure("cancel"),
    "unsure replace": lambda filled: unsure("replace"),
    "unsent submit": lambda filled: not_sent("submit"),
    "unsent cancel": lambda filled: not_sent("cancel"),
    "unsent replace": lambda filled: not_sent("replace"),
}


def prepared(situation: str) -> Bench:
    bench = Bench(native_replace="replace" in situation)
    bench.feed(approved(), *SITUATIONS[situation])
    return bench


def row_of(situation: str, report: str) -> str:
    """`report | next state | what was sent`; a state followed by ? asks the venue."""
    bench = prepared(situation)
    sent = names(bench.feed(REPORTS[report](str(bench.order().filled))))
    order = bench.order()
    return f"{report} | {order.state}{'?' if order.asking else ''} | {' '.join(sent)}".rstrip()
