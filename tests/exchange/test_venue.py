"""The venue without sockets: what the market does to orders, and what accounts are told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from daemon.exchange.binance.faults import KINDS
from daemon.exchange.clock import VenueClock
from daemon.exchange.faults import FaultBook
from daemon.exchange.market_data.events import DepthSnapshot, PublicTrade, Top
from daemon.exchange.market_data.market import SymbolMarket
from daemon.exchange.orders import OrderReport, OrderRequest, OrderView, VenueRefusal
from daemon.exchange.settings import ExchangeAccount
from daemon.exchange.symbols import listing
from daemon.exchange.truth import TruthLog
from daemon.exchange.venue import Venue

D = Decimal


class Told:
    """Notes what a listener hears."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, str]] = []
        self.fills: list[tuple[str, int, Decimal, bool]] = []
        self.transfers: list[tuple[str, str, Decimal]] = []

    def on_report(self, report: OrderReport) -> None:
        order = report.order
        self.reports.append((order.request.client_order_id, report.execution, order.status))
        if report.fill is not None:
            fill = report.fill
            self.fills.append((order.account, fill.trade_id, fill.quantity, fill.is_maker))

    def on_balances(self, account: str, assets: Sequence[str]) -> None: ...

    def on_transfer(self, account: str, asset: str, amount: Decimal) -> None:
        self.transfers.append((account, asset, amount))

    def on_cut(self, account: str) -> None: ...


class Bench:
    """A venue with one symbol whose market the test moves."""

    def __init__(self) -> None:
        btc = listing("BTCUSDT")
        self.truth = TruthLog(None, lambda: 0)
        accounts = [
            ExchangeAccount(name=name, key=name, secret="s", balances={"USDT": D(10_000), "BTC": D(2)})
            for name in ("anna", "bert")
        ]
        self.venue = Venue(
            accounts=accounts,
            listings=[btc],
            fees=(D("0.001"), D("0.002")),
            clock=VenueClock(),
            truth=self.truth,
            faults=FaultBook(KINDS, symbols=(), accounts=()),
        )
        self.told = Told()
        self.venue.listen(self.told)
        self.market = SymbolMarket(btc)
        self._update_id = 0
        self.show("100.00", "100.10")

    def show(self, bid: str, ask: str, size: str = "1.00000000") -> None:
        """The market is one level a side."""
        self._update_id += 1
        book = DepthSnapshot("BTCUSDT", self._update_id, [(bid, size)], [(ask, size)])
        self.market.book.replace(book)
        self.venue.on_snapshot(self.market, book)
        self.market.top = Top("BTCUSDT", self._update_id, bid, size, ask, size)
        self.venue.on_top(self.market, self.market.top)

    def trade(self, price: str, size: str = "1.0", *, buyer_is_maker: bool = True) -> None:
        self._update_id += 1
        self.venue.on_trade(
            self.market, PublicTrade("BTCUSDT", self._update_id, price, size, 0, 0, buyer_is_maker)
        )

    def place(self, name: str, account: str = "anna", **changes: Any) -> OrderView:
        fields: dict[str, Any] = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": D(1),
            "quote_quantity": None, "price": D("99.00"), "stop_price": None, "iceberg_quantity": None,
            "client_order_id": name, "response_type": "FULL", "self_trade_prevention": "EXPIRE_MAKER",
        }  # fmt: skip
        request = OrderRequest(**(fields | changes))
        assert request.quantity is not None
        return self.venue.place(account, request, request.quantity)

    def balances_agree(self) -> None:
        """The truth, summed from executions, is what the engine holds."""
        for account in ("anna", "bert"):
            held = {asset: balance.total for asset, balance in self.venue.balances(account).items()}
            assert self.truth.sum.accounts[account].balances == held


def test_a_trade_through_a_resting_order_fills_it_as_the_maker() -> None:
    bench = Bench()
    order = bench.place("rest")
    bench.trade("98.90")
    assert bench.told.reports == [("rest", "NEW", "NEW"), ("rest", "TRADE", "FILLED")]
    assert bench.told.fills[0][3] is True
    assert (order.executed, order.quote_executed, order.is_open) == (D(1), D(99), False)
    assert order.fills[0].fee == D("0.001")
    bench.balances_agree()


def test_a_stop_waits_for_its_price_and_then_takes() -> None:
    bench = Bench()
    order = bench.place("stop", side="SELL", type="STOP_LOSS", price=None, stop_price=D("98.00"))
    assert (order.is_working, order.working_ms) == (False, -1)
    bench.show("97.90", "98.10")
    bench.trade("97.95")
    assert order.status == "FILLED"
    assert order.is_working
    assert order.fills[0].price == D("97.90")
    bench.balances_agree()


def test_a_stop_that_would_trigger_at_once_is_refused() -> None:
    bench = Bench()
    with pytest.raises(VenueRefusal) as refused:
        bench.place("late", side="SELL", type="STOP_LOSS", price=None, stop_price=D("101.00"))
    assert refused.value.code == "WOULD_TRIGGER"
    assert bench.told.reports == []
    assert bench.truth.sum.accounts["anna"].rejected == 1


def test_two_accounts_share_one_trade_id_and_both_books_balance() -> None:
    bench = Bench()
    bench.place("maker", account="anna", side="SELL", price=D("100.05"))
    bench.place("taker", account="bert", price=D("100.05"))
    (taker, maker) = sorted(bench.told.fills, key=lambda fill: fill[3])
    assert (taker[0], maker[0]) == ("bert", "anna")
    assert taker[1] == maker[1]
    bench.balances_agree()
    usdt = sum(bench.venue.balances(name)["USDT"].total for name in ("anna", "bert"))
    assert usdt == D(20_000) - D("100.05") * D("0.001")


def test_an_account_never_trades_with_itself() -> None:
    bench = Bench()
    bench.place("own-ask", side="SELL", price=D("100.05"))
    bench.place("own-bid", price=D("100.05"))
    assert ("own-ask", "TRADE_PREVENTION", "EXPIRED_IN_MATCH") in bench.told.reports
    assert bench.told.fills == []


def test_a_market_order_larger_than_the_book_expires_with_what_it_got() -> None:
    bench = Bench()
    order = bench.place("big", type="MARKET", price=None, quantity=D("1.5"))
    assert (order.status, order.executed) == ("EXPIRED", D(1))
    bench.balances_agree()


def test_a_withdrawal_of_locked_money_is_refused() -> None:
    bench = Bench()
    bench.place("locks", quantity=D(100))
    assert not bench.venue.wallet.transfer("anna", "USDT", D(-200))
    assert bench.venue.wallet.transfer("anna", "USDT", D(-100))
    assert bench.told.transfers == [("anna", "USDT", D(-100))]
    bench.balances_agree()


def test_open_orders_are_those_that_can_still_fill() -> None:
    bench = Bench()
    first, second = bench.place("first"), bench.place("second")
    bench.venue.cancel(first, "bye")
    assert bench.venue.open_orders("anna") == [second]
    assert bench.venue.orders("anna") == [first, second]
    with pytest.raises(VenueRefusal):
        bench.venue.cancel(first, "again")
    assert first.cancel_id == "bye"
