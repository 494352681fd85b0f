"""The OMS and the simulated venue on one sequencer: the life of orders without anything in between."""

from __future__ import annotations

import msgspec
import pytest

from actors.core.sequencer import Sequencer
from actors.messages.account import AccountReconciled, DifferenceFound
from actors.messages.base import Message
from actors.messages.control import Started, TimeReached
from actors.messages.market import Quote
from actors.messages.orders import OrderCancelled, OrderFilled, ReplaceReady
from actors.model.ids import ClientOrderIds
from actors.oms.actor import OmsActor
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.settings import SimulatedVenueSettings
from tests.oms.bench import (
    BTC,
    ID,
    SECOND,
    START,
    D,
    an_instrument,
    approved,
    approved_replace,
    cancel_request,
    names,
    only,
    rules,
)


class Paper:
    def __init__(self, *, native: bool = False) -> None:
        self._native = native
        self.now = START
        self._build()
        self.sequencer.run(Started(ts_event=START, epoch=1), START)
        self.wait(1)

    def _build(self) -> None:
        instruments = {BTC: an_instrument()}
        settings = SimulatedVenueSettings(
            latency_ms=20, report_latency_ms=20, opening_balances={"USDT": D(10_000), "BTC": D(50)}
        )
        venue = SimulatedVenueActor(name="paper", accounts={"acc": settings}, instruments=instruments)
        self.oms = OmsActor(
            rules={"acc": rules(native_replace=self._native)},
            instruments=instruments,
            reconcile_ns={"acc": 60 * SECOND},
        )
        ids = ClientOrderIds(store_id="0000", epoch=1)
        self.sequencer = Sequencer(actors=[self.oms], venues=[venue], ids=ids)

    def quote(self, bid: float, ask: float) -> list[Message]:
        return self.feed(
            Quote(ts_event=self.now, instrument=BTC, bid_price=bid, bid_size=100, ask_price=ask, ask_size=100)
        )

    def feed(self, message: Message) -> list[Message]:
        before = len(self.sequencer.sent)
        self.sequencer.run(message, self.now)
        return self.sequencer.sent[before:]

    def wait(self, seconds: float) -> list[Message]:
        self.now += round(seconds * SECOND)
        return self.feed(TimeReached(ts_event=self.now))

    def restart(self) -> None:
        data = msgspec.msgpack.encode(self.sequencer.snapshot())
        sent = self.sequencer.sent
        self._build()
        self.sequencer.restore(msgspec.msgpack.decode(data, type=type(self.sequencer.snapshot())))
        self.sequencer.sent = sent


def test_the_account_is_reconciled_by_the_venues_first_statement() -> None:
    assert len(only(Paper().sequencer.sent, AccountReconciled)) == 1


@pytest.mark.parametrize("native", [False, True])
def test_orders_rest_fill_and_are_replaced_and_cancelled_without_a_difference(native: bool) -> None:
    paper = Paper(native=native)
    paper.quote(100, 102)
    paper.feed(approved(quantity=D(10), price=D(99)))
    paper.wait(1)
    paper.feed(approved_replace(quantity=D(8), price=D(98)))
    sent = paper.wait(1)
    assert ("OrderReplaced" in names(sent)) is native
    assert (len(only(sent, ReplaceReady)) == 1) is not native
    paper.feed(approved("T00000001000000X", order_type="market", price=None, quantity=D(3)))
    paper.wait(1)
    filled = only(paper.sequencer.sent, OrderFilled)
    assert sum(event.quantity for event in filled) == D(3)
    paper.feed(cancel_request(ID))
    for _ in range(4):
        paper.wait(60)
    assert len(only(paper.sequencer.sent, OrderCancelled)) == 1
    assert only(paper.sequencer.sent, DifferenceFound) == []
    assert paper.oms.snapshot().orders == []


def test_a_process_that_ends_with_orders_on_their_way_finds_out_what_became_of_them() -> None:
    paper = Paper()
    paper.quote(100, 102)
    paper.feed(approved(order_type="market", price=None, quantity=D(3)))
    paper.restart()
    sent = paper.feed(Started(ts_event=paper.now, epoch=2)) + paper.wait(1)
    assert names(sent).count("SubmitOrder") == 0
    assert sum(event.quantity for event in only(sent, OrderFilled)) == D(3)
    assert len(only(sent, AccountReconciled)) == 1
