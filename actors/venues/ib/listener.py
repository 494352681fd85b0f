"""Stands where the client library wants its listener: every message, as it came, goes to who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from inspect import isfunction
from typing import Any, Protocol

from actors.venues.ib import claims
from actors.venues.ib.claims import AccountValue, Claim, Commission, Complaint, OrderStatus, Position, exact

Answer = Callable[[str, tuple[Any, ...]], None]
"""Takes what comes for one request: the message's name and its values."""


class TimeZone:
    """Times without a zone are the gateway's; it has to be set to UTC."""

    TimezoneTWS = "UTC"


class Hears(Protocol):
    """Who is told everything that belongs to no request of its own."""

    def on_claim(self, claim: Claim) -> None:
        """Something about orders or money."""

    def on_end(self, name: str) -> None:
        """A list is complete: `openOrders`, `completedOrders`, `positions`, `accountUpdates`."""

    def on_time(self, seconds: int) -> None:
        """The server's clock, UTC."""

    def on_closed(self) -> None:
        """The line is gone."""

    def on_fault(self, error: Exception) -> None:
        """A message could not be taken, by a fault of ours, and is lost."""


class Listener:
    """The library calls these methods by name; what we do not know is passed over."""

    ib = TimeZone
    defaultTimezone = UTC
    tcpDataArrived = None
    tcpDataProcessed = None

    def __init__(self, hears: Hears) -> None:
        self._hears = hears
        self.answers: dict[int, Answer] = {}
        """By request number."""
        for name in MESSAGES:
            setattr(self, name, self._guarded(getattr(self, name)))

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return _pass_over

    def _guarded(self, take: Callable[..., None]) -> Callable[..., None]:
        """The library logs what its listener raises, and goes on as if the message had never been."""

        def guarded(*values: Any) -> None:
            try:
                take(*values)
            except Exception as error:
                self._hears.on_fault(error)

        return guarded

    # the line

    def setEventsDone(self) -> None:
        """The line is gone, ready or not."""
        self._hears.on_closed()

    def connectionClosed(self) -> None:
        """Once ready, it is gone."""
        self._hears.on_closed()

    def error(self, number: int, code: int, text: str, *more: Any) -> None:
        """Errors, warnings and news all come this way."""
        answer = self.answers.get(number)
        if answer is not None:
            answer("error", (code, text))
        else:
            self._hears.on_claim(Complaint(number=number, code=code, text=text))

    def currentTime(self, seconds: int) -> None:
        """Answer to the heartbeat."""
        self._hears.on_time(seconds)

    # orders

    def openOrder(self, order_id: int, contract: Any, order: Any, state: Any) -> None:
        """Terms of an order; with margins when it was only a question."""
        answer = self.answers.get(order_id)
        if answer is not None and order.whatIf:
            if claims.has_margin_figures(state):  # a warning may come first, without any
                answer("whatIf", (state,))
        elif not order.whatIf:
            self._hears.on_claim(claims.open_order(contract, order, state))

    def openOrderEnd(self) -> None:
        """All are told."""
        self._hears.on_end("openOrders")

    def orderStatus(
        self, order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int,
        parent_id: int, last_price: float, client_id: int, why_held: str, cap_price: float = 0.0,
    ) -> None:  # fmt: skip
        """State of an order."""
        self._hears.on_claim(
            OrderStatus(
                order_id=order_id, client_id=client_id, perm_id=perm_id, status=status,
                filled=exact(filled), remaining=exact(remaining), average_price=exact(average),
                why_held=why_held,
            )
        )  # fmt: skip

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        """An order that has ended."""
        self._hears.on_claim(claims.completed_order(contract, order, state))

    def completedOrdersEnd(self) -> None:
        """All are told."""
        self._hears.on_end("completedOrders")

    def execDetails(self, req_id: int, contract: Any, execution: Any) -> None:
        """An execution, live or asked for."""
        self._hears.on_claim(claims.execution(contract, execution, is_live=req_id < 0))

    def execDetailsEnd(self, req_id: int) -> None:
        """All are told."""
        self._to(req_id, "execDetailsEnd")

    def commissionReport(self, report: Any) -> None:
        """The cost of an execution, before or after it."""
        self._hears.on_claim(
            Commission(
                exec_id=report.execId, amount=exact(report.commission), currency=report.currency
            )
        )  # fmt: skip

    # the account

    def position(self, account: str, contract: Any, quantity: float, cost: float) -> None:
        """What is held of a contract."""
        self._hears.on_claim(
            Position(
                account=account, con_id=contract.conId, symbol=contract.symbol, quantity=exact(quantity),
                average_cost=exact(cost),
            )
        )  # fmt: skip

    def positionEnd(self) -> None:
        """All are told."""
        self._hears.on_end("positions")

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:
        """One value."""
        self._hears.on_claim(AccountValue(account=account, tag=tag, value=value, currency=currency))

    def accountDownloadEnd(self, account: str) -> None:
        """All are told."""
        self._hears.on_end("accountUpdates")

    def accountUpdateMulti(
        self, req_id: int, account: str, model: str, tag: str, value: str, currency: str
    ) -> None:
        """One value, asked for."""
        said = AccountValue(account=account, tag=tag, value=value, currency=currency)
        self._to(req_id, "accountValue", said)

    def accountUpdateMultiEnd(self, req_id: int) -> None:
        """All are told."""
        self._to(req_id, "accountUpdateMultiEnd")

    # requests with numbers

    def contractDetails(self, req_id: int, details: Any) -> None:
        """One contract that may be meant."""
        self._to(req_id, "contractDetails", details)

    def contractDetailsEnd(self, req_id: int) -> None:
        """All are told."""
        self._to(req_id, "contractDetailsEnd")

    def marketRule(self, rule_id: int, increments: Any) -> None:
        """The price steps of a rule; it answers under the rule's own number, below 0 here."""
        self._to(-1_000_000 - rule_id, "marketRule", increments)

    def marketDataType(self, req_id: int, data_type: int) -> None:
        """Live (1), frozen (2), delayed (3, 4)."""
        self._to(req_id, "marketDataType", data_type)

    def priceSizeTick(self, req_id: int, tick_type: int, price: float, size: float) -> None:
        """Best bid, best ask, last trade."""
        self._to(req_id, "price", tick_type, price, size)

    def tickSize(self, req_id: int, tick_type: int, size: float) -> None:
        """Only the size has changed."""
        self._to(req_id, "size", tick_type, size)

    def tickByTickAllLast(
        self, req_id: int, kind: int, time: Any, price: float, size: float, *more: Any
    ) -> None:
        """One trade."""
        self._to(req_id, "trade", time, price, size)

    def tickByTickBidAsk(self, req_id: int, time: Any, *quote: float) -> None:
        """Bid, ask and their sizes."""
        self._to(req_id, "quote", time, *quote[:4])

    def updateMktDepth(
        self, req_id: int, place: int, operation: int, side: int, price: float, size: float
    ) -> None:
        """One row of the book."""
        self._to(req_id, "row", place, operation, side, price, size)

    def updateMktDepthL2(
        self, req_id: int, place: int, maker: str, operation: int, side: int, price: float, size: float,
        *more: Any,
    ) -> None:  # fmt: skip
        """One row of the book, with who is behind it."""
        self._to(req_id, "row", place, operation, side, price, size)

    def realtimeBar(self, req_id: int, time: int, *figures: float) -> None:
        """Five seconds: open, high, low, close, volume, average price, trades."""
        self._to(req_id, "bar", time, *figures)

    def historicalData(self, req_id: int, bar: Any) -> None:
        """A bar of the past."""
        self._to(req_id, "history", bar)

    def historicalDataEnd(self, req_id: int, start: str, end: str) -> None:
        """All are told."""
        self._to(req_id, "historyEnd")

    def historicalDataUpdate(self, req_id: int, bar: Any) -> None:
        """The newest bar has grown."""
        self._to(req_id, "update", bar)

    def _to(self, req_id: int, name: str, *values: Any) -> None:
        answer = self.answers.get(req_id)
        if answer is not None:
            answer(name, values)


def _pass_over(*values: Any) -> None:
    """A message that means nothing to us."""


MESSAGES = tuple(name for name, value in vars(Listener).items() if name[0] != "_" and isfunction(value))
"""Names of the methods that the library calls."""
