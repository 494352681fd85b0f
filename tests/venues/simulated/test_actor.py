"""The simulated venue as a core actor: travelling commands, reports, statements, and restarts."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, ClockMeasured, Started
from actors.messages.market import FeedStatus
from actors.messages.orders import (
    CancelOrder,
    OrderTerms,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    Report,
    StatusReport,
    SubmitOrder,
    VenueCommand,
)
from actors.model.ids import ClientOrderIds
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.delays import Delay
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_bar,
    a_quote,
    a_trade,
    an_instrument,
    settings,
)

Command = TypeVar("Command", bound=VenueCommand)
MS = 1_000_000
DAY = 86_400_000_000_000


class Bench:
    """A sequencer with one simulated venue; says what came of each input."""

    def __init__(self, *, accounts: tuple[str, ...] = ("a",), **changes: Any) -> None:
        instrument = an_instrument()
        self.venue = SimulatedVenueActor(
            name="venue:paper",
            accounts=dict.fromkeys(accounts, settings(**changes)),
            instruments={instrument.id: instrument},
        )
        self.sequencer = Sequencer(
            actors=[], venues=[self.venue], ids=ClientOrderIds(store_id="TEST", epoch=1)
        )

    def run(self, message: Message, ts: int) -> list[Message]:
        self.sequencer.run(message, ts)
        sent = list(self.sequencer.sent)
        self.sequencer.sent.clear()
        return sent

    def tick(self, ts: int) -> list[Message]:
        """Time passes."""
        return self.run(FeedStatus(ts_event=ts, instrument=BTC, status="live", reason=""), ts)


def names(messages: list[Message]) -> list[str]:
    return [type(message).__name__ for message in messages]


def _command(kind: type[Command], order: OrderTerms, **fields: Any) -> Command:
    return kind(
        ts_event=0,
        account=order.account,
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_timestamp_ms=0,
        receive_window_ms=5_000,
        **fields,
    )


def submit(terms: OrderTerms) -> SubmitOrder:
    return _command(SubmitOrder, terms, terms=terms)


def cancel(terms: OrderTerms, venue_order_id: str | None = None) -> CancelOrder:
    return _command(CancelOrder, terms, venue_order_id=venue_order_id)


def query(terms: OrderTerms) -> QueryOrder:
    return _command(QueryOrder, terms, venue_order_id=None)


def replace(terms: OrderTerms, venue_order_id: str, quantity: str, price: str) -> ReplaceOrder:
    return _command(
        ReplaceOrder,
        terms,
        venue_order_id=venue_order_id,
        quantity=D(quantity),
        price=D(price),
        stop_price=None,
    )


def ask(marks: dict[str, str] | None = None, seq: int = 7) -> QueryAccount:
    return QueryAccount(ts_event=0, account="a", asked_seq=seq, fills_after=marks or {})


def test_start_says_that_each_account_is_connected() -> None:
    bench = Bench(accounts=("a", "b"))
    sent = bench.run(Started(ts_event=5, epoch=1), 5)
    assert names(sent) == ["ClockMeasured", "BrokerStarted"] * 2
    assert [m.account for m in sent if isinstance(m, BrokerStarted)] == ["a", "b"]
    assert all(m.offset_ms == 0 for m in sent if isinstance(m, ClockMeasured))


def test_command_takes_effect_after_its_latency_and_not_before() -> None:
    bench, order = Bench(latency_ms=5.0), Orders()
    bench.run(a_quote(99, 100), 1 * MS)
    assert bench.run(submit(order("buy", "1")), 2 * MS) == []
    assert bench.tick(7 * MS - 1) == []
    assert bench.run(a_quote(101, 102), 7 * MS - 1) == []
    sent = bench.tick(7 * MS)
    assert names(sent) == ["AcceptReport", "FillReport"]
    assert sent[1].price == D(102)  # type: ignore[attr-defined]  # the market moved while it travelled
    assert sent[1].ts_event == 7 * MS


def test_market_data_of_the_very_moment_come_behind_the_command() -> None:
    bench, order = Bench(latency_ms=5.0), Orders()
    bench.run(a_quote(99, 100), 1 * MS)
    bench.run(submit(order("buy", "1")), 2 * MS)
    sent = bench.run(a_quote(101, 102), 7 * MS)
    assert sent[1].price == D(100)  # type: ignore[attr-defined]


def test_reports_travel_back_in_their_order() -> None:
    bench, order = Bench(latency_ms=1.0, report_latency_ms=3.0), Orders()
    bench.run(a_quote(99, 100), 0)
    bench.run(submit(order("buy", "1")), 0)
    assert bench.tick(3 * MS) == []
    assert bench.tick(4 * MS - 1) == []
    sent = bench.tick(4 * MS)
    assert names(sent) == ["AcceptReport", "FillReport"]
    assert {m.ts_event for m in sent} == {1 * MS}


def test_commands_of_other_accounts_are_not_for_this_venue() -> None:
    bench, order = Bench(), Orders()
    bench.run(submit(order("buy", "1", account="elsewhere")), 1)
    assert bench.tick(DAY) == []


def test_market_data_of_other_instruments_never_reach_the_venue() -> None:
    venue = Bench().venue
    assert venue.market_handlers(type(a_quote(1, 2)), "ETHUSDT@sim") == ()
    assert len(venue.market_handlers(type(a_quote(1, 2)), BTC)) == 1


def test_bar_fills_are_reported_before_anyone_else_sees_the_bar() -> None:
    bench, order = Bench(), Orders()
    bench.run(a_bar(100, 101, 99, 100), 0)
    bench.run(submit(order("buy", "1")), 0)
    assert names(bench.tick(5 * MS)) == ["AcceptReport"]
    sent = bench.run(a_bar(103, 104, 102, 103), 60_000 * MS)
    assert names(sent) == ["FillReport"]
    assert bench.sequencer.market.bars[BTC].open == 103


def test_cancel_and_replace_are_answered() -> None:
    bench, order = Bench(), Orders()
    bench.run(a_quote(99, 100), 0)
    terms = order("buy", "1", "95")
    bench.run(submit(terms), 0)
    bench.tick(2 * MS)
    bench.run(replace(terms, "1", "2", "96"), 3 * MS)
    [changed] = bench.tick(5 * MS)
    assert names([changed]) == ["ReplaceReport"]
    assert (changed.quantity, changed.price) == (D(2), D(96))  # type: ignore[attr-defined]
    bench.run(cancel(terms), 6 * MS)
    assert names(bench.tick(8 * MS)) == ["CancelReport"]
    bench.run(cancel(terms), 9 * MS)
    [refused] = bench.tick(11 * MS)
    assert (refused.command, refused.code) == ("cancel", "UNKNOWN_ORDER")  # type: ignore[attr-defined]


def test_day_order_expires_at_midnight_even_when_no_data_come() -> None:
    bench, order = Bench(), Orders()
    start = 3 * DAY + 5
    bench.run(submit(order("buy", "1", "95", tif="day")), start)
    bench.run(submit(order("buy", "1", "95")), start)
    assert names(bench.tick(4 * DAY - 1)) == ["AcceptReport", "AcceptReport"]
    [expiry] = bench.tick(4 * DAY + 9)
    assert (expiry.reason, expiry.client_order_id) == ("DAY", "o1")  # type: ignore[attr-defined]
    assert expiry.ts_event == 4 * DAY
    bench.run(submit(order("buy", "1", "95", tif="day")), 4 * DAY + 10)
    assert names(bench.tick(5 * DAY)) == ["AcceptReport", "ExpiryReport"]


def test_query_gives_the_fills_and_then_the_status() -> None:
    bench, order = Bench(), Orders()
    terms = order("buy", "2", "100")
    bench.run(a_quote(99, 100), 0)
    bench.run(submit(terms), 0)
    [accepted, filled] = bench.tick(2 * MS)
    bench.run(query(terms), 3 * MS)
    [again, status] = bench.tick(5 * MS)
    assert names([accepted, again]) == ["AcceptReport", "FillReport"]
    assert again == filled
    assert isinstance(status, StatusReport)
    assert (status.status, status.filled_quantity, status.fills_complete) == ("partially_filled", D(1), True)


def test_query_of_an_order_that_never_came_finds_nothing() -> None:
    bench, order = Bench(), Orders()
    bench.run(query(order("buy", "1")), 0)
    [status] = bench.tick(2 * MS)
    assert isinstance(status, StatusReport)
    assert status.status == "not_found"


def test_statement_holds_open_orders_new_fills_and_all_balances() -> None:
    bench, order = Bench(taker_fee=D("0.001")), Orders()
    bench.run(a_quote(99, 100, sizes=(5, 3)), 0)
    for terms in (order("buy", "1"), order("buy", "1"), order("buy", "2", "100"), order("sell", "1", "120")):
        bench.run(submit(terms), 0)
    bench.tick(2 * MS)
    bench.run(ask({BTC: "1"}), 3 * MS)
    [evidence] = bench.tick(5 * MS)
    assert isinstance(evidence, AccountEvidence)
    assert evidence.orders is not None
    assert evidence.fills is not None
    assert evidence.balances is not None
    assert evidence.positions is None
    shown = [(o.client_order_id, o.quantity, o.filled_quantity, o.status) for o in evidence.orders.orders]
    assert shown == [("o3", D(2), D(1), "partially_filled"), ("o4", D(1), D(0), "accepted")]
    assert [(f.trade_id, f.client_order_id) for f in evidence.fills.fills] == [("2", "o2"), ("3", "o3")]
    assert evidence.fills.read_to == {BTC: "3"}
    assert evidence.balances.total == {"USDT": D(99_700), "BTC": D("102.997")}
    parts = (evidence.orders, evidence.fills, evidence.balances)
    assert {part.asked_seq for part in parts} == {7}
    assert evidence.venue_time_ms == 4


def test_statements_keep_the_venue_from_growing_with_its_history() -> None:
    bench, order = Bench(), Orders()
    second, kept = 1_000 * MS, []
    for n in range(1_500):
        bench.run(a_quote(99, 100, sizes=(5 + n, 5 + n)), n * second)
        bench.run(submit(order("buy" if n % 2 else "sell", "1")), n * second)
        if n % 100 == 0:
            bench.run(ask({BTC: str(n)}), n * second + 2 * MS)
        kept.append(bench.venue.engine.order_count("a"))
    assert max(kept) <= 512
    assert len(bench.venue.engine.fills("a")) <= 512
    assert next(iter(bench.venue.engine.fills("a", after_trade_id="1400"))).trade_id == "1401"


def test_cancels_and_orders_may_travel_at_their_own_pace() -> None:
    bench = Bench(latency_ms=2.0, cancel_delay=Delay(ms=5), market_data_delay=Delay(ms=10))
    terms = Orders()("buy", "1", "99")
    bench.run(submit(terms), 0)
    assert bench.tick(12 * MS - 1) == []
    assert names(bench.tick(12 * MS)) == ["AcceptReport"]
    bench.run(cancel(terms), 12 * MS)
    assert bench.tick(29 * MS - 1) == []
    assert names(bench.tick(29 * MS)) == ["CancelReport"]


def test_random_delays_come_out_alike_in_every_run_and_answers_keep_their_order() -> None:
    def seen(seed: int) -> list[tuple[int, str | None]]:
        bench, order = Bench(seed=seed, report_delay=Delay(model="lognormal", ms=3, spread=0.8)), Orders()
        bench.run(a_quote(99, 100, sizes=(50, 50)), 0)
        told = [(ts * MS, bench.run(submit(order("buy", "0.1", "100")), ts * MS)) for ts in range(20)]
        told += [(ts, bench.tick(ts)) for ts in range(20 * MS, 400 * MS, MS)]
        return [(ts, each.client_order_id) for ts, sent in told for each in sent if isinstance(each, Report)]

    told = seen(1)
    assert told == seen(1) != seen(2)
    assert [name for _, name in told] == [f"o{n}" for n in range(1, 21) for _ in range(2)]
    assert len({ts for ts, _ in told}) > 5


def a_session() -> list[tuple[Message, int]]:
    """Every command, all kinds of orders, latency both ways, a midnight."""
    order = Orders()
    first, second = order("buy", "8", "100"), order("sell", "1", stop="97.5", tif="day")
    third, fourth = order("buy", "1", "95", tif="day"), order("sell", "3", "103", account="b")
    base = DAY - 40 * MS
    script: list[Message] = [
        Started(ts_event=base, epoch=1),
        a_quote(99, 100, sizes=(3, 1)),
        submit(first),
        submit(second),
        ask(),
        a_quote(99, 100, sizes=(3, 2)),
        submit(third),
        submit(fourth),
        a_trade(100, 0.5),
        replace(first, "1", "7", "99.5"),
        a_quote(98, 99.2, sizes=(4, 2)),
        query(first),
        submit(order("sell", "1")),
        a_trade(97.4, 1),
        cancel(fourth),
        a_quote(97, 98, sizes=(4, 2)),
        submit(order("buy", "1", "96", tif="day", account="b")),
        submit(order("buy", "9", "98", tif="fok")),
        ask({BTC: "1"}),
    ]
    return [(message, base + 3 * MS * n) for n, message in enumerate(script)] + [
        (FeedStatus(ts_event=0, instrument=BTC, status="live", reason=""), DAY + 7 * MS),
        (ask({BTC: "2"}), DAY + 2 * DAY),
        (FeedStatus(ts_event=0, instrument=BTC, status="live", reason=""), 4 * DAY),
    ]


def _bytes(bench: Bench) -> bytes:
    return msgspec.msgpack.encode(bench.sequencer.snapshot())


_RANDOM = {
    "submit_delay": Delay(model="normal", ms=1, spread=2),
    "report_delay": Delay(model="recorded", recorded_ms=(0.5, 4, 9)),
    "fees": "ib-us-stocks-fixed",
}


@pytest.mark.parametrize("changes", [{}, {"report_latency_ms": 4.0}, _RANDOM])
def test_venue_restarted_after_any_input_goes_on_exactly_alike(changes: dict[str, Any]) -> None:
    def fresh() -> Bench:
        return Bench(accounts=("a", "b"), latency_ms=2.0, taker_fee=D("0.001"), **changes)

    session, whole = a_session(), fresh()
    told = [whole.run(message, ts) for message, ts in session]
    kinds = {name for sent in told for name in names(sent)}
    assert kinds >= {"FillReport", "ExpiryReport", "ReplaceReport", "CancelReport", "AccountEvidence"}
    for k in range(len(session) + 1):
        before = fresh()
        for message, ts in session[:k]:
            before.run(message, ts)
        after = fresh()
        after.sequencer.restore(msgspec.msgpack.decode(_bytes(before), type=CoreSnapshot))
        assert _bytes(after) == _bytes(before), f"snapshot after input {k}"
        for n, (message, ts) in enumerate(session[k:], start=k):
            assert after.run(message, ts) == told[n], f"restarted after input {k}, input {n}"
        assert _bytes(after) == _bytes(whole), f"restarted after input {k}"
