"""Positions, account values, executions and completed orders as TWS tells them."""

from __future__ import annotations

from collections.abc import Mapping

from actors.model.instrument import ZERO
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.preview import preview
from daemon.exchange.clock import VenueClock
from daemon.exchange.ib import replies
from daemon.exchange.ib import requests as ask
from daemon.exchange.ib.checks import INVALID, Refusal
from daemon.exchange.ib.desk import OrderDesk
from daemon.exchange.ib.holdings import Holding, Holdings, mark
from daemon.exchange.ib.line import Line
from daemon.exchange.ib.order_request import Request
from daemon.exchange.ib.orders import Execution, IbOrder
from daemon.exchange.market_data.market import SymbolMarket

DAY_NS = 86_400_000_000_000
SIDES = {"BUY": True, "BOT": True, "SELL": False, "SLD": False}


class AccountReplies:
    """Answers about accounts, and pushes to those who have subscribed."""

    def __init__(
        self,
        *,
        accounts: tuple[str, ...],
        desk: OrderDesk,
        holdings: Holdings,
        engine: MatchingEngine,
        markets: Mapping[str, SymbolMarket],
        clock: VenueClock,
    ) -> None:
        self._accounts, self._desk, self._holdings = accounts, desk, holdings
        self._engine, self._markets, self._clock = engine, markets, clock
        self._position_lines: list[Line] = []
        self._value_lines: list[tuple[Line, str]] = []
        self.executions_from_ns = 0

    def answer(self, line: Line, request: Request) -> None:
        """One request.

        Raises:
            Refusal: It cannot be answered.
        """
        match request:
            case ask.Positions():
                self._subscribe_positions(line, subscribe=request.subscribe)
            case ask.AccountUpdates():
                self._subscribe_values(line, self._known(request.account), subscribe=request.subscribe)
            case ask.AccountUpdatesMulti():
                account = self._known(request.account)
                for tag, value, currency in self._values(account):
                    fields = replies.account_value_multi(request.req_id, account, tag, value, currency)
                    line.send("accountUpdateMulti", fields)
                line.send("accountUpdateMultiEnd", replies.account_multi_end(request.req_id))
            case ask.AccountSummary():
                self._tell_summary(line, request)
            case ask.CompletedOrders():
                self._tell_completed(line)
            case ask.Executions():
                self._tell_executions(line, request)
            case _:
                pass

    def drop(self, line: Line) -> None:
        """A line is gone."""
        self._position_lines = [each for each in self._position_lines if each is not line]
        self._value_lines = [each for each in self._value_lines if each[0] is not line]

    def on_execution(self, execution: Execution) -> None:
        """Positions and values have changed."""
        account, contract = execution.order.account, execution.order.contract
        for holding in self._holdings.of(account):
            if holding.contract is contract:
                for line in list(self._position_lines):
                    self._tell_position(line, account, holding)
        self.on_values(account)

    def on_values(self, account: str) -> None:
        """Tell those who keep an eye on an account."""
        for line, name in list(self._value_lines):
            if name == account:
                self._tell_values(line, account)

    def what_if(self, order: IbOrder) -> replies.Fields:
        """What an order would do to the margin, by the engine's own rules; open orders are not counted.

        Raises:
            Refusal: It would not be taken.
        """
        figures, why = preview(self._engine, self._desk.terms_of(order), self._clock.now_ns())
        if figures is None:
            raise Refusal(201, f"Order rejected - reason:{why}")
        cost = figures.commission or ZERO
        after = figures.initial_after, figures.maintenance_after, figures.equity_after
        change = figures.initial_change, figures.maintenance_change, -cost
        before = [a - c for a, c in zip(after, change, strict=True)]
        return replies.open_order(order, margins=[*before, *change, *after, cost, "", ""])

    def _known(self, account: str) -> str:
        if account and account not in self._accounts:
            raise Refusal(321, f"{INVALID} - Invalid account code '{account}'.")
        return account or self._accounts[0]

    def _values(self, account: str) -> list[tuple[str, str, str]]:
        return self._holdings.values(account, self._engine, self._markets)

    def _subscribe_positions(self, line: Line, *, subscribe: bool) -> None:
        self._position_lines = [each for each in self._position_lines if each is not line]
        if not subscribe:
            return
        self._position_lines.append(line)
        for account in self._accounts:
            for holding in self._holdings.of(account):
                if holding.quantity:
                    self._tell_position(line, account, holding)
        line.send("positionEnd", replies.positions_end())

    def _tell_position(self, line: Line, account: str, holding: Holding) -> None:
        if holding.contract.sec_type != "CASH":
            cost = round(holding.average_cost, 8)
            line.send("position", replies.position(account, holding.contract, holding.quantity, cost))

    def _subscribe_values(self, line: Line, account: str, *, subscribe: bool) -> None:
        self._value_lines = [each for each in self._value_lines if each != (line, account)]
        if subscribe:
            self._value_lines.append((line, account))
            self._tell_values(line, account)
            line.send("accountDownloadEnd", replies.account_end(account))

    def _tell_values(self, line: Line, account: str) -> None:
        for tag, value, currency in self._values(account):
            line.send("updateAccountValue", replies.account_value(account, tag, value, currency))
        for holding in self._holdings.of(account):
            if holding.contract.sec_type != "CASH":
                price = mark(holding.contract, self._markets)
                value_now = holding.quantity * price
                figures = (
                    holding.quantity, price / holding.contract.instrument.multiplier, value_now,
                    round(holding.average_cost, 8), round(value_now - holding.cost, 2),
                    round(holding.realized, 2),
                )  # fmt: skip
                line.send("updatePortfolio", replies.portfolio(account, holding.contract, figures))
        minutes = self._clock.now_ms() // 60_000
        line.send("updateAccountTime", replies.account_time(f"{minutes // 60 % 24:02}:{minutes % 60:02}"))

    def _tell_summary(self, line: Line, request: ask.AccountSummary) -> None:
        wanted = request.tags.split(",")
        for account in self._accounts:
            for tag, value, currency in self._values(account):
                if tag in wanted:
                    fields = replies.account_summary(request.req_id, account, tag, value, currency)
                    line.send("accountSummary", fields)
        line.send("accountSummaryEnd", replies.account_summary_end(request.req_id))

    def _tell_completed(self, line: Line) -> None:
        for order in self._desk.orders:
            if order.is_done and order.done_ns >= self.executions_from_ns:
                line.send("completedOrder", replies.completed_order(order))
        line.send("completedOrdersEnd", replies.completed_orders_end())

    def _tell_executions(self, line: Line, request: ask.Executions) -> None:
        midnight = max(self._clock.now_ns() // DAY_NS * DAY_NS, self.executions_from_ns)
        for execution in self._desk.executions:
            order = execution.order
            if execution.time_ns < midnight or request.account not in ("", order.account):
                continue
            if request.client_id and request.client_id != order.client_id:
                continue
            if request.side and SIDES.get(request.side) is not order.is_buy:
                continue
            if request.symbol and request.symbol != order.contract.symbol:
                continue
            line.send("execDetails", replies.execution_details(execution, request.req_id))
            line.send("commissionReport", replies.commission_report(execution))
        line.send("execDetailsEnd", replies.executions_end(request.req_id))
