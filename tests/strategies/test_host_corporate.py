"""What strategies see of splits and dividends: history as traded, or in today's shares on request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from actors.indicators.averages import SMA
from actors.messages.clearing import ContractsChanged
from actors.messages.market import Bar, CorporateAction
from tests.strategies.listener import Listener, heard
from tests.strategies.stage import BTC, MINUTE, START, Stage, a_bar, a_quote, a_spec, an_instrument

D = Decimal


def an_action(minute: float, **changes: Any) -> CorporateAction:
    return CorporateAction(ts_event=START + int(minute * MINUTE), instrument=BTC, action_id="1", **changes)


class Traded(Listener):
    def on_setup(self) -> None:
        self.average = self.ctx.indicator(SMA(3))

    def on_bar(self, bar: Bar) -> None:
        self.hear(f"{self.average.value:g}")

    def on_corporate_action(self, action: CorporateAction) -> None:
        closes = " ".join(f"{bar.close:g}" for bar in self.ctx.bars(3))
        self.hear(f"action {closes} | {self.average.value:g}")


class Adjusted(Traded):
    adjusts_history = True


def after_a_split(strategy: type[Traded]) -> Stage:
    stage = Stage(a_spec(strategy))
    stage.start()
    for minute, close in enumerate((80.0, 90.0, 100.0), 1):
        stage.run(a_bar(minute, close))
    stage.run(an_action(3.5, shares_after=D(2)))
    stage.run(a_bar(4, 51.0))
    return stage


def test_history_stays_as_it_was_traded_unless_asked_otherwise() -> None:
    assert heard(after_a_split(Traded)) == [
        "start",
        "90",
        "action 80 90 100 | 90",
        f"{(90 + 100 + 51) / 3:g}",
    ]


def test_history_and_indicators_are_in_todays_shares_on_request() -> None:
    stage = after_a_split(Adjusted)
    assert heard(stage) == ["start", "90", "action 40 45 50 | 45", f"{(45 + 50 + 51) / 3:g}"]
    again = Stage(a_spec(Adjusted))
    again.restore(stage.snapshot())
    assert again.snapshot() == stage.snapshot()
    assert stage.run(a_bar(5, 52.0)) == again.run(a_bar(5, 52.0))
    assert again.snapshot() == stage.snapshot()


def test_a_dividend_keeps_the_returns_of_the_history() -> None:
    stage = Stage(a_spec(Adjusted))
    stage.start()
    for minute, close in enumerate((50.0, 80.0, 100.0), 1):
        stage.run(a_bar(minute, close))
    stage.run(an_action(3.5, dividend=D(10)))
    assert heard(stage)[-1] == "action 45 72 90 | 69"


def test_equity_counts_what_open_contracts_have_gained() -> None:
    future = an_instrument(BTC, kind="perpetual", multiplier=D("0.1"))
    stage = Stage(a_spec(Listener), instruments={BTC: future})
    stage.start()
    stage.run(a_quote(1, 110))
    stage.run(ContractsChanged(ts_event=START, account="paper", instrument=BTC, quantity=D(-5), cost=D(-500)))
    assert stage.strategy().ctx.equity == -5.0
