from __future__ import annotations

import pytest

from actors import (
    Quote,
    UsageError,
)
from actors.messages.control import (
    OffLoopRequest,
    OffLoopResult,
    Scope,
    Stop,
    TimeReached,
)
from tests.strategies.listener import Listener, Trader, an_order, heard
from tests.strategies.stage import (
    ETH,
    SECOND,
    START,
    Stage,
    a_quote,
    a_spec,
    an_instrument,
    booked,
    filled,
)


class Clockwork(Listener):
    def on_start(self) -> None:
        self.ctx.set_timer("tick", every="10s")
        self.ctx.set_timer("once", after="15s")
        self.ctx.set_timer("never", after="15s")
        self.ctx.cancel_timer("never")


def at(second: int) -> TimeReached:
    return TimeReached(ts_event=START + second * SECOND)


def test_timers_run_once_or_periodically_and_can_be_cancelled() -> None:
    stage = Stage(a_spec(Clockwork))
    stage.start()
    stage.run(at(21))
    assert heard(stage) == ["timer tick 0s late", "timer once 0s late", "timer tick 0s late"]


def test_a_duration_in_broken_nanoseconds_is_refused() -> None:
    class Hasty(Listener):
        def on_start(self) -> None:
            with pytest.raises(UsageError, match=r"0\.2 is no duration: write"):
                self.ctx.set_timer("tick", every=0.2)  # type: ignore[arg-type]
            self.hear("refused")

    stage = Stage(a_spec(Hasty))
    stage.start()
    assert heard(stage) == ["refused"]


def test_timers_missed_while_asleep_come_late_and_a_periodic_one_once() -> None:
    stage = Stage(a_spec(Clockwork))
    stage.start()
    stage.state("paused")
    stage.run(at(55))
    assert heard(stage) == []
    stage.state("active", ts=START + 56 * SECOND)
    assert sorted(heard(stage)) == ["timer once 41s late", "timer tick 6s late"]
    stage.run(at(60))
    assert heard(stage) == ["timer tick 0s late"]


def test_a_timer_overdue_after_an_outage_does_not_catch_up_period_by_period() -> None:
    stage = Stage(a_spec(Clockwork))
    stage.start()
    again = Stage(a_spec(Clockwork))
    again.restore(stage.snapshot())
    again.sequencer.now = START + 1000 * SECOND
    again.run(at(1000))
    assert heard(again) == ["timer tick 990s late", "timer once 985s late"]
    again.run(at(1010))
    assert heard(again) == ["timer tick 0s late"]


def test_the_end_of_a_trading_day_is_told_once_for_each_close() -> None:
    hours = an_instrument(ETH, calendar="new-york-0930-1600-without-holidays")
    stage = Stage(a_spec(Listener, instruments=(ETH,)), instruments={ETH: hours})
    stage.start()
    day = 86_400 * SECOND
    stage.run(TimeReached(ts_event=START + 2 * day))
    closes = [int(call.split()[1]) for call in heard(stage) if call.startswith("day")]
    assert [close % day // (3600 * SECOND) for close in closes] == [21, 21]
    assert closes[1] - closes[0] == day


def slow(number: int) -> int:
    return number * 2


class Thinker(Listener):
    def on_quote(self, quote: Quote) -> None:
        self.ctx.run_off_loop(slow, 21)


def test_slow_work_is_asked_for_and_its_answer_comes_back() -> None:
    stage = Stage(a_spec(Thinker))
    stage.start()
    [request] = stage.run(a_quote(1, 1))
    assert isinstance(request, OffLoopRequest)
    assert (request.request_id, request.function) == (1, f"{__name__}:slow")
    assert request.arguments == b"\x91\x15"
    answer = OffLoopResult(ts_event=START, request_id=1, strategy="one", value=b"\x2a", error=None)
    stage.run(answer)
    stage.run(answer)
    assert heard(stage) == ["start", "result 42 None"]


def test_slow_work_is_lost_with_the_process_that_asked_for_it() -> None:
    stage = Stage(a_spec(Thinker))
    stage.start()
    stage.run(a_quote(1, 1))
    again = Stage(a_spec(Thinker))
    again.restore(stage.snapshot())
    again.start()
    assert heard(again) == ["start", "result None LOST"]


def test_a_lambda_cannot_run_off_the_loop() -> None:
    stage = Stage(a_spec(Thinker))
    stage.start()
    with pytest.raises(UsageError, match="needs a function at the top level of a module"):
        stage.strategy().ctx.run_off_loop(lambda: 1)
    with pytest.raises(UsageError, match="an argument cannot be encoded"):
        stage.strategy().ctx.run_off_loop(slow, object())


def test_on_stop_is_the_last_word_about_the_market_but_fills_are_still_told() -> None:
    stage = Stage(a_spec(Trader))
    stage.start()
    request = an_order(stage)
    stage.run(Stop(ts_event=START, scope=Scope(), command_id="c", by="signal", cancel_orders=True))
    assert stage.run(a_quote(2, 100)) == []
    stage.run(filled(request, "0.5", "0"))
    stage.run(booked(request.terms.client_order_id, "0.5", "0.5"))
    assert heard(stage) == ["start", "stop", "fill 0.5 at position 0.5"]
