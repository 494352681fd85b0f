from __future__ import annotations

from actors.messages.control import Started
from tests.bars.stage import (
    SECOND,
    START,
    Stage,
    history_done,
    line,
    minute_bar,
    of_trades,
    trade,
)


def test_a_bar_that_touches_a_gap_is_not_given_out() -> None:
    stage = Stage(of_trades())
    stage.run(trade(10))
    stage.run(line(20, "down"))
    stage.run(line(130, "live"))
    for second in (140, 190, 250):
        stage.run(trade(second))
    assert stage.ends() == [240]
    assert stage.actor.counts().incomplete == 2


def test_a_restart_in_the_middle_of_a_bar_spoils_it() -> None:
    stage = Stage(of_trades())
    stage.run(Started(ts_event=START, epoch=1))
    stage.run(trade(10))
    stage.run(Started(ts_event=START + 20 * SECOND, epoch=2))
    for second in (30, 70, 130):
        stage.run(trade(second))
    assert stage.ends() == [120]
    assert stage.actor.counts().incomplete == 1


def test_live_bars_wait_for_missed_ones_and_each_comes_once_and_in_order() -> None:
    stage = Stage(of_trades(needs_backfill=True), backfill_deadline_ns=300 * SECOND)
    stage.run(Started(ts_event=START, epoch=1))
    stage.run(line(90, "live"))
    for second in (100, 130, 190, 250):
        stage.run(trade(second))
    assert stage.ends() == []
    stage.run(minute_bar(1), ts_init=START + 250 * SECOND)
    stage.run(history_done(1), ts_init=START + 250 * SECOND)
    assert stage.ends() == [60]  # the bar in which the line came up is still missing
    stage.run(minute_bar(2), ts_init=START + 251 * SECOND)
    stage.run(history_done(2), ts_init=START + 251 * SECOND)
    assert stage.ends() == [120, 180, 240]
    stage.wait(300.25)
    assert stage.ends() == [300]


def test_history_that_overlaps_live_bars_replaces_them() -> None:
    stage = Stage(of_trades(needs_backfill=True), backfill_deadline_ns=300 * SECOND)
    stage.run(line(0, "live"))
    for second in (10, 70, 130):
        stage.run(trade(second))
    for minute in (1, 2):
        stage.run(minute_bar(minute, 500), ts_init=START + 131 * SECOND)
    stage.run(history_done(2), ts_init=START + 131 * SECOND)
    stage.wait(180.25)
    assert [bar.close for bar in stage.take()] == [500, 500, 100]


def test_history_that_never_comes_holds_bars_back_only_for_a_while() -> None:
    stage = Stage(of_trades(needs_backfill=True))
    stage.run(line(0, "live"))
    for second in (10, 70):
        stage.run(trade(second))
    stage.wait(120.249)
    assert stage.ends() == []
    stage.wait(120.25)
    assert stage.ends() == [60, 120]
