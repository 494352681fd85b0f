"""One input is carried to its end before the next; its order alone decides everything that follows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.core.actor import CoreActor, subscriptions
from actors.core.sequencer import ActorFailed, CoreSnapshot, Sequencer
from actors.messages.account import BalanceChanged
from actors.messages.base import Message
from actors.messages.control import DayClose, GoalDue, Scope, Started, TimeReached
from actors.messages.market import Bar, BookDelta, Quote, Trade
from actors.messages.orders import CancelRequest, Signal
from actors.model.ids import ClientOrderIds

T0 = 1_767_225_600_000_000_000
INSTRUMENT = "BTCUSDT@binance"


class Log(msgspec.Struct, array_like=True):
    lines: list[str]


class Recorder(CoreActor):
    """Writes down what it gets, and sends what a test has told it to."""

    state_type = Log

    def __init__(self, name: str = "recorder", log: list[str] | None = None) -> None:
        self.name = name
        self.log = [] if log is None else log
        self.answers: dict[str, list[Message]] = {}

    def note(self, message: Message) -> None:
        kind = type(message).__name__
        self.log.append(f"{self.name}:{kind}@{self.now - T0}")
        for answer in self.answers.get(kind, []):
            self.send(answer)

    def snapshot(self) -> Log:
        return Log(list(self.log))

    def restore(self, state: Log) -> None:
        self.log[:] = state.lines


class Reader(Recorder):
    def on_quote(self, quote: Quote) -> None:
        self.note(quote)

    def on_signal(self, signal: Signal) -> None:
        self.note(signal)

    def on_cancel_request(self, request: CancelRequest) -> None:
        self.note(request)

    def on_day_close(self, timer: DayClose) -> None:
        self.note(timer)

    def on_goal_due(self, timer: GoalDue) -> None:
        self.note(timer)


def a_quote(bid: float = 100.0, instrument: str = INSTRUMENT) -> Quote:
    return Quote(
        ts_event=T0, instrument=instrument, bid_price=bid, bid_size=1.0, ask_price=bid + 1, ask_size=1.0
    )


def a_signal() -> Signal:
    return Signal(ts_event=T0, strategy="s", instrument=INSTRUMENT, direction="long")


def a_cancel() -> CancelRequest:
    return CancelRequest(ts_event=T0, client_order_id="x", reason="test")


def a_sequencer(*actors: CoreActor, venues: tuple[CoreActor, ...] = ()) -> Sequencer:
    ids = ClientOrderIds(store_id="TEST", epoch=1)
    return Sequencer(actors=actors, venues=venues, ids=ids)


def test_subscriptions_are_read_from_annotations_unions_included() -> None:
    class Both(Recorder):
        def on_market(self, message: Quote | Trade) -> None: ...
        def on_balance(self, message: BalanceChanged) -> None: ...

    assert subscriptions(Both) == {
        Quote: "on_market", Trade: "on_market", BalanceChanged: "on_balance",
    }  # fmt: skip


def test_a_handler_that_takes_no_message_or_one_twice_is_refused() -> None:
    class Untyped(Recorder):
        def on_something(self, message: Any) -> None: ...

    class Twice(Recorder):
        def on_quote(self, message: Quote) -> None: ...
        def on_market(self, message: Quote | Trade) -> None: ...

    with pytest.raises(TypeError, match="exactly one annotated message"):
        subscriptions(Untyped)
    with pytest.raises(TypeError, match="two handlers for Quote"):
        subscriptions(Twice)


def test_messages_pass_one_fifo_in_the_order_of_the_graph() -> None:
    log: list[str] = []
    first, second = Reader("first", log), Reader("second", log)
    first.answers["Quote"] = [a_signal()]
    second.answers["Quote"] = [a_cancel()]
    sequencer = a_sequencer(first, second)
    sequencer.run(a_quote(), T0)
    assert [line.partition("@")[0] for line in log] == [
        "first:Quote", "second:Quote",
        "first:Signal", "second:Signal",
        "first:CancelRequest", "second:CancelRequest",
    ]  # fmt: skip
    assert sequencer.sent == [a_signal(), a_cancel()]


def test_a_message_is_delivered_only_after_the_handler_has_returned() -> None:
    class Impatient(Recorder):
        def on_quote(self, quote: Quote) -> None:
            self.send(a_signal())
            self.log.append("still in on_quote")

        def on_signal(self, signal: Signal) -> None:
            self.log.append("on_signal")

    actor = Impatient()
    a_sequencer(actor).run(a_quote(), T0)
    assert actor.log == ["still in on_quote", "on_signal"]


def test_a_venue_sees_market_data_before_the_board_and_before_the_others() -> None:
    seen: list[tuple[str, float | None]] = []

    class Venue(Recorder):
        def on_quote(self, quote: Quote) -> None:
            seen.append(("venue", self.market.mark_price(INSTRUMENT)))
            self.send(a_signal())

    class Strategy(Recorder):
        def on_quote(self, quote: Quote) -> None:
            seen.append(("strategy", self.market.mark_price(INSTRUMENT)))

        def on_signal(self, signal: Signal) -> None:
            seen.append(("report", self.market.mark_price(INSTRUMENT)))

    sequencer = a_sequencer(Strategy("strategy"), venues=(Venue("venue"),))
    sequencer.run(a_quote(100.0), T0)
    sequencer.run(a_quote(200.0), T0 + 1)
    assert seen == [
        ("venue", None), ("report", None), ("strategy", 100.5),
        ("venue", 100.5), ("report", 100.5), ("strategy", 200.5),
    ]  # fmt: skip


def test_market_data_that_an_actor_sends_reaches_board_and_readers_but_not_the_record() -> None:
    bar = Bar(
        ts_event=T0, instrument=INSTRUMENT, interval_ns=60, open=1.0, high=1.0, low=1.0, close=1.0, volume=0.0
    )

    class Bars(Recorder):
        def on_quote(self, quote: Quote) -> None:
            self.send(bar)

    class BarReader(Recorder):
        def on_bar(self, message: Bar) -> None:
            self.log.append("bar")
            assert self.market.bars[INSTRUMENT] is message

    reader = BarReader("reader")
    sequencer = a_sequencer(Bars("bars"), reader)
    sequencer.run(a_quote(), T0)
    assert reader.log == ["bar"]
    assert sequencer.sent == []


def test_timers_run_before_the_input_that_reaches_them_at_their_own_time() -> None:
    reader = Reader("r")
    sequencer = a_sequencer(reader)
    sequencer.run(a_quote(), T0)
    reader.set_timer(T0 + 20, GoalDue(ts_event=T0 + 20, scope=Scope()))
    reader.set_timer(T0 + 10, DayClose(ts_event=T0 + 10, strategy="s"))
    reader.answers["DayClose"] = [a_signal()]
    sequencer.run(a_quote(), T0 + 9)
    sequencer.run(a_quote(), T0 + 25)
    assert reader.log == [
        "r:Quote@0", "r:Quote@9", "r:DayClose@10", "r:Signal@10", "r:GoalDue@20", "r:Quote@25",
    ]  # fmt: skip


def test_a_timer_set_for_the_past_runs_in_the_next_step_and_time_never_goes_back() -> None:
    reader = Reader("r")
    sequencer = a_sequencer(reader)
    sequencer.run(a_quote(), T0 + 100)
    reader.set_timer(T0 + 50, DayClose(ts_event=T0 + 50, strategy="s"))
    sequencer.run(TimeReached(ts_event=T0), T0 + 90)
    assert reader.log == ["r:Quote@100", "r:DayClose@100"]
    assert (sequencer.now, sequencer.seq) == (T0 + 100, 2)


def test_a_timer_reaches_only_its_owner() -> None:
    log: list[str] = []
    a, b = Reader("a", log), Reader("b", log)
    sequencer = a_sequencer(a, b)
    sequencer.run(a_quote(), T0)
    log.clear()
    b.set_timer(T0 + 1, DayClose(ts_event=T0 + 1, strategy="s"))
    sequencer.run(TimeReached(ts_event=T0), T0 + 1)
    assert log == ["b:DayClose@1"]


def test_a_failing_actor_is_named_and_nothing_of_the_step_waits_on() -> None:
    class Failing(Recorder):
        def on_signal(self, signal: Signal) -> None:
            raise ValueError("broken")

    reader = Reader("reader")
    reader.answers["Quote"] = [a_signal(), a_cancel()]
    sequencer = a_sequencer(reader, Failing("failing"))
    with pytest.raises(ActorFailed, match="failing failed on Signal: ValueError") as caught:
        sequencer.run(a_quote(), T0)
    assert (caught.value.actor, caught.value.error_type) == ("failing", "ValueError")
    reader.log.clear()
    sequencer.run(TimeReached(ts_event=T0), T0 + 1)
    assert reader.log == []


def test_actors_need_different_names() -> None:
    with pytest.raises(ValueError, match="must differ"):
        a_sequencer(Reader("a"), Reader("a"))


def test_started_begins_a_new_life_of_order_ids() -> None:
    reader = Reader("r")
    sequencer = a_sequencer(reader)
    sequencer.run(Started(ts_event=T0, epoch=7), T0)
    assert reader.new_order_id() == "TTEST00070000001"
    assert reader.new_order_id() == "TTEST00070000002"


def test_books_are_kept_by_whoever_needs_them_not_by_the_board() -> None:
    delta = BookDelta(
        ts_event=T0, instrument=INSTRUMENT, first_update_id=1, last_update_id=1, bids=(), asks=()
    )
    sequencer = a_sequencer(Reader("r"))
    sequencer.run(delta, T0)
    assert sequencer.market.snapshot().latest == []


def test_the_age_of_a_price_counts_from_its_source() -> None:
    sequencer = a_sequencer(Reader("r"))
    assert sequencer.market.age_ns(INSTRUMENT, T0) is None
    sequencer.run(a_quote(), T0 + 500)
    assert sequencer.market.age_ns(INSTRUMENT, T0 + 700) == 700


def a_run(sequencer: Sequencer, reader: Reader, numbers: range) -> None:
    reader.answers["GoalDue"] = [a_signal()]
    for number in numbers:
        sequencer.run(a_quote(100.0 + number, f"I{number % 3}@x"), T0 + number * 10)
        if number % 4 == 0:
            reader.set_timer(sequencer.now + 25, GoalDue(ts_event=sequencer.now + 25, scope=Scope()))
        if number % 5 == 0:
            reader.cancel_timer(number // 4)
            reader.new_order_id()


def test_restored_after_any_input_it_goes_on_to_the_same_bytes() -> None:
    encode = msgspec.msgpack.encode
    straight = Reader("r")
    whole = a_sequencer(straight)
    a_run(whole, straight, range(1, 40))
    for k in range(1, 40):
        first = Reader("r")
        before = a_sequencer(first)
        a_run(before, first, range(1, k))
        snapshot = encode(before.snapshot())
        second = Reader("r")
        after = a_sequencer(second)
        after.restore(msgspec.msgpack.decode(snapshot, type=CoreSnapshot))
        assert encode(after.snapshot()) == snapshot
        a_run(after, second, range(k, 40))
        assert encode(after.snapshot()) == encode(whole.snapshot())
        assert second.log == straight.log
