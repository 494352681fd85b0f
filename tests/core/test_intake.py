"""Waiting inputs: order by class, conflation under lag, nothing lost that must not be."""

from __future__ import annotations

from random import Random

from actors.core.intake import WaitingInputs, merge_deltas
from actors.messages.control import TimeReached
from actors.messages.market import BookDelta, BookSnapshot, Level, Quote, Trade


def a_quote(bid: float, instrument: str = "BTCUSDT@binance") -> Quote:
    return Quote(
        instrument=instrument, ts_event=1, bid_price=bid, bid_size=1.0, ask_price=bid + 1, ask_size=1.0
    )


def a_trade(number: int) -> Trade:
    return Trade(
        instrument="BTCUSDT@binance", ts_event=1, trade_id=str(number), price=1.0, size=1.0, aggressor="buy"
    )


def a_delta(first: int, last: int, *bids: Level) -> BookDelta:
    return BookDelta(
        instrument="BTCUSDT@binance",
        ts_event=last,
        first_update_id=first,
        last_update_id=last,
        bids=bids,
        asks=(),
    )


def drained(waiting: WaitingInputs) -> list[object]:
    taken: list[object] = []
    while (message := waiting.take()) is not None:
        taken.append(message)
    return taken


def test_control_overtakes_market_data_and_each_class_keeps_its_order() -> None:
    waiting = WaitingInputs()
    first, second = TimeReached(ts_event=1), TimeReached(ts_event=2)
    trades = [a_trade(1), a_trade(2)]
    for message in (trades[0], first, trades[1], second):
        waiting.put(message)
    assert drained(waiting) == [first, second, *trades]


def test_quotes_are_kept_one_by_one_while_the_core_keeps_up() -> None:
    waiting = WaitingInputs(lag_min=10)
    quotes = [a_quote(float(i)) for i in range(5)]
    for quote in quotes:
        waiting.put(quote)
    assert drained(waiting) == quotes
    assert waiting.conflated == 0


def test_under_lag_a_quote_shrinks_to_the_newest_of_its_instrument_only() -> None:
    waiting = WaitingInputs(lag_min=0)
    for quote in (a_quote(1.0), a_quote(7.0, "ETHUSDT@binance"), a_quote(2.0), a_quote(3.0)):
        waiting.put(quote)
    assert drained(waiting) == [a_quote(3.0), a_quote(7.0, "ETHUSDT@binance")]
    assert waiting.conflated == 2


def test_trades_are_never_dropped_however_far_the_core_lags() -> None:
    waiting = WaitingInputs(lag_min=0)
    trades = [a_trade(i) for i in range(1000)]
    for trade in trades:
        waiting.put(trade)
    assert drained(waiting) == trades


def test_a_quote_that_was_taken_is_not_overwritten_by_the_next() -> None:
    waiting = WaitingInputs(lag_min=0)
    waiting.put(a_quote(1.0))
    assert waiting.take() == a_quote(1.0)
    waiting.put(a_quote(2.0))
    assert drained(waiting) == [a_quote(2.0)]


def test_merged_deltas_do_what_the_single_ones_did_in_turn() -> None:
    random = Random(4)
    for _ in range(200):
        deltas = [
            a_delta(i, i, *((float(random.randrange(5)), float(random.randrange(3))) for _ in range(4)))
            for i in range(6)
        ]
        one_by_one: dict[float, float] = {}
        for delta in deltas:
            one_by_one.update(delta.bids)
        merged = deltas[0]
        for delta in deltas[1:]:
            merged = merge_deltas(merged, delta)
        assert dict(merged.bids) == one_by_one
        assert (merged.first_update_id, merged.last_update_id) == (0, 5)


def test_a_fresh_snapshot_drops_the_delta_that_waits_when_the_core_lags() -> None:
    waiting = WaitingInputs(lag_min=0)
    snapshot = BookSnapshot(instrument="BTCUSDT@binance", ts_event=9, update_id=9, bids=(), asks=())
    for message in (a_delta(1, 1, (1.0, 1.0)), a_delta(2, 2, (2.0, 1.0)), snapshot, a_delta(10, 10)):
        waiting.put(message)
    assert drained(waiting) == [snapshot, a_delta(10, 10)]
    assert waiting.conflated == 2
