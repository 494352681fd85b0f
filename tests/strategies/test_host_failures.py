from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import pytest

from actors import (
    ConfigError,
    Quote,
    Strategy,
)
from actors.messages.control import (
    StrategyFailed,
)
from actors.messages.orders import (
    OrderRequest,
    Signal,
)
from tests.strategies.listener import Listener, Trader, heard
from tests.strategies.stage import (
    Stage,
    a_host,
    a_quote,
    a_spec,
)

MINUTE = 60_000_000_000


class Fragile(Listener):
    def on_quote(self, quote: Quote) -> None:
        self.ctx.market("buy", Decimal(1))
        self.ctx.long()
        self.ctx.set_timer("soon", after="1s")
        if quote.bid_price > 50:
            raise RuntimeError("too dear")


def test_a_raising_strategy_is_undone_and_the_others_trade_on() -> None:
    failures: list[tuple[StrategyFailed, str]] = []
    stage = Stage(
        a_spec(Trader, "before"), a_spec(Fragile), a_spec(Trader, "after"),
        on_failure=lambda failed, text: failures.append((failed, text)),
    )  # fmt: skip
    stage.start()
    before = len(stage.sequencer.timers)
    sent = stage.run(a_quote(1, 100))
    assert [type(message).__name__ for message in sent] == ["OrderRequest", "StrategyFailed", "OrderRequest"]
    [failed] = [message for message in sent if isinstance(message, StrategyFailed)]
    assert (failed.strategy, failed.handler, failed.error) == ("one", "on_quote", "RuntimeError")
    assert failed.file == "test_host_failures.py"
    assert failed.line == Fragile.on_quote.__code__.co_firstlineno + 5
    [(told, text)] = failures
    assert told is failed
    assert "RuntimeError: too dear" in text
    assert stage.strategy().ctx.open_orders() == ()
    assert len(stage.sequencer.timers) == before
    sent = stage.run(a_quote(5, 40))
    assert [message.terms.strategy for message in sent if isinstance(message, OrderRequest)] == [
        "before",
        "after",
    ]
    assert "timer soon" not in " ".join(heard(stage))


class Greedy(Listener):
    def on_quote(self, quote: Quote) -> None:
        self.ctx.bars(10_000, timeframe="1m")


def test_an_error_inside_the_api_is_told_with_the_strategys_own_line() -> None:
    """Also where its file was given by another path than the module knows."""
    module = sys.modules[__name__]
    path = module.__file__
    stage = Stage(a_spec(Greedy, timeframes=(MINUTE,)))
    stage.start()
    try:
        module.__file__ = "elsewhere.py"
        [failed] = [each for each in stage.run(a_quote(1, 100)) if isinstance(each, StrategyFailed)]
    finally:
        module.__file__ = path
    assert (failed.error, failed.file) == ("UsageError", "test_host_failures.py")
    assert failed.line == Greedy.on_quote.__code__.co_firstlineno + 1


def test_a_failed_strategy_sleeps_until_it_is_resumed() -> None:
    stage = Stage(a_spec(Fragile))
    stage.start()
    stage.run(a_quote(1, 100))
    stage.state("paused", account="paper", strategy="one")
    assert stage.run(a_quote(2, 40)) == []
    stage.state("active", account="paper", strategy="one")
    assert [type(message) for message in stage.run(a_quote(3, 40))] == [OrderRequest, Signal]
    stage.run(a_quote(4.5, 40))
    assert heard(stage)[-1] == "timer soon 0s late"


def test_a_halt_on_top_of_a_failure_does_not_wake_the_strategy() -> None:
    stage = Stage(a_spec(Fragile))
    stage.start()
    stage.run(a_quote(1, 100))
    for state in ("paused", "halted", "paused"):
        stage.state(state, account="paper", strategy="one")
        assert stage.run(a_quote(2, 40)) == []
    again = Stage(a_spec(Fragile))
    again.restore(stage.snapshot())
    assert again.run(a_quote(3, 40)) == []
    again.state("reduce_only", account="paper", strategy="one")
    assert len(again.run(a_quote(4, 40))) == 2


def test_a_strategy_that_fails_in_on_start_starts_again_when_resumed() -> None:
    class Stillborn(Listener):
        def on_start(self) -> None:
            super().on_start()
            if len(self.state.calls) == 1:
                raise KeyError("first")

    stage = Stage(a_spec(Stillborn))
    assert [type(message) for message in stage.start()] == [StrategyFailed]
    stage.run(a_quote(1, 1))
    stage.state("active", account="paper", strategy="one")
    stage.run(a_quote(2, 1))
    assert heard(stage) == ["start", "start", "quote 1"]


def test_setting_an_undeclared_attribute_is_an_error_that_says_where_it_belongs() -> None:
    class Forgetful(Listener):
        def on_quote(self, quote: Quote) -> None:
            self.count = 1

    texts: list[str] = []
    stage = Stage(a_spec(Forgetful), on_failure=lambda failed, text: texts.append(text))
    stage.start()
    stage.run(a_quote(1, 1))
    assert "Forgetful.count cannot be set here: what changes belongs into `state`" in texts[0]


def test_an_attribute_that_could_change_unseen_is_refused() -> None:
    class Sly(Strategy):
        def on_setup(self) -> None:
            self.seen: list[float] = []

    with pytest.raises(ConfigError, match=r"Sly\.seen is a list, which no checkpoint would keep"):
        a_host(a_spec(Sly))


def test_an_error_in_on_setup_names_the_strategy() -> None:
    class Wrong(Strategy):
        def on_setup(self) -> None:
            raise ValueError("fast must be below slow")

    with pytest.raises(ConfigError, match="strategy one: fast must be below slow"):
        a_host(a_spec(Wrong))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"account": "live"}, "uses unknown account 'live'; known: paper"),
        ({"instruments": ()}, "has no instruments"),
        ({"instruments": ("X@y",)}, "trades unknown instrument 'X@y'"),
        ({"parameters": {"fats": 3}}, "has no parameter 'fats'"),
    ],
)
def test_a_wrong_specification_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        a_host(a_spec(Listener, **changes))


def test_a_name_can_be_used_once() -> None:
    with pytest.raises(ConfigError, match="two strategies are named one"):
        a_host(a_spec(Listener), a_spec(Listener))
