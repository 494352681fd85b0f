"""The question what an order would do to the account's margin, asked before the order may leave."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.base import Message, Value
from actors.messages.control import Timer
from actors.messages.orders import OrderTerms


class OrderHeld(Message, frozen=True, kw_only=True):
    """Event: risk → all. Passed every rule of ours, and waits for the venue's word on margin; nothing was
    sent. `OrderDenied`, `OrderCancelled` or an approval ends it."""

    terms: OrderTerms
    """Of a replace: under the successor's id, and what could still fill."""


class QueryMargin(Message, frozen=True, kw_only=True):
    """Command: risk → broker. Say what these terms would do to the margin; nothing may be placed."""

    account: str
    terms: OrderTerms
    """What could still fill: of a replace its new remainder."""


class MarginFigures(Value, frozen=True, kw_only=True):
    """An account as it would be with one order filled; base currency."""

    initial_change: Decimal
    maintenance_change: Decimal
    initial_after: Decimal
    """Margin to open all positions."""
    maintenance_after: Decimal
    """Margin to keep them."""
    equity_after: Decimal
    """Equity with loan value."""
    commission: Decimal | None = None
    """As estimated, in `commission_currency`; None when the venue does not say."""
    commission_currency: str = ""


class MarginAnswered(Message, frozen=True, kw_only=True):
    """Data: venue → risk. Answer to `QueryMargin`."""

    account: str
    client_order_id: str
    figures: MarginFigures | None
    """None when the venue refuses the order, or gives no answer."""
    text: str = ""
    """Why there are no figures, or a warning of the venue."""


class MarginDue(Timer, frozen=True, kw_only=True):
    """Risk: the venue should have answered by now what this order does to the margin."""

    client_order_id: str
