from __future__ import annotations

from decimal import Decimal

import pytest

from actors import (
    ATR,
    EMA,
    SMA,
    Bar,
    Quote,
    Strategy,
    Trade,
    UsageError,
)
from actors.messages.account import BalanceChanged
from actors.messages.control import (
    BackfillDone,
)
from tests.strategies.listener import Listener, heard
from tests.strategies.stage import (
    BTC,
    ETH,
    MINUTE,
    START,
    Stage,
    a_bar,
    a_host,
    a_quote,
    a_spec,
)


def test_a_strategy_hears_nothing_before_its_account_is_active() -> None:
    stage = Stage(a_spec(Listener))
    stage.run(a_quote(0, 100))
    stage.start("reconciling")
    stage.run(a_quote(1, 100))
    stage.run(a_bar(1, 100))
    assert heard(stage) == []
    stage.state("active")
    stage.run(a_quote(61, 101))
    assert heard(stage) == ["start", "quote 101"]


def test_a_strategy_starts_only_when_its_history_is_complete() -> None:
    stage = Stage(a_spec(Listener, timeframes=(MINUTE, 5 * MINUTE)), needs_backfill=[(BTC, MINUTE)])
    stage.start()
    stage.run(a_bar(1, 100))
    assert heard(stage) == []
    assert [bar.close for bar in stage.strategy().ctx.bars(5)] == [100]
    stage.run(
        BackfillDone(ts_event=START + MINUTE, instrument=BTC, interval_ns=MINUTE, last_end=START + MINUTE)
    )
    stage.run(a_bar(2, 101))
    assert heard(stage) == ["start", "bar 101"]


def test_reduce_only_does_not_start_a_strategy_but_leaves_a_started_one_awake() -> None:
    stage = Stage(a_spec(Listener))
    stage.start("reduce_only")
    assert heard(stage) == []
    stage.state("active")
    stage.state("reduce_only")
    stage.run(a_quote(1, 100))
    assert heard(stage) == ["start", "quote 100"]


def test_on_start_comes_once_even_over_a_restart() -> None:
    stage = Stage(a_spec(Listener))
    stage.start()
    again = Stage(a_spec(Listener))
    again.restore(stage.snapshot())
    again.start()
    assert heard(again) == ["start"]


class Averages(Listener):
    def on_setup(self) -> None:
        self.average = self.ctx.indicator(SMA(3))
        self.range = self.ctx.indicator(ATR(2))
        self.mid = self.ctx.indicator(EMA(2), source="quotes")

    def on_bar(self, bar: Bar) -> None:
        self.hear(f"bar {self.average.value:g} {self.range.value:g}")


def test_indicators_are_fed_before_the_handler_and_also_while_the_strategy_sleeps() -> None:
    stage = Stage(a_spec(Averages))
    stage.start("starting")
    stage.run(a_quote(0, 100))
    stage.run(a_quote(1, 100))
    stage.run(a_bar(1, 1))
    stage.run(a_bar(2, 2))
    stage.state("active")
    stage.run(a_bar(3, 3))
    stage.state("paused", account="paper", strategy="one")
    stage.run(a_bar(4, 4))
    stage.state("active", account="paper", strategy="one")
    stage.run(a_bar(5, 5))
    assert heard(stage) == ["start", "bar 2 2", "bar 4 2"]


def test_market_handlers_wait_for_warm_indicators_but_only_of_their_instrument() -> None:
    class Two(Listener):
        def on_setup(self) -> None:
            self.average = self.ctx.indicator(SMA(2), BTC)

    stage = Stage(a_spec(Two, instruments=(BTC, ETH)))
    stage.start()
    stage.run(a_bar(1, 10))
    stage.run(a_bar(1, 20, ETH))
    stage.run(a_quote(61, 10))
    stage.run(a_bar(2, 11))
    stage.run(a_quote(121, 10))
    assert heard(stage) == ["start", "bar 20", "bar 11", "quote 10"]


def test_each_bar_is_heard_once_and_in_order() -> None:
    stage = Stage(a_spec(Listener))
    stage.start()
    for bar in (a_bar(1, 1), a_bar(1, 1), a_bar(3, 3), a_bar(2, 2), a_bar(5, 9, interval_ns=5 * MINUTE)):
        stage.run(bar)
    assert heard(stage) == ["start", "bar 1", "bar 3"]


def test_bars_that_come_an_interval_late_feed_indicators_and_nothing_else() -> None:
    stage = Stage(a_spec(Averages))
    stage.start()
    for second in (0, 1):
        stage.run(a_quote(second, 100))
    for minute in (1, 2, 3, 4):
        stage.run(a_bar(minute, minute), ts=START + 4 * MINUTE)
    stage.run(a_bar(5, 5))
    assert heard(stage) == ["start", "bar 3 2", "bar 4 2"]


def test_bars_are_kept_per_timeframe_and_no_more_than_declared() -> None:
    class Short(Listener):
        history = 2

    stage = Stage(a_spec(Short, timeframes=(MINUTE, 5 * MINUTE)))
    stage.start()
    for minute in range(1, 6):
        stage.run(a_bar(minute, minute))
    stage.run(a_bar(5, 50, interval_ns=5 * MINUTE))
    ctx = stage.strategy().ctx
    assert [bar.close for bar in ctx.bars(2)] == [4, 5]
    assert [bar.close for bar in ctx.bars(1, timeframe="5m")] == [50]
    with pytest.raises(UsageError, match="only 2 are kept: raise `history`"):
        ctx.bars(3)
    with pytest.raises(UsageError, match="gets no 1h bars; its timeframes: 1m, 5m"):
        ctx.bars(1, timeframe="1h")


def test_the_host_says_how_much_history_is_wanted() -> None:
    class Long(Strategy):
        history = 10

        def on_setup(self) -> None:
            self.ctx.indicator(SMA(25), timeframe="5m")

    host = a_host(a_spec(Long, timeframes=(MINUTE, 5 * MINUTE)), a_spec(Listener, "two"))
    assert host.warm_up_bars() == {(BTC, MINUTE): 100, (BTC, 5 * MINUTE): 25}


def test_only_strategies_that_want_quotes_are_routed_quotes() -> None:
    class Silent(Strategy):
        def on_bar(self, bar: Bar) -> None: ...

    host = a_host(a_spec(Silent), a_spec(Averages, "two"), a_spec(Listener, "three", instruments=(ETH,)))
    assert len(host.market_handlers(Quote, BTC)) == 1
    assert len(host.market_handlers(Quote, ETH)) == 1
    assert len(host.market_handlers(Bar, BTC)) == 2
    assert len(host.market_handlers(Trade, "XRPUSDT@binance")) == 0


def test_cash_and_equity_are_those_of_the_account_in_its_currency() -> None:
    stage = Stage(a_spec(Listener))
    stage.start()
    for asset, total in (("USDT", "1000"), ("BTC", "0.5"), ("XYZ", "7")):
        stage.run(BalanceChanged(ts_event=START, account="paper", asset=asset, total=Decimal(total)))
    stage.run(a_quote(1, 200))
    ctx = stage.strategy().ctx
    assert ctx.cash == Decimal(1000)
    assert ctx.equity == pytest.approx(1100.0, abs=1e-9)
    assert ctx.balance("BTC") == Decimal("0.5")


def test_an_instrument_must_be_named_when_there_are_several() -> None:
    stage = Stage(a_spec(Listener, instruments=(BTC, ETH)))
    stage.start()
    ctx = stage.strategy().ctx
    with pytest.raises(UsageError, match="has several instruments: name one of"):
        ctx.long()
    with pytest.raises(UsageError, match="one does not trade X@y"):
        ctx.position("X@y")
