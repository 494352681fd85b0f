"""What of the record is worth telling a person: one message in, at most one notice out. Pure.

The `alerts` table and whatever delivers alerts both read the record through here, so they never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from actors.messages.account import DifferenceFound
from actors.messages.base import Message
from actors.messages.clearing import MarginCalled
from actors.messages.control import HealthReported, StateChanged, StepFailed, StrategyFailed
from actors.messages.corrections import FillCorrected
from actors.messages.orders import OrderFilled, OrderOutcomeUnknown

Severity = Literal["info", "warning", "critical"]


class Notice(NamedTuple):
    """One thing to tell; `info` is for those who listen, and never stored."""

    severity: Severity
    kind: str
    subject: str
    text: str


def _unknown(m: OrderOutcomeUnknown) -> Notice:
    text = f"no certain answer to {m.command}: {m.reason}"
    return Notice("warning", "order_outcome_unknown", m.client_order_id, text)


def _difference(m: DifferenceFound) -> Notice:
    text = f"{m.kind} of {m.subject}: ours {m.ours}, venue {m.venue}"
    return Notice("critical", "difference_found", m.account, text)


def _strategy_failed(m: StrategyFailed) -> Notice:
    text = f"{m.error} in {m.handler}, {m.file}:{m.line}; the strategy is paused"
    return Notice("critical", "strategy_failed", m.strategy, text)


def _step_failed(m: StepFailed) -> Notice:
    return Notice("critical", "step_failed", m.actor, f"{m.error}; nothing of that step was sent")


_STATES: dict[str, Severity] = {
    "halted": "critical", "paused": "warning", "reduce_only": "warning", "active": "info",
}  # fmt: skip


def _state(m: StateChanged) -> Notice | None:
    severity = _STATES.get(m.state)
    return None if severity is None else Notice(severity, m.state, str(m.scope), m.reason)


def _health(m: HealthReported) -> Notice:
    severity: Severity = "info" if m.is_good else "warning" if m.subject == "broker" else "critical"
    text = f"right again: {m.reason}" if m.is_good else f"{m.reason}; no new exposure"
    return Notice(severity, m.subject, m.account or "", text)


def _margin(m: MarginCalled) -> Notice:
    text = f"equity {m.equity} {m.currency} is below the {m.requirement} that its positions require"
    return Notice("critical", "margin_call", m.account, text)


def _corrected(m: FillCorrected) -> Notice:
    was, is_ = m.before, m.after
    what = "was busted" if not is_.quantity else f"is {m.side} {is_.quantity} at {is_.price}"
    if m.is_late_fee:
        what = f"costs {is_.fee} {is_.fee_currency}"
    text = f"fill {m.trade_id} of order {m.client_order_id} in {m.instrument} {what}; booked before: "
    text += f"{was.quantity} at {was.price}, fee {was.fee} {was.fee_currency}"
    return Notice("info" if m.is_late_fee else "warning", "fill_corrected", m.account, text)


def _fee_unknown(m: OrderFilled) -> Notice | None:
    if m.fee_known:
        return None
    text = f"fill {m.trade_id} of order {m.client_order_id} in {m.instrument} is booked with fee {m.fee}: "
    return Notice("warning", "fee_unknown", m.account, text + "the venue has not told it; it is asked again")


_NOTICES: dict[type[Message], Callable[[Any], Notice | None]] = {
    OrderOutcomeUnknown: _unknown,
    DifferenceFound: _difference,
    StrategyFailed: _strategy_failed,
    StepFailed: _step_failed,
    StateChanged: _state,
    HealthReported: _health,
    MarginCalled: _margin,
    FillCorrected: _corrected,
    OrderFilled: _fee_unknown,
}

NOTED = frozenset(_NOTICES)
"""Messages that may become a notice."""


def notice_of(message: Message) -> Notice | None:
    """What to tell of a message; None for nothing."""
    make = _NOTICES.get(message.__class__)
    return None if make is None else make(message)
