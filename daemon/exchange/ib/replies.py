"""What TWS says, field by field, at server version 176; fields a client leaves unset come back with junk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from daemon.exchange.ib.contracts import RULES, Contract, ib_time
from daemon.exchange.ib.orders import Execution, IbOrder
from daemon.exchange.ib.wire import Field

Fields = list[Field]
UNSET = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"


def error(req_id: int, code: int, text: str) -> Fields:
    """About a request or an order; -1 for none."""
    return [4, 2, req_id, code, text, ""]


def managed_accounts(accounts: Sequence[str]) -> Fields:
    """Who can be traded for."""
    return [15, 1, ",".join(accounts)]


def next_valid_id(number: int) -> Fields:
    """From this order id on the client may count."""
    return [9, 1, number]


def current_time(seconds: int) -> Fields:
    """The server's clock."""
    return [49, 1, seconds]


def contract_11(contract: Contract, exchange: str | None = None) -> Fields:
    """A contract in a reply; `exchange` differs where TWS names none."""
    return [
        contract.con_id, contract.symbol, contract.sec_type, contract.expiry, contract.strike,
        contract.right or "?", contract.multiplier,
        contract.exchanges[0] if exchange is None else exchange,
        contract.currency, contract.local_symbol, contract.trading_class,
    ]  # fmt: skip


def open_order(order: IbOrder, *, margins: Sequence[Field] = (), warning: str = "") -> Fields:
    """The terms of an order and its state; with margins the answer to *what if*."""
    request = order.request
    shown = list(margins) or [UNSET] * 12
    trails = order.stop_price if request.order_type.startswith("TRAIL") else None
    return [
        5, order.order_id, *contract_11(order.contract), request.action, order.quantity,
        request.order_type, order.limit_price or 0, request.aux_price or 0,
        request.time_in_force or "DAY", request.oca_group, order.account, "", 0, request.order_ref,
        order.client_id, order.perm_id, request.outside_hours, False, 0, request.good_after, "",
        "", "", "", "", "", request.good_till, "", "", "", 0, "", -1, 0, "", "", "", "", "",
        UNSET_INTEGER, False, False, False, UNSET_INTEGER, request.oca_type or 3, False, False, "",
        request.parent_id, 0, "", 0, "None", "", 0, "", "", "", "?", False, 0, "",
        False, 0, trails or _junk_trail(request.limit_price), request.trailing_percent or "", "", "",
        "", 0, 0, 0, UNSET_INTEGER, UNSET_INTEGER, "", "", False, "", "IB", False, False,
        *_algo(request.algo, request.algo_params), False, request.is_what_if, order.status, *shown,
        "USD" if margins else "", warning, False, False, 0, "None", UNSET,
        trails or _junk_trail(request.limit_price),
        UNSET if request.limit_offset is None else request.limit_offset, UNSET, UNSET, UNSET, 0, "", "", "",
        0, False, False, False, 0, UNSET_INTEGER, UNSET_INTEGER, False, "", "", "", "", "",
    ]  # fmt: skip


def _junk_trail(limit_price: Decimal | None) -> Field:
    return limit_price + 1 if limit_price is not None else UNSET


def _algo(name: str, params: Sequence[tuple[str, str]]) -> Fields:
    if not name:
        return [""]
    return [name, len(params), *(text for pair in params for text in pair)]


def open_orders_end() -> Fields:
    """All open orders are told."""
    return [53, 1]


def order_status(order: IbOrder, status: str | None = None) -> Fields:
    """Where an order stands."""
    return [
        3, order.order_id, status or order.status, order.filled, order.remaining, order.average_price,
        order.perm_id, order.request.parent_id, order.last_price, order.client_id, order.why_held, 0,
    ]  # fmt: skip


def completed_order(order: IbOrder) -> Fields:
    """An order that has ended; no order id, no client id, no price, no fee."""
    request = order.request
    return [
        101, *contract_11(order.contract), request.action, order.quantity, request.order_type,
        request.limit_price or 0, request.aux_price or 0, request.time_in_force or "DAY",
        request.oca_group, order.account, "", 0, request.order_ref, order.perm_id,
        request.outside_hours, False, 0, request.good_after, "", "", "", "", "", request.good_till, "",
        "", "", 0, "", -1, "", "", "", "", "", UNSET_INTEGER, False, False, UNSET_INTEGER,
        request.oca_type or 3, 0, "", 0, "None", "", 0, False, 0, "", False, 0,
        _junk_trail(request.limit_price), "", "", 0, 0, 0, UNSET_INTEGER, UNSET_INTEGER, "", "", "", "IB",
        False, False, *_algo(request.algo, request.algo_params), False, order.status, False, False, 0,
        UNSET, UNSET, 0, False, False, "", order.filled, 0, False, "", False, False, 0,
        ib_time(order.done_ns), order.reason or order.status, "", "", "", "", "",
    ]  # fmt: skip


def completed_orders_end() -> Fields:
    """All completed orders are told."""
    return [102]


def execution_details(execution: Execution, req_id: int = -1) -> Fields:
    """One execution; req_id -1 when it has just happened."""
    order = execution.order
    return [
        11, req_id, order.order_id, *contract_11(order.contract), execution.exec_id,
        ib_time(execution.time_ns), order.account, order.contract.exchanges[-1],
        "BOT" if order.is_buy else "SLD", execution.shares, execution.price, order.perm_id,
        order.client_id, 0, execution.cumulative, order.average_price, order.request.order_ref, "", "",
        "", 1 if execution.is_maker else 2,
    ]  # fmt: skip


def executions_end(req_id: int) -> Fields:
    """All executions are told."""
    return [55, 1, req_id]


def commission_report(execution: Execution) -> Fields:
    """What an execution cost."""
    realized = execution.realized_pnl
    return [
        59, 1, execution.exec_id, execution.commission, execution.order.contract.currency,
        UNSET if realized is None else realized, UNSET, "",
    ]  # fmt: skip


def position(account: str, contract: Contract, quantity: Decimal, average_cost: Decimal) -> Fields:
    """A position; its contract has no exchange."""
    return [61, 3, account, *contract_11(contract, ""), quantity, average_cost]


def positions_end() -> Fields:
    """All positions are told."""
    return [62, 1]


def account_value(account: str, tag: str, value: str, currency: str) -> Fields:
    """One value of an account."""
    return [6, 2, tag, value, currency, account]


def account_value_multi(req_id: int, account: str, tag: str, value: str, currency: str) -> Fields:
    """The same under a request's number."""
    return [73, 1, req_id, account, "", tag, value, currency]


def account_multi_end(req_id: int) -> Fields:
    """All values are told."""
    return [74, 1, req_id]


def account_summary(req_id: int, account: str, tag: str, value: str, currency: str) -> Fields:
    """The same in a summary."""
    return [63, 1, req_id, account, tag, value, currency]


def account_summary_end(req_id: int) -> Fields:
    """All values are told."""
    return [64, 1, req_id]


def portfolio(account: str, contract: Contract, figures: Sequence[Field]) -> Fields:
    """Position, price, value, average cost, unrealised and realised profit of one contract."""
    return [7, 8, *contract_11(contract, contract.primary_exchange), *figures, account]


def account_time(text: str) -> Fields:
    """When the values were made."""
    return [8, 1, text]


def account_end(account: str) -> Fields:
    """The first values are told."""
    return [54, 1, account]


def contract_details(req_id: int, contract: Contract, now_ns: int) -> Fields:
    """Everything about a contract."""
    hours = contract.hours_text(now_ns)
    least = RULES[contract.rule_id].least
    increment = contract.instrument.lot_size
    return [
        10, req_id, contract.symbol, contract.sec_type, contract.expiry, contract.strike,
        contract.right, contract.exchanges[0], contract.currency, contract.local_symbol,
        contract.trading_class, contract.trading_class, contract.con_id, least, contract.multiplier,
        "ADJUST,ALERT,ALLOC,DAY,GTC,GTD,IOC,LMT,LOC,MKT,MOC,OCA,OPG,STP,STPLMT,TRAIL,TRAILLMT,WHATIF",
        ",".join(contract.exchanges), 1, 0, contract.long_name, contract.primary_exchange,
        contract.expiry[:6], "", "", "", contract.time_zone, hours, hours, "", "", 0, 1,
        contract.symbol if contract.sec_type in ("FUT", "OPT") else "",
        {"FUT": "IND", "OPT": "STK"}.get(contract.sec_type, ""),
        ",".join(str(contract.rule_id) for _ in contract.exchanges), contract.expiry,
        contract.stock_type, increment, increment, increment,
    ]  # fmt: skip


def contract_details_end(req_id: int) -> Fields:
    """Everything that may be meant is told."""
    return [52, 1, req_id]


def market_rule(rule_id: int) -> Fields:
    """Price steps: from a price on, its step."""
    bands = RULES[rule_id].bands
    return [93, rule_id, len(bands), *(number for band in bands for number in band)]


def tick_parameters(req_id: int, contract: Contract) -> Fields:
    """First answer to a request for market data."""
    return [81, req_id, RULES[contract.rule_id].least, "9c0001", 3]


def market_data_type(req_id: int, data_type: int) -> Fields:
    """Live (1), frozen (2), delayed (3)."""
    return [58, 1, req_id, data_type]


def tick_price(req_id: int, tick_type: int, price: Field, size: Field) -> Fields:
    """1 bid, 2 ask, 4 last."""
    return [1, 6, req_id, tick_type, price, size, 0]


def tick_size(req_id: int, tick_type: int, size: Field) -> Fields:
    """0 bid, 3 ask, 5 last, 8 volume."""
    return [2, 6, req_id, tick_type, size]


def tick_time(req_id: int, seconds: int) -> Fields:
    """When the last trade was."""
    return [46, 6, req_id, 45, seconds]


def snapshot_end(req_id: int) -> Fields:
    """A snapshot is told."""
    return [57, 1, req_id]


def tick_trade(req_id: int, tick_type: int, seconds: int, price: str, size: str, exchange: str) -> Fields:
    """Tick by tick: 1 last, 2 all trades."""
    return [99, req_id, tick_type, seconds, price, size, 0, exchange, ""]


def tick_quote(req_id: int, seconds: int, prices: tuple[str, str], sizes: tuple[str, str]) -> Fields:
    """Tick by tick: bid and ask."""
    return [99, req_id, 3, seconds, *prices, *sizes, 0]


def tick_middle(req_id: int, seconds: int, price: float) -> Fields:
    """Tick by tick: the middle."""
    return [99, req_id, 4, seconds, price]


def real_time_bar(req_id: int, seconds: int, figures: Sequence[Field]) -> Fields:
    """Five seconds: open, high, low, close, volume, average price, trades."""
    return [50, 3, req_id, seconds, *figures]


def depth_row(req_id: int, place: int, operation: int, side: int, price: str, size: str) -> Fields:
    """One row of the book: operation 0 insert, 1 change, 2 delete; side 0 ask, 1 bid."""
    return [12, 1, req_id, place, operation, side, price, size]


def historical_data(req_id: int, span: tuple[str, str], bars: Sequence[Sequence[Field]]) -> Fields:
    """Bars: time, open, high, low, close, volume, average price, trades."""
    return [17, req_id, *span, len(bars), *(field for bar in bars for field in bar)]


def historical_update(req_id: int, bar: Mapping[str, Field]) -> Fields:
    """The bar that is still growing, or has just closed."""
    return [90, req_id, bar["count"], bar["time"], bar["open"], bar["close"], bar["high"], bar["low"],
            bar["average"], bar["volume"]]  # fmt: skip
