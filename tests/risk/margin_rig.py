"""Builders for tests of orders that wait for the venue's word on margin."""

from __future__ import annotations

from typing import Any

from actors.messages.base import Message
from actors.messages.margin import MarginAnswered, MarginFigures, OrderHeld, QueryMargin
from actors.messages.orders import (
    OrderCancelled,
    OrderDenied,
    OrderIntent,
    ReplaceRequest,
)
from tests.risk.build import (
    D,
    Rig,
    an_intent,
    limits,
)


def checked(**changed: Any) -> Rig:
    """A gate that asks about margin."""
    return Rig(limits(margin_check=True, **changed))


def figures(change: str = "50", *, initial: str = "50", equity: str = "1000") -> MarginFigures:
    """An account with this equity after an order; what keeps a position is half of what opens it."""
    return MarginFigures(
        initial_change=D(change), maintenance_change=D(change) / 2, initial_after=D(initial),
        maintenance_after=D(initial) / 2, equity_after=D(equity),
    )  # fmt: skip


def answer(order_id: str, given: MarginFigures | None = None, text: str = "") -> MarginAnswered:
    return MarginAnswered(ts_event=0, account="main", client_order_id=order_id, figures=given, text=text)


def held(rig: Rig, intent: OrderIntent | None = None) -> str:
    """Give the gate an order that it holds; its id."""
    intent = intent or an_intent()
    sent = rig.feed(intent)
    assert [type(each) for each in sent] == [OrderHeld, QueryMargin]
    assert len(list(rig.risk.held)) >= 1
    return intent.terms.client_order_id


def ended(messages: list[Message]) -> list[tuple[str, str]]:
    """How held orders have ended, and the reason."""
    found = []
    for each in messages:
        if isinstance(each, OrderDenied):
            found.append((each.code, each.figures))
        elif isinstance(each, OrderCancelled):
            found.append(("cancelled", ""))
    return found


def a_change(intent: OrderIntent, quantity: str, price: str = "99") -> ReplaceRequest:
    old = intent.terms.client_order_id
    return ReplaceRequest(
        ts_event=0,
        client_order_id=old,
        new_client_order_id=f"{old}-new",
        quantity=D(quantity),
        price=D(price),
    )
