"""What a client of TWS asks, parsed to the last field of server version 176; leftovers are an error."""

from __future__ import annotations

from collections.abc import Callable

from daemon.exchange.ib.contracts import Wanted
from daemon.exchange.ib.order_request import Request, parse_contract, parse_order
from daemon.exchange.ib.wire import BadFrame, Fields


class StartApi(Request, frozen=True, kw_only=True):
    """The first one: who is there."""

    client_id: int


class CancelOrder(Request, frozen=True, kw_only=True):
    """End one order."""

    order_id: int


class GlobalCancel(Request, frozen=True, kw_only=True):
    """End all orders, whoever placed them."""


class OpenOrders(Request, frozen=True, kw_only=True):
    """Orders of this client, or of all."""

    of_all: bool


class AutoOpenOrders(Request, frozen=True, kw_only=True):
    """Client 0 binds what is placed by hand."""

    bind: bool


class CompletedOrders(Request, frozen=True, kw_only=True):
    """Orders that have ended today."""

    api_only: bool


class Executions(Request, frozen=True, kw_only=True):
    """Executions since midnight."""

    client_id: int
    account: str
    since: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


class Positions(Request, frozen=True, kw_only=True):
    """All positions, and every change from then on."""

    subscribe: bool


class AccountUpdates(Request, frozen=True, kw_only=True):
    """Values and portfolio of one account."""

    subscribe: bool
    account: str


class AccountUpdatesMulti(Request, frozen=True, kw_only=True):
    """Values of one account under a request's number."""

    account: str


class AccountSummary(Request, frozen=True, kw_only=True):
    """Some values of all accounts."""

    tags: str


class ContractDetails(Request, frozen=True, kw_only=True):
    """What may be meant by a contract."""

    contract: Wanted


class MarketRuleOf(Request, frozen=True, kw_only=True):
    """The price steps of a rule."""

    rule_id: int


class MarketData(Request, frozen=True, kw_only=True):
    """Best prices, as they change."""

    contract: Wanted
    snapshot: bool


class TickByTick(Request, frozen=True, kw_only=True):
    """Every trade or quote."""

    contract: Wanted
    tick_type: str


class RealTimeBars(Request, frozen=True, kw_only=True):
    """A bar every five seconds."""

    contract: Wanted
    what: str


class MarketDepth(Request, frozen=True, kw_only=True):
    """The book's best rows."""

    contract: Wanted
    rows: int


class HistoricalData(Request, frozen=True, kw_only=True):
    """Bars of the past."""

    contract: Wanted
    end: str
    bar_size: str
    duration: str
    what: str
    format_date: int
    keep: bool


class MarketDataType(Request, frozen=True, kw_only=True):
    """Live (1), frozen (2), delayed (3)."""

    data_type: int


class Cancelled(Request, frozen=True, kw_only=True):
    """A subscription is given up."""


class NextIds(Request, frozen=True, kw_only=True):
    """The next order id."""


class CurrentTime(Request, frozen=True, kw_only=True):
    """The server's clock."""


class Ignored(Request, frozen=True, kw_only=True):
    """Understood and of no consequence here."""


def parse(fields: list[str]) -> Request:
    """One message.

    Raises:
        BadFrame: Not of the form that server version 176 takes.
    """
    taken = Fields(fields)
    kind = taken.count()
    parser = _PARSERS.get(kind)
    if parser is None:
        raise BadFrame(f"message {kind} is not understood")
    request = parser(taken)
    if not isinstance(request, Ignored):
        taken.end()
    return request


def _start_api(fields: Fields) -> Request:
    fields.skip(1)
    client_id = fields.count()
    fields.skip(1)
    return StartApi(client_id=client_id)


def _cancel(fields: Fields) -> Request:
    fields.skip(1)
    order_id = fields.count()
    fields.skip(1)
    return CancelOrder(order_id=order_id)


def _global_cancel(fields: Fields) -> Request:
    fields.skip(1)
    return GlobalCancel()


def _open_orders(fields: Fields) -> Request:
    fields.skip(1)
    return OpenOrders(of_all=False)


def _all_open_orders(fields: Fields) -> Request:
    fields.skip(1)
    return OpenOrders(of_all=True)


def _auto_open_orders(fields: Fields) -> Request:
    fields.skip(1)
    return AutoOpenOrders(bind=fields.flag())


def _completed_orders(fields: Fields) -> Request:
    return CompletedOrders(api_only=fields.flag())


def _executions(fields: Fields) -> Request:
    fields.skip(1)
    return Executions(
        req_id=fields.count(), client_id=fields.integer() or 0, account=fields.text(), since=fields.text(),
        symbol=fields.text(), sec_type=fields.text(), exchange=fields.text(), side=fields.text(),
    )  # fmt: skip


def _positions(fields: Fields) -> Request:
    fields.skip(1)
    return Positions(subscribe=True)


def _no_positions(fields: Fields) -> Request:
    fields.skip(1)
    return Positions(subscribe=False)


def _account_updates(fields: Fields) -> Request:
    fields.skip(1)
    return AccountUpdates(subscribe=fields.flag(), account=fields.text())


def _account_updates_multi(fields: Fields) -> Request:
    fields.skip(1)
    request = AccountUpdatesMulti(req_id=fields.count(), account=fields.text())
    fields.skip(2)
    return request


def _account_summary(fields: Fields) -> Request:
    fields.skip(1)
    req_id = fields.count()
    fields.skip(1)
    return AccountSummary(req_id=req_id, tags=fields.text())


def _contract_details(fields: Fields) -> Request:
    fields.skip(1)
    request = ContractDetails(req_id=fields.count(), contract=parse_contract(fields))
    fields.skip(4)
    return request


def _market_rule(fields: Fields) -> Request:
    return MarketRuleOf(rule_id=fields.count())


def _market_data(fields: Fields) -> Request:
    fields.skip(1)
    req_id, contract = fields.count(), parse_contract(fields)
    fields.skip(2)  # no delta neutral contract; generic ticks
    snapshot = fields.flag()
    fields.skip(2)
    return MarketData(req_id=req_id, contract=contract, snapshot=snapshot)


def _tick_by_tick(fields: Fields) -> Request:
    request = TickByTick(req_id=fields.count(), contract=parse_contract(fields), tick_type=fields.text())
    fields.skip(2)
    return request


def _real_time_bars(fields: Fields) -> Request:
    fields.skip(1)
    req_id, contract = fields.count(), parse_contract(fields)
    fields.skip(1)
    request = RealTimeBars(req_id=req_id, contract=contract, what=fields.text())
    fields.skip(2)
    return request


def _market_depth(fields: Fields) -> Request:
    fields.skip(1)
    request = MarketDepth(req_id=fields.count(), contract=parse_contract(fields), rows=fields.count())
    fields.skip(2)
    return request


def _historical_data(fields: Fields) -> Request:
    req_id, contract = fields.count(), parse_contract(fields)
    fields.skip(1)
    end, bar_size, duration = fields.text(), fields.text(), fields.text()
    fields.skip(1)
    what, format_date, keep = fields.text(), fields.count(), fields.flag()
    fields.skip(1)
    return HistoricalData(
        req_id=req_id, contract=contract, end=end, bar_size=bar_size, duration=duration, what=what,
        format_date=format_date, keep=keep,
    )  # fmt: skip


def _market_data_type(fields: Fields) -> Request:
    fields.skip(1)
    return MarketDataType(data_type=fields.count())


def _given_up(fields: Fields) -> Request:
    fields.skip(1)
    return Cancelled(req_id=fields.count())


def _depth_given_up(fields: Fields) -> Request:
    fields.skip(1)
    request = Cancelled(req_id=fields.count())
    fields.skip(1)
    return request


def _ticks_given_up(fields: Fields) -> Request:
    return Cancelled(req_id=fields.count())


def _next_ids(fields: Fields) -> Request:
    fields.skip(2)
    return NextIds()


def _current_time(fields: Fields) -> Request:
    fields.skip(1)
    return CurrentTime()


def _ignored(fields: Fields) -> Request:
    return Ignored()


_PARSERS: dict[int, Callable[[Fields], Request]] = {
    1: _market_data, 2: _given_up, 3: parse_order, 4: _cancel, 5: _open_orders, 6: _account_updates,
    7: _executions, 8: _next_ids, 9: _contract_details, 10: _market_depth, 11: _depth_given_up,
    14: _ignored, 15: _auto_open_orders, 16: _all_open_orders, 20: _historical_data, 25: _given_up,
    49: _current_time, 50: _real_time_bars, 51: _given_up, 58: _global_cancel, 59: _market_data_type,
    61: _positions, 62: _account_summary, 63: _given_up, 64: _no_positions, 71: _start_api,
    76: _account_updates_multi, 77: _given_up, 91: _market_rule, 97: _tick_by_tick, 98: _ticks_given_up,
    99: _completed_orders,
}  # fmt: skip
