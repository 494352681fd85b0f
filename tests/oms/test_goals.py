from __future__ import annotations

from actors.messages.control import (
    BrokerStarted,
    CancelAll,
    CommandDone,
    Flatten,
    GoalMet,
    Scope,
    Started,
    StateChanged,
    Stop,
    TradingState,
)
from actors.messages.orders import OrderIntent
from tests.oms.bench import (
    ID,
    START,
    Bench,
    D,
    accept,
    an_instrument,
    approved,
    approved_replace,
    cancelled,
    evidence,
    expired,
    fill,
    names,
    only,
    position,
    rejected,
    status,
    unsure,
)

BTC = "BTCUSDT@test"


def flatten(**scope: str) -> Flatten:
    return Flatten(ts_event=START, scope=Scope(**scope), command_id="1", by="test")


def cancel_all(**scope: str) -> CancelAll:
    return CancelAll(ts_event=START, scope=Scope(**scope), command_id="1", by="test")


def intents(bench: Bench) -> list[OrderIntent]:
    """What a flatten goal wants closed at its next drive."""
    return only(bench.wait(0), OrderIntent)


def approve(bench: Bench, intent: OrderIntent, venue_order_id: str = "v2") -> str:
    """Risk and the venue take a closing order."""
    terms = intent.terms
    client_order_id = terms.client_order_id
    fields = {name: getattr(terms, name) for name in terms.__struct_fields__ if name != "client_order_id"}
    bench.feed(
        approved(client_order_id, **fields),
        accept(client_order_id=client_order_id, venue_order_id=venue_order_id, instrument=terms.instrument),
    )
    return client_order_id


def test_flatten_cancels_then_closes_each_strategys_position_and_is_met_when_flat() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), position(7, net=10), position(3, net=10, strategy="beta"))
    cancel, done = bench.feed(flatten())
    assert names([cancel, done]) == ["CancelOrder", "CommandDone"]
    assert isinstance(done, CommandDone)
    assert done.text == "flatten goal on all stands: 1 orders to cancel, 2 positions to close"
    assert intents(bench) == []
    bench.feed(cancelled())
    first, second = intents(bench)
    assert [(i.terms.strategy, i.terms.side, i.terms.quantity) for i in (first, second)] == [
        ("alpha", "sell", D(7)), ("beta", "sell", D(3)),
    ]  # fmt: skip
    assert all(i.terms.reduce_only and i.terms.order_type == "market" for i in (first, second))
    for number, intent in enumerate((first, second)):
        name = approve(bench, intent, f"c{number}")
        bench.feed(
            fill("1", intent.terms.quantity, client_order_id=name, venue_order_id=f"c{number}", side="sell")
        )
    bench.feed(position(0, net=3), position(0, net=0, strategy="beta"))
    assert bench.wait(0) == [GoalMet(ts_event=bench.now, scope=Scope(), goal="flatten")]
    assert bench.wait(600) == []


def test_a_closing_order_under_way_is_not_sent_twice() -> None:
    bench = Bench()
    bench.feed(position(10), flatten())
    (intent,) = intents(bench)
    approve(bench, intent)
    assert only(bench.wait(600), OrderIntent) == []


def test_flatten_with_an_unknown_reduction_in_the_way_waits_and_closes_after() -> None:
    bench = Bench()
    bench.feed(position(10), approved(side="sell"), unsure(), flatten())
    assert intents(bench) == []
    bench.wait(0.25)
    bench.feed(status("accepted"), cancelled())
    (intent,) = intents(bench)
    assert intent.terms.quantity == D(10)


def test_flatten_closes_at_once_what_no_unknown_reduction_could_take() -> None:
    bench = Bench()
    bench.feed(position(10), approved(side="sell", quantity=D(4)), unsure(), flatten())
    (intent,) = intents(bench)
    assert intent.terms.quantity == D(6)


def test_flatten_never_turns_the_accounts_position() -> None:
    bench = Bench()
    bench.feed(position(10, net=6), position(-4, net=6, strategy="beta"), flatten())
    (intent,) = intents(bench)
    assert (intent.terms.strategy, intent.terms.quantity) == ("alpha", D(6))


def test_flatten_is_met_when_what_is_left_is_too_small_to_trade() -> None:
    bench = Bench(instruments={BTC: an_instrument(lot_size=D("0.1"), quantity_min=D("0.5"))})
    bench.feed(position("0.49"), flatten())
    assert names(bench.wait(0)) == ["GoalMet"]


def test_flatten_sends_what_the_venue_takes_at_once_and_the_rest_later() -> None:
    bench = Bench(instruments={BTC: an_instrument(quantity_max=D("4"))})
    bench.feed(position(10), flatten())
    (intent,) = intents(bench)
    assert intent.terms.quantity == D(4)


def test_a_refused_closing_order_backs_off() -> None:
    bench = Bench()
    bench.feed(position(10), flatten())
    moments: list[int] = []
    start = bench.now
    for _ in range(100):
        if intents(bench):
            moments.append((bench.now - start) // 1_000_000_000)
        bench.wait(0)
        bench.now += 1_000_000_000
    assert moments == [0, 1, 3, 7, 15, 31, 63]


def test_a_rejected_closing_order_backs_off_too() -> None:
    bench = Bench()
    bench.feed(position(10), flatten())
    (intent,) = intents(bench)
    name = approve(bench, intent)
    bench.feed(expired(client_order_id=name, venue_order_id="v2"))
    assert intents(bench) == []
    assert len(only(bench.wait(1), OrderIntent)) == 1


def test_flatten_leaves_other_scopes_alone() -> None:
    bench = Bench()
    bench.feed(approved(strategy="beta"), accept(), position(5, strategy="beta"))
    assert names(bench.feed(flatten(strategy="alpha"))) == ["CommandDone"]
    assert names(bench.wait(0)) == ["GoalMet"]


def test_cancel_all_is_met_when_every_order_of_then_is_closed() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    assert names(bench.feed(cancel_all())) == ["CancelOrder", "CommandDone"]
    bench.feed(approved("T00000001000000B"))
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]
    assert bench.wait(0) == [GoalMet(ts_event=bench.now, scope=Scope(), goal="cancel")]


def test_what_is_halted_has_nothing_resting_and_what_is_not_keeps_its_orders() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    states: tuple[TradingState, ...] = ("reduce_only", "paused", "active")
    for state in states:
        assert (
            names(bench.feed(StateChanged(ts_event=START, scope=Scope(), state=state, reason="test"))) == []
        )
    elsewhere = StateChanged(ts_event=START, scope=Scope(account="other"), state="halted", reason="test")
    assert names([*bench.feed(elsewhere), *bench.wait(0)]) == ["GoalMet"], "nothing rests there"
    halted = StateChanged(ts_event=START, scope=Scope(), state="halted", reason="test")
    assert names(bench.feed(halted)) == ["CancelOrder"]


def test_cancel_all_asks_about_an_unknown_order_first() -> None:
    bench = Bench()
    bench.feed(approved(), unsure())
    assert names(bench.feed(cancel_all())) == ["CommandDone"]
    assert names(bench.wait(0.25)) == ["QueryOrder"]
    assert names(bench.feed(status("accepted"))) == ["OrderAccepted", "CancelOrder"]


def test_cancel_all_repeats_a_refused_cancel_after_a_pause() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), cancel_all())
    bench.wait(0)
    bench.feed(rejected("cancel"))
    assert "CancelOrder" in names(bench.wait(2))


def test_cancel_all_takes_the_second_half_of_a_replace_back() -> None:
    bench = Bench()
    bench.feed(approved(), accept(), approved_replace())
    assert names(bench.feed(cancel_all())) == ["CommandRefused", "CommandDone"]
    assert names(bench.feed(cancelled())) == ["OrderCancelled"]


def test_a_goal_survives_a_restart_and_waits_until_the_account_is_reconciled() -> None:
    bench = Bench()
    bench.feed(position(10), flatten())
    bench.restart()
    bench.feed(Started(ts_event=START, epoch=2))
    assert only(bench.wait(10), OrderIntent) == []
    bench.feed(BrokerStarted(ts_event=START, account="acc"))
    assert only(bench.wait(10), OrderIntent) == []
    bench.feed(evidence(bench.sequencer.seq))
    assert len(intents(bench)) == 1


def test_stop_cancels_everything_or_keeps_it() -> None:
    bench = Bench()
    bench.feed(approved(), accept())
    keep = Stop(ts_event=START, scope=Scope(), command_id="1", by="test", cancel_orders=False)
    (done,) = bench.feed(keep)
    assert isinstance(done, CommandDone)
    assert done.text == "stopping; 1 open orders are kept"
    stop = Stop(ts_event=START, scope=Scope(), command_id="2", by="test", cancel_orders=True)
    assert names(bench.feed(stop)) == ["CancelOrder", "CommandDone"]
    assert bench.state(ID) == "pending_cancel"


def test_a_goal_on_an_account_that_does_not_exist_is_refused() -> None:
    (done,) = Bench().feed(flatten(account="x"))
    assert isinstance(done, CommandDone)
    assert not done.accepted


def test_a_cancel_wished_for_without_a_line_leaves_once_an_order_in_question_is_found() -> None:
    bench = Bench()
    bench.feed(BrokerStarted(ts_event=START, account="acc"), approved(), accept(), cancel_all())
    bench.feed(rejected("cancel", code="TOO_MANY_REQUESTS"))  # the order is asked about
    bench.restart()
    bench.feed(Started(ts_event=START, epoch=2))
    bench.wait(1)  # the goal wants it cancelled again, and there is no line
    bench.feed(BrokerStarted(ts_event=START, account="acc"))
    bench.wait(1)
    assert "CancelOrder" in names(bench.feed(status("accepted")))
