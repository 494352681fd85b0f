"""What TWS does with each request of a client, and what it tells its clients unasked."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.venues.simulated.engine import MatchingEngine
from daemon.exchange.clock import VenueClock
from daemon.exchange.faults import FaultBook, Subject
from daemon.exchange.ib import history, replies
from daemon.exchange.ib import requests as ask
from daemon.exchange.ib.account_replies import AccountReplies
from daemon.exchange.ib.checks import AMBIGUOUS_CONTRACT, INVALID, UNKNOWN_CONTRACT, Refusal
from daemon.exchange.ib.contracts import RULES, Catalogue, Contract, Wanted
from daemon.exchange.ib.desk import OrderDesk
from daemon.exchange.ib.faults import name_of
from daemon.exchange.ib.line import Line
from daemon.exchange.ib.order_request import PlaceOrder, Request
from daemon.exchange.ib.orders import Execution, IbOrder
from daemon.exchange.ib.quotes import LINES_MAX, TICK_TYPES, QuoteBoard, Subscription
from daemon.exchange.ib.wire import BadFrame
from daemon.exchange.market_data.market import SymbolMarket
from daemon.exchange.truth import TruthLog


class Switches(msgspec.Struct):
    """How this TWS is set up."""

    is_read_only: bool = False
    is_delayed: bool = False
    """No subscription for live data."""
    has_competition: bool = False
    """Another session takes the live data."""
    warns_first: bool = False
    """A question what an order would cost is answered by a warning, and then once more with figures."""


class Sessions:
    """All lines; the desk's listener."""

    def __init__(
        self,
        *,
        accounts: tuple[str, ...],
        catalogue: Catalogue,
        engine: MatchingEngine,
        markets: Mapping[str, SymbolMarket],
        clock: VenueClock,
        faults: FaultBook,
        truth: TruthLog,
        quotes: QuoteBoard,
    ) -> None:
        self.switches = Switches()
        self.lines: dict[int, Line] = {}
        """By client id, those that have said who they are."""
        self.all_lines: list[Line] = []
        self._accounts, self._catalogue, self._markets = accounts, catalogue, markets
        self._clock, self._faults, self._truth, self._quotes = clock, faults, truth, quotes
        self._next_ids: dict[int, int] = {}
        self._lost_orders: set[int] = set()
        """Permanent ids nothing is told about."""
        self.desk: OrderDesk
        self.replies: AccountReplies
        self._engine = engine

    # lines

    def on_end(self, line: Line) -> None:
        """A line is gone."""
        self._quotes.drop(line)
        self.replies.drop(line)
        if line in self.all_lines:
            self.all_lines.remove(line)
        if self.lines.get(line.client_id) is line:
            del self.lines[line.client_id]

    def on_frame(self, line: Line, fields: list[str]) -> None:
        """A message of a client."""
        try:
            request = ask.parse(fields)
        except BadFrame as error:
            number = int(fields[1]) if len(fields) > 1 and fields[0] == "3" and fields[1].isdigit() else -1
            self._error(line, number, 320, f"Error reading request. {error}")
            return
        subject = Subject(method=name_of(request), account=line.account)
        if self._faults.take("cut_before", subject):
            line.abort()
            return
        if self._faults.take("lose_request", subject):
            return
        line.stall_before(subject)
        if line.client_id < 0 and not isinstance(request, ask.StartApi):
            self._error(line, -1, 504, "Not connected")
            return
        refused = self._faults.take("error_before", subject)
        try:
            if refused is not None:
                raise Refusal(refused.code or 201, "Order rejected - reason:an error was asked for")
            self._answer(line, request)
        except Refusal as refusal:
            number = request.order_id if isinstance(request, PlaceOrder | ask.CancelOrder) else request.req_id
            self._error(line, number, refusal.code, refusal.text)
        if self._faults.take("cut_after", subject):
            line.hang_up()

    def system_message(self, code: int, text: str) -> None:
        """On every line."""
        for line in list(self.lines.values()):
            self._error(line, -1, code, text)

    def forget_ids(self) -> None:
        """The sequence of order ids begins again."""
        self._next_ids.clear()

    def _error(self, line: Line, number: int, code: int, text: str) -> None:
        line.send("error", replies.error(number, code, text))

    # requests

    def _answer(self, line: Line, request: Request) -> None:
        match request:
            case ask.StartApi():
                self._start(line, request.client_id)
            case PlaceOrder():
                self._place(line, request)
            case ask.CancelOrder():
                self._truth.write("request", line.account, method="cancelOrder")
                self.desk.cancel(line.client_id, request.order_id)
            case ask.GlobalCancel():
                for order in self.desk.live():
                    self.desk.end(order, "global cancel")
            case ask.OpenOrders():
                self._tell_open_orders(line, of_all=request.of_all)
            case ask.ContractDetails():
                self._tell_contracts(line, request)
            case ask.MarketRuleOf():
                if request.rule_id not in RULES:
                    raise Refusal(321, f"there is no market rule {request.rule_id}")
                line.send("marketRule", replies.market_rule(request.rule_id))
            case ask.MarketData() | ask.TickByTick() | ask.RealTimeBars() | ask.MarketDepth():
                self._subscribe(line, request)
            case ask.HistoricalData():
                self._tell_history(line, request)
            case ask.Cancelled():
                self._quotes.drop(line, request.req_id)
            case ask.NextIds():
                line.send("nextValidId", replies.next_valid_id(self._next_id(line)))
            case ask.CurrentTime():
                line.send("currentTime", replies.current_time(self._clock.now_ms() // 1_000))
            case _:
                self.replies.answer(line, request)

    def _start(self, line: Line, client_id: int) -> None:
        if client_id in self.lines:
            self._error(line, -1, 326, "Unable to connect as the client id is already in use.")
            line.hang_up()
            return
        line.client_id, line.account = client_id, self._accounts[0]
        self.lines[client_id] = line
        line.send("managedAccounts", replies.managed_accounts(self._accounts))
        line.send("nextValidId", replies.next_valid_id(self._next_id(line)))
        for code, text in (
            (2104, "Market data farm connection is OK:usfarm"),
            (2106, "HMDS data farm connection is OK:ushmds"),
            (2158, "Sec-def data farm connection is OK:secdefil"),
        ):
            self._error(line, -1, code, text)

    def _next_id(self, line: Line) -> int:
        return self._next_ids.get(line.client_id, 1)

    def _place(self, line: Line, request: PlaceOrder) -> None:
        self._truth.write(
            "request", request.account, method="whatIf" if request.is_what_if else "placeOrder",
            client_order_id=request.order_ref, order_id=request.order_id,
        )  # fmt: skip
        if self.switches.is_read_only:
            raise Refusal(321, f"{INVALID} - The API interface is currently in Read-Only mode.")
        self._next_ids[line.client_id] = max(self._next_id(line), request.order_id + 1)
        if request.is_what_if:
            self._preview(line, request)
            return
        is_lost = self._faults.take("accept_and_lose", Subject(method="placeOrder", account=request.account))
        if is_lost:
            self._lost_orders.add(self.desk.next_perm_id)
        self.desk.place(line.client_id, request, self._markets)

    def _preview(self, line: Line, request: PlaceOrder) -> None:
        order = self.desk.preview(line.client_id, request)
        if self.switches.warns_first:
            line.send("openOrder", replies.open_order(order, warning="the price is far from the market"))
        line.send("openOrder", self.replies.what_if(order))

    def _tell_open_orders(self, line: Line, *, of_all: bool) -> None:
        for order in self.desk.live():
            if (of_all or order.client_id == line.client_id) and order.request.transmit:
                line.send("openOrder", replies.open_order(order))
                line.send("orderStatus", replies.order_status(order))
        line.send("openOrderEnd", replies.open_orders_end())

    def _tell_contracts(self, line: Line, request: ask.ContractDetails) -> None:
        found = self._catalogue.find(request.contract)
        if not found:
            raise Refusal(200, UNKNOWN_CONTRACT)
        for contract in found:
            fields = replies.contract_details(request.req_id, contract, self._clock.now_ns())
            line.send("contractDetails", fields)
        line.send("contractDetailsEnd", replies.contract_details_end(request.req_id))

    # market data

    def _one(self, wanted: Wanted) -> Contract:
        found = self._catalogue.find(wanted)
        if len(found) != 1:
            raise Refusal(200, AMBIGUOUS_CONTRACT if found else UNKNOWN_CONTRACT)
        return found[0]

    def _subscribe(
        self, line: Line, request: ask.MarketData | ask.TickByTick | ask.RealTimeBars | ask.MarketDepth
    ) -> None:
        contract = self._one(request.contract)
        if self._quotes.lines_of(line) >= LINES_MAX:
            raise Refusal(101, "Max number of tickers has been reached")
        if self.switches.has_competition:
            text = "No market data during competing live session"
            raise Refusal(10197, text)
        subscription = Subscription(
            line=line, req_id=request.req_id, contract=contract,
            market=self._markets[contract.listing.symbol], kind="top",
        )  # fmt: skip
        match request:
            case ask.MarketData():
                self._begin_top(line, request, contract)
            case ask.TickByTick():
                if request.tick_type not in TICK_TYPES:
                    raise Refusal(321, f"{request.tick_type!r} is no tick-by-tick type")
                subscription.kind = request.tick_type
            case ask.RealTimeBars():
                subscription.kind = "bars"
                history.five_seconds(subscription)
            case ask.MarketDepth():
                subscription.kind, subscription.rows = "depth", request.rows
        self._quotes.add(subscription)
        if isinstance(request, ask.MarketData) and request.snapshot:
            self._quotes.drop(line, request.req_id)
            line.send("tickSnapshotEnd", replies.snapshot_end(request.req_id))

    def _begin_top(self, line: Line, request: ask.MarketData, contract: Contract) -> None:
        if self.switches.is_delayed:
            text = "Requested market data is not subscribed. Displaying delayed market data."
            self._error(line, request.req_id, 10167, text)
        line.send("tickReqParams", replies.tick_parameters(request.req_id, contract))
        data_type = 3 if self.switches.is_delayed else 1
        line.send("marketDataType", replies.market_data_type(request.req_id, data_type))

    def _tell_history(self, line: Line, request: ask.HistoricalData) -> None:
        contract = self._one(request.contract)
        market = self._markets[contract.listing.symbol]
        length = history.BAR_MS.get(request.bar_size, 0)
        now_ms = self._clock.now_ms()
        found = history.bars_of(market, request, now_ms)
        bars = [history.shown(bar, length, request.format_date) for bar in found]
        if not bars:
            name = f"{request.contract.symbol}@{request.contract.exchange} {request.what}"
            text = f"Historical Market Data Service error message:HMDS query returned no data: {name}"
            raise Refusal(162, text)
        line.send("historicalData", replies.historical_data(request.req_id, ("", ""), bars))
        if request.keep:
            subscription = Subscription(
                line=line, req_id=request.req_id, contract=contract, market=market, kind="keep"
            )
            history.kept_up_to_date(subscription, request)
            self._quotes.add(subscription)

    # DeskListener

    def on_order(self, order: IbOrder) -> None:
        """New, or with new terms or a new state."""
        line = self._line_of(order)
        if line is not None:
            line.send("openOrder", replies.open_order(order))
            line.send("orderStatus", replies.order_status(order))

    def on_execution(self, execution: Execution) -> None:
        """It has just happened, or was corrected."""
        line = self._line_of(execution.order)
        if line is not None:
            line.send("execDetails", replies.execution_details(execution))
            line.send("commissionReport", replies.commission_report(execution))
        self.replies.on_execution(execution)

    def on_error(self, order: IbOrder, code: int, text: str) -> None:
        """Something the one who placed it must know."""
        line = self._line_of(order)
        if line is not None:
            self._error(line, order.order_id, code, text)

    def _line_of(self, order: IbOrder) -> Line | None:
        """The client that placed it; client 0 also hears of what is done by hand."""
        if order.perm_id in self._lost_orders:
            return None
        return self.lines.get(max(order.client_id, 0))
