"""Orders that hang together at the simulated venue: groups, brackets, dates, and a restart in between."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.clearing import AdjustReport
from actors.messages.market import Quote
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    ExpiryReport,
    FillReport,
    OrderTerms,
    RejectReport,
    SpecialTerms,
)
from tests.venues.simulated.builders import (
    D,
    Orders,
    a_bar,
    a_market,
    a_quote,
    an_engine,
    fills_in,
    said,
)
from tests.venues.simulated.test_actor import MS, Bench, ask, cancel, replace, submit

SECOND = 1_000_000_000
WORDS = {AcceptReport: "accept", CancelReport: "cancel", ExpiryReport: "expire", RejectReport: "reject"}


class Linked(Orders):
    def __call__(self, side: str, quantity: str, price: str | None = None, **changes: Any) -> OrderTerms:
        special = {
            name: changes.pop(name) for name in list(changes) if name in SpecialTerms.__struct_fields__
        }
        terms = super().__call__(side, quantity, price, **changes)
        return msgspec.structs.replace(terms, special=SpecialTerms(**special)) if special else terms

    def bracket(self, price: str | None = "100") -> tuple[OrderTerms, OrderTerms, OrderTerms]:
        entry = self("buy", "2", price, more_follow=True)
        family: dict[str, Any] = {"parent": entry.client_order_id, "oca_group": entry.client_order_id}
        profit = self("sell", "2", "110", more_follow=True, **family)
        return entry, profit, self("sell", "2", stop="90", **family)


def told(messages: list[Message]) -> list[str]:
    lines = []
    for message in messages:
        if isinstance(message, FillReport):
            price = message.price.normalize()
            lines.append(f"fill {message.client_order_id} {message.quantity.normalize():f}@{price:f}")
        elif isinstance(message, AdjustReport):
            lines.append(f"adjust {message.client_order_id} {message.quantity.normalize():f}")
        elif type(message) in WORDS:
            lines.append(f"{WORDS[type(message)]} {getattr(message, 'client_order_id', '')}")
    return lines


def sized(bid: float, ask_: float, size: float = 50.0) -> Quote:
    return a_quote(bid, ask_, sizes=(size, size))


class Venue(Bench):
    """A bench whose time goes on by itself, so that every command has come when a call returns."""

    def __init__(self, *, base: str = "0", **changes: Any) -> None:
        super().__init__(opening_balances={"USDT": D(1_000), "BTC": D(base)}, **changes)
        self.now = 0

    def say(self, message: Message) -> list[Message]:
        self.now += 10 * MS
        return [*self.run(message, self.now), *self.tick(self.now + 5 * MS)]


def a_bench(*, base: str = "0", **changes: Any) -> Venue:
    bench = Venue(base=base, **changes)
    bench.say(sized(100, 101))
    return bench


def test_the_exits_of_a_bracket_come_to_the_market_when_the_entry_has_filled() -> None:
    bench, orders = a_bench(), Linked()
    sent = [told(bench.say(submit(terms))) for terms in orders.bracket()]
    assert sent == [["accept o1"], ["accept o2"], ["accept o3"]]
    assert told(bench.say(sized(120, 121))) == []  # beyond the profit, which does not work yet
    assert told(bench.say(sized(99, 100))) == ["fill o1 2@100"]
    assert told(bench.say(sized(109, 110))) == []
    assert told(bench.say(sized(111, 112))) == ["fill o2 2@110", "cancel o3"]
    assert {a: b.locked for a, b in bench.venue.engine.balances("a").items()} == {"USDT": 0, "BTC": 0}


def test_the_loss_ends_the_profit_and_a_market_entry_lets_both_work_at_once() -> None:
    bench, orders = a_bench(), Linked()
    sent = [told(bench.say(submit(terms))) for terms in orders.bracket(price=None)]
    assert sent[0] == ["accept o1", "fill o1 2@101"]
    assert told(bench.say(sized(89, 90))) == ["fill o3 2@89", "cancel o2"]


def test_an_entry_that_ends_unfilled_takes_its_exits_along_and_nothing_stays_locked() -> None:
    bench, orders = a_bench(), Linked()
    entry, profit, loss = orders.bracket()
    for terms in (entry, profit, loss):
        bench.say(submit(terms))
    assert told(bench.say(cancel(entry))) == ["cancel o1", "cancel o2", "cancel o3"]
    (evidence,) = [each for each in bench.say(ask()) if isinstance(each, AccountEvidence)]
    assert evidence.orders is not None
    assert evidence.orders.orders == ()
    assert bench.venue.engine.balances("a")["USDT"].locked == 0


def test_held_exits_are_shown_changed_and_cancelled_like_any_other_order() -> None:
    bench, orders = a_bench(), Linked()
    entry, profit, loss = orders.bracket()
    for terms in (entry, profit, loss):
        bench.say(submit(terms))
    (evidence,) = [each for each in bench.say(ask()) if isinstance(each, AccountEvidence)]
    assert evidence.orders is not None
    assert [line.client_order_id for line in evidence.orders.orders] == ["o1", "o2", "o3"]
    bench.say(replace(profit, "2", "2", "120"))
    assert told(bench.say(cancel(loss))) == ["cancel o3"]
    assert told(bench.say(sized(99, 100))) == ["fill o1 2@100"]
    assert told(bench.say(sized(115, 116))) == []
    assert told(bench.say(sized(121, 122))) == ["fill o2 2@120"]


def test_exits_of_a_part_that_has_filled_close_no_more_than_that() -> None:
    bench, orders = a_bench(), Linked()
    entry, profit, loss = orders.bracket()
    for terms in (entry, profit, loss):
        bench.say(submit(terms))
    assert told(bench.say(a_quote(99, 100, sizes=(1.0, 0.5)))) == ["fill o1 0.5@100"]
    assert told(bench.say(cancel(entry))) == ["cancel o1"]
    assert told(bench.say(sized(111, 112))) == ["fill o2 0.5@110", "cancel o3", "expire o2"]
    bench.say(sized(112, 113))
    assert bench.venue.engine.balances("a")["BTC"].total == 0


def test_a_restart_between_entry_and_exits_changes_nothing() -> None:
    def lived(*, restart: bool) -> list[str]:
        bench, orders = a_bench(), Linked()
        for terms in orders.bracket():
            bench.say(submit(terms))
        if restart:
            data = msgspec.msgpack.encode(bench.sequencer.snapshot())
            again = Venue()
            again.now = bench.now
            again.sequencer.restore(msgspec.msgpack.decode(data, type=CoreSnapshot))
            assert msgspec.msgpack.encode(again.sequencer.snapshot()) == data
            bench = again
        return [*told(bench.say(sized(99, 100))), *told(bench.say(sized(111, 112)))]

    assert lived(restart=True) == lived(restart=False) == ["fill o1 2@100", "fill o2 2@110", "cancel o3"]


def test_an_exit_without_its_entry_and_what_the_venue_has_not_are_refused() -> None:
    bench, orders = a_bench(base="5"), Linked()
    for wanted in ({"parent": "nobody"}, {"outside_hours": True}, {"adaptive": "normal"}):
        assert told(bench.say(submit(orders("sell", "1", "110", **wanted))))[0].startswith("reject")
    bench.say(submit(orders("sell", "1", "110", oca_group="g")))
    assert told(bench.say(submit(orders("buy", "1", "90", oca_group="g")))) == ["reject o5"]


def test_sales_of_a_group_share_what_a_cash_account_holds() -> None:
    bench, orders = a_bench(base="2"), Linked()
    bench.say(submit(orders("sell", "2", "110", oca_group="g")))
    assert told(bench.say(submit(orders("sell", "2", stop="90", oca_group="g")))) == ["accept o2"]
    assert told(bench.say(sized(89, 90))) == ["fill o2 2@89", "cancel o1"]


def test_a_fill_reduces_the_others_of_a_group_that_reduces_until_nothing_is_left() -> None:
    bench, orders = a_bench(base="5"), Linked()
    group: dict[str, Any] = {"oca_group": "g", "oca_kind": "reduce"}
    bench.say(submit(orders("sell", "5", "110", **group)))
    bench.say(submit(orders("sell", "5", stop="90", **group)))
    assert told(bench.say(submit(orders("sell", "5", "120", oca_group="g")))) == ["reject o3"]
    assert told(bench.say(sized(110, 111, size=2))) == ["fill o1 2@110", "adjust o2 3"]
    assert told(bench.say(sized(89, 90))) == ["fill o2 3@89", "cancel o1"]


def test_within_one_bar_only_one_of_a_group_fills() -> None:
    engine, orders = an_engine(market=a_market(path="ohlc")), Linked()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    for price in ("95", "94"):
        engine.submit(orders("buy", "1", price, oca_group="g"), 2)
    assert said(engine.on_bar(a_bar(100, 101, 90, 99), 3)) == ["filled o1 1@95 maker", "cancelled o2"]


def test_of_a_group_that_waits_for_the_same_open_the_first_cancels_the_second() -> None:
    engine, orders = an_engine(), Linked()
    engine.on_bar(a_bar(100, 101, 99, 100), 1)
    for _ in range(2):
        engine.submit(orders("buy", "1", oca_group="g"), 2)
    events = engine.on_bar(a_bar(100, 101, 99, 100), 3)
    assert fills_in(events) == ["o1 1@100 taker"]
    assert said(events)[-1] == "cancelled o2"


def test_an_order_with_a_date_ends_when_it_comes() -> None:
    bench, orders = a_bench(), Linked()
    wanted = orders("buy", "1", "90", tif="gtd", good_till=10 * SECOND)
    assert told(bench.say(submit(wanted))) == ["accept o1"]
    assert told(bench.tick(10 * SECOND - 1)) == []
    assert told(bench.tick(10 * SECOND)) == ["expire o1"]
    bench.now = 11 * SECOND
    late = orders("buy", "1", "90", tif="gtd", good_till=10 * SECOND)
    assert told(bench.say(submit(late))) == ["reject o2"]
