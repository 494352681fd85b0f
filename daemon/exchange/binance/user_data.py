"""User data: what happens to an account, told to the connections that subscribed to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from daemon.exchange.binance import format as wire
from daemon.exchange.binance.connection import Connection, frame
from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.services import Services
from daemon.exchange.faults import Subject
from daemon.exchange.orders import OrderReport

ALREADY_ACTIVE = (-2035, "User Data Stream subscription already active.")
NOT_ACTIVE = (-2036, "User Data Stream subscription not active.")


class UserData:
    """All subscriptions; numbered within their connection."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._subscriptions: dict[Connection, dict[int, str]] = {}
        self._last_number: dict[Connection, int] = {}
        self._executions = 0
        self._held_back: dict[str, dict[str, Any]] = {}

    def subscribe(self, connection: Connection, account: str) -> int:
        """Number of the new subscription.

        Raises:
            ApiError: This connection has one for the account.
        """
        active = self._subscriptions.setdefault(connection, {})
        if account in active.values():
            raise ApiError(*ALREADY_ACTIVE)
        number = self._last_number.get(connection, -1) + 1
        self._last_number[connection] = number
        active[number] = account
        return number

    def unsubscribe(self, connection: Connection, number: int | None) -> None:
        """One subscription, or all of the connection.

        Raises:
            ApiError: There is none.
        """
        active = self._subscriptions.get(connection, {})
        if not active or (number is not None and number not in active):
            raise ApiError(*NOT_ACTIVE)
        for known in [number] if number is not None else list(active):
            del active[known]

    def active(self, connection: Connection) -> list[int]:
        """Numbers of this connection's subscriptions."""
        return list(self._subscriptions.get(connection, {}))

    def forget(self, connection: Connection) -> None:
        """The connection has ended."""
        self._subscriptions.pop(connection, None)
        self._last_number.pop(connection, None)

    def connections(self, account: str | None = None) -> list[Connection]:
        """Those that subscribed to this account, or to any."""
        return [
            connection
            for connection, active in self._subscriptions.items()
            if active and account in (None, *active.values())
        ]

    # the venue

    def on_report(self, report: OrderReport) -> None:
        """A step in an order's life; faults may swallow, double or swap it."""
        order, faults = report.order, self._services.faults
        self._executions += 1
        event = wire.execution_report(report, number=self._executions, event_ms=self._services.clock.now_ms())
        about = Subject(order.symbol, report.execution, order.account)
        if faults.take("swallow_report", about):
            return
        if order.account not in self._held_back and faults.take("reorder_reports", about):
            self._held_back[order.account] = event
            return
        self._send(order.account, event)
        if faults.take("duplicate_report", about):
            self._send(order.account, event)
        held = self._held_back.pop(order.account, None)
        if held is not None:
            self._send(order.account, held)

    def on_balances(self, account: str, assets: Sequence[str]) -> None:
        """These balances may have changed."""
        balances = self._services.venue.balances(account)
        now_ms = self._services.clock.now_ms()
        self._send(account, wire.account_position(balances, assets, event_ms=now_ms))

    def on_transfer(self, account: str, asset: str, amount: Decimal) -> None:
        """Money came or went."""
        now_ms = self._services.clock.now_ms()
        self._send(account, wire.balance_update(asset, amount, event_ms=now_ms))

    def on_cut(self, account: str) -> None:
        """End the lines of this account; what it was told until now still arrives."""
        for connection in self.connections(account):
            connection.hang_up()

    def _send(self, account: str, event: dict[str, Any]) -> None:
        for connection, active in self._subscriptions.items():
            for number, owner in active.items():
                if owner == account:
                    connection.push(frame(wire.encoded({"subscriptionId": number, "event": event})))
