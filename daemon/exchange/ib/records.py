"""What the fake TWS writes into the truth file: the same lines as any venue of this process."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from actors.model.instrument import DERIVATIVES
from daemon.exchange.ib.orders import Execution, IbOrder
from daemon.exchange.truth import TruthLog


class IbRecords:
    """One line per fact; balances as changes."""

    def __init__(self, truth: TruthLog) -> None:
        self._truth = truth

    def opened(self, account: str, balances: Mapping[str, Decimal]) -> None:
        """An account with what it holds at first."""
        self._truth.write("account", account)
        for asset, amount in balances.items():
            self._balance(account, asset, amount, "opening")

    def taken(self, order: IbOrder) -> None:
        """An order is in the book."""
        self._truth.write(
            "order",
            order.account,
            client_order_id=order.request.order_ref,
            venue_order_id=str(order.perm_id),
            symbol=order.contract.listing.symbol,
            side="buy" if order.is_buy else "sell",
            type=order.request.order_type,
            quantity=str(order.quantity),
            price=None if order.request.limit_price is None else str(order.request.limit_price),
        )

    def refused(self, account: str, client_order_id: str, code: str, text: str) -> None:
        """An order was not taken."""
        self._truth.write("rejected", account, client_order_id=client_order_id, code=code, text=text)

    def ended(self, order: IbOrder) -> None:
        """An order has ended without being filled whole."""
        if order.status == "Cancelled" and order.venue_order_id is not None:
            self._truth.write(
                "cancelled",
                order.account,
                venue_order_id=str(order.perm_id),
                filled=str(order.filled),
                reason=order.reason or None,
            )

    def executed(self, execution: Execution) -> None:
        """One execution and the money it moves."""
        order = execution.order
        self._truth.write(
            "trade",
            order.account,
            trade_id=execution.base_id,
            venue_order_id=str(order.perm_id),
            client_order_id=order.request.order_ref,
            symbol=order.contract.listing.symbol,
            side="buy" if order.is_buy else "sell",
            quantity=str(execution.shares),
            price=str(execution.price),
            fee=str(execution.commission),
            fee_currency=order.contract.currency,
        )
        instrument = order.contract.instrument
        if instrument.kind in DERIVATIVES:
            if execution.gain:
                self._balance(order.account, instrument.quote, execution.gain, "trade")
        else:
            sign = 1 if order.is_buy else -1
            value = execution.shares * execution.price * instrument.multiplier
            self._balance(order.account, instrument.base, sign * execution.shares, "trade")
            self._balance(order.account, instrument.quote, -sign * value, "trade")
        self._balance(order.account, instrument.quote, -execution.commission, "fee")

    def corrected(self, execution: Execution, moved: Mapping[str, Decimal]) -> None:
        """An execution was stated anew, and so much of each asset has moved by that."""
        order = execution.order
        self._truth.write(
            "correction",
            order.account,
            trade_id=execution.base_id,
            quantity=str(execution.shares),
            price=str(execution.price),
            fee=str(execution.commission),
        )
        for asset, change in moved.items():
            if change:
                self._balance(order.account, asset, change, "correction")

    def transferred(self, account: str, asset: str, amount: Decimal) -> None:
        """A deposit (> 0) or a withdrawal."""
        self._balance(account, asset, amount, "deposit" if amount > 0 else "withdrawal")

    def _balance(self, account: str, asset: str, change: Decimal, reason: str) -> None:
        self._truth.write("balance", account, asset=asset, change=str(change), reason=reason)
