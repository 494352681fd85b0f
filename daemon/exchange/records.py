"""What the venue writes into the truth file about accounts, orders and money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from daemon.exchange.orders import OrderFill, OrderView
from daemon.exchange.symbols import Listing
from daemon.exchange.truth import TruthLog


class Records:
    """One line per fact; balances as changes, from the executions and not from the engine's figures."""

    def __init__(self, truth: TruthLog, listings: Mapping[str, Listing]) -> None:
        self._truth, self._listings = truth, listings

    def opened(self, account: str, balances: Mapping[str, Decimal]) -> None:
        """An account with what it holds at first."""
        self._truth.write("account", account)
        for asset, amount in balances.items():
            self._balance(account, asset, amount, "opening")

    def accepted(self, order: OrderView) -> None:
        """An order is in the book."""
        request = order.request
        self._truth.write(
            "order",
            order.account,
            client_order_id=request.client_order_id,
            venue_order_id=str(order.order_id),
            symbol=request.symbol,
            side=request.side.lower(),
            type=request.type,
            quantity=str(order.quantity),
            price=None if request.price is None else str(request.price),
        )

    def refused(self, account: str, client_order_id: str, code: str, text: str) -> None:
        """An order was not taken."""
        self._truth.write("rejected", account, client_order_id=client_order_id, code=code, text=text)

    def closed(self, kind: Literal["cancelled", "expired"], order: OrderView) -> None:
        """An order has ended without being filled whole."""
        self._truth.write(
            kind,
            order.account,
            venue_order_id=str(order.order_id),
            filled=str(order.executed),
            reason=order.expiry_reason,
        )

    def filled(self, order: OrderView, fill: OrderFill) -> None:
        """One execution and the money it moves."""
        instrument = self._listings[order.symbol].instrument
        self._truth.write(
            "trade",
            order.account,
            trade_id=str(fill.trade_id),
            venue_order_id=str(order.order_id),
            client_order_id=order.request.client_order_id,
            symbol=order.symbol,
            side=order.request.side.lower(),
            quantity=str(fill.quantity),
            price=str(fill.price),
            fee=str(fill.fee),
            fee_currency=fill.fee_asset,
        )
        sign = 1 if order.request.side == "BUY" else -1
        self._balance(order.account, instrument.base, sign * fill.quantity, "trade")
        self._balance(order.account, instrument.quote, -sign * fill.quantity * fill.price, "trade")
        self._balance(order.account, fill.fee_asset, -fill.fee, "fee")

    def transferred(self, account: str, asset: str, amount: Decimal) -> None:
        """A deposit (> 0) or a withdrawal."""
        self._balance(account, asset, amount, "deposit" if amount > 0 else "withdrawal")

    def _balance(self, account: str, asset: str, change: Decimal, reason: str) -> None:
        self._truth.write("balance", account, asset=asset, change=str(change), reason=reason)
