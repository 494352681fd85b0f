"""Holdings: own and net positions, balances, and a faithful restore."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.account import BalanceChanged, PositionChanged
from actors.views.holdings import Holdings


def a_position(strategy: str, quantity: str, net: str, account: str = "demo") -> PositionChanged:
    return PositionChanged(
        ts_event=1,
        account=account,
        strategy=strategy,
        instrument="BTCUSDT@binance",
        quantity=Decimal(quantity),
        entry_price_average=Decimal(100),
        realised_pnl=Decimal(0),
        account_quantity=Decimal(net),
        client_order_id=None,
        filled_quantity=Decimal(0),
    )


def test_own_and_net_positions_are_kept_apart() -> None:
    holdings = Holdings()
    holdings.apply(a_position("a", "3", "3"))
    holdings.apply(a_position("b", "-1", "2"))
    holdings.apply(a_position("a", "9", "9", account="other"))
    assert holdings.position("demo", "a", "BTCUSDT@binance") == 3
    assert holdings.account_position("demo", "BTCUSDT@binance") == 2
    assert holdings.holders("demo", "BTCUSDT@binance") == {"a": Decimal(3), "b": Decimal(-1)}
    assert holdings.position("demo", "nobody", "BTCUSDT@binance") == 0


def test_a_flat_strategy_is_no_holder() -> None:
    holdings = Holdings()
    holdings.apply(a_position("a", "3", "3"))
    holdings.apply(a_position("a", "0", "0"))
    assert holdings.holders("demo", "BTCUSDT@binance") == {}


def test_restored_holdings_equal_the_original() -> None:
    holdings = Holdings()
    holdings.apply(a_position("a", "3", "3"))
    holdings.apply(BalanceChanged(ts_event=1, account="demo", asset="USDT", total=Decimal("9.5")))
    copy = Holdings()
    copy.restore(holdings.snapshot())
    assert copy.snapshot() == holdings.snapshot()
    assert copy.balances("demo") == {"USDT": Decimal("9.5")}
