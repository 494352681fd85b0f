"""Exposure is never seen too small, whatever becomes of orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages.base import Message
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    CommandRefused,
    OrderExpired,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    ReplaceRequest,
    Side,
)
from actors.risk.exposure import Sides, worst_absolute
from tests.risk.build import (
    BTC,
    D,
    Rig,
    a_fact,
    a_fill,
    accepted,
    cancelled,
    limits,
    some_terms,
    unknown,
)


class Life:
    """One order at the venue: the truth that the gate's picture is measured against."""

    def __init__(self, terms: OrderTerms) -> None:
        self.terms = terms
        self.filled = D(0)
        self.is_live = True

    @property
    def remaining(self) -> Decimal:
        return self.terms.quantity - self.filled if self.is_live else D(0)


class Market:
    """Random lives of orders; bookings of fills come whenever they come, but in order."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.lives: list[Life] = []
        self.unbooked: list[tuple[Life, Decimal]] = []

    def run(self, step: tuple[str, int, int]) -> None:
        action, which, size = step
        live = [life for life in self.lives if life.is_live]
        if action in ("buy", "sell"):
            terms = some_terms("buy" if action == "buy" else "sell", str(size), "100")
            answer = self.deliver(OrderIntent(ts_event=0, terms=terms, mid_price=None))
            if any(isinstance(message, ApprovedOrder) for message in answer):
                self.lives.append(Life(terms))
                self.check()
        elif action == "book":
            self.book()
        elif live:
            self.act(action, live[which % len(live)], D(size))

    def act(self, action: str, life: Life, size: Decimal) -> None:
        terms = life.terms
        if action == "fill":
            quantity = min(size, life.remaining)
            life.filled += quantity
            life.is_live = life.remaining > 0
            self.unbooked.append((life, quantity))
            self.deliver(a_fill(terms, str(quantity), str(life.remaining)))
        elif action == "accept":
            self.deliver(accepted(terms))
        elif action == "unknown":
            self.deliver(unknown(terms))
        elif action == "replace":
            self.replace(life, size)
        elif action == "reject" and not life.filled:
            life.is_live = False
            self.deliver(a_fact(OrderRejected, terms, code="X", text=""))
        elif action in ("cancel", "expire"):
            life.is_live = False
            filled = life.filled
            self.deliver(
                cancelled(terms, str(filled))
                if action == "cancel"
                else a_fact(OrderExpired, terms, filled_quantity=filled, reason="")
            )

    def replace(self, life: Life, size: Decimal) -> None:
        """Asked for, then perhaps done: from the request on the venue may hold either terms."""
        before, quantity = life.terms, life.filled + size
        answer = self.deliver(
            ReplaceRequest(
                ts_event=0,
                client_order_id=before.client_order_id,
                new_client_order_id="successor",
                quantity=quantity,
                price=D(101),
            )
        )
        if not any(isinstance(message, ApprovedReplace) for message in answer):
            return
        if int(size) % 2:
            self.deliver(a_fact(CommandRefused, before, command="replace", code="X", text=""))
            return
        life.terms = some_terms(before.side, str(quantity), "101", client_order_id=before.client_order_id)
        self.check()
        self.deliver(a_fact(OrderReplaced, before, quantity=quantity, price=D(101), stop_price=None))

    def book(self) -> None:
        if self.unbooked:
            life, quantity = self.unbooked.pop(0)
            change = quantity if life.terms.side == "buy" else -quantity
            self.deliver(self.rig.position(change, life.terms.client_order_id, quantity))

    def deliver(self, message: Message) -> list[Message]:
        answer = self.rig.feed(message)
        self.check()
        return answer

    def check(self) -> None:
        sides, position = self.seen()
        under_way = self.total("buy", self.unbooked), self.total("sell", self.unbooked)
        assert position + sides.buys >= position + under_way[0] + self.live("buy")
        assert position - sides.sells <= position - under_way[1] - self.live("sell")

    def seen(self) -> tuple[Sides, Decimal]:
        exposure = self.rig.risk._gate.exposure
        return exposure.open_sides("main", BTC), exposure.holdings.account_position("main", BTC)

    def live(self, side: Side) -> Decimal:
        return sum((life.remaining for life in self.lives if life.terms.side == side), D(0))

    def total(self, side: Side, fills: list[tuple[Life, Decimal]]) -> Decimal:
        return sum((quantity for life, quantity in fills if life.terms.side == side), D(0))


steps = st.tuples(
    st.sampled_from(
        ["buy", "sell", "fill", "fill", "book", "accept", "unknown", "replace", "reject", "cancel", "expire"]
    ),
    st.integers(0, 5),
    st.integers(1, 6),
)


@settings(max_examples=200)
@given(st.lists(steps, max_size=40))
def test_no_message_between_makes_exposure_too_small(given_steps: list[tuple[str, int, int]]) -> None:
    market = Market()
    for step in given_steps:
        market.run(step)
    while market.unbooked:
        market.book()
    sides, position = market.seen()
    assert sides == Sides(market.live("buy"), market.live("sell"))
    filled: Any = sum(
        (life.filled if life.terms.side == "buy" else -life.filled for life in market.lives), D(0)
    )
    assert position == filled


@settings(max_examples=200)
@given(st.lists(steps, max_size=40))
def test_when_every_order_is_settled_and_booked_nothing_stays_reserved(
    given_steps: list[tuple[str, int, int]],
) -> None:
    market = Market()
    for step in given_steps:
        market.run(step)
    for life in market.lives:
        if life.is_live:
            market.act("cancel", life, D(1))
    while market.unbooked:
        market.book()
    state = market.rig.risk.snapshot().exposure
    assert (state.orders, state.worst) == ([], {})


@pytest.mark.parametrize(
    ("position", "buys", "sells", "worst"),
    [
        ("0", "2", "3", "3"),
        ("2", "2", "3", "4"),
        ("-2", "1", "1", "3"),
        ("5", "0", "5", "5"),
        ("-4", "9", "0", "5"),
    ],
)
def test_worst_is_the_larger_of_the_two_ends(position: str, buys: str, sells: str, worst: str) -> None:
    assert worst_absolute(D(position), Sides(D(buys), D(sells))) == D(worst)


def test_a_replace_under_way_counts_the_worse_of_old_and_new_terms() -> None:
    rig = Rig(limits(), is_cash_account=True).balance("USDT", "1000")
    terms = some_terms("buy", "4", "100")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None))
    request = ReplaceRequest(
        ts_event=0,
        client_order_id=terms.client_order_id,
        new_client_order_id="successor",
        quantity=D(3),
        price=D(110),
    )
    rig.feed(request)
    assert rig.risk.available("main", "USDT") == 1000 - 4 * 110
    rig.feed(a_fact(CommandRefused, terms, command="replace", code="X", text=""))
    assert rig.risk.available("main", "USDT") == 1000 - 4 * 100
    rig.feed(request)
    rig.feed(a_fact(OrderReplaced, terms, quantity=D(3), price=D(110), stop_price=None))
    assert rig.risk.available("main", "USDT") == 1000 - 3 * 110


def test_what_is_refused_of_an_unknown_order_keeps_the_worse_terms_of_its_replace() -> None:
    rig = Rig(limits(), is_cash_account=True).balance("USDT", "1000")
    terms = some_terms("buy", "4", "100")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None))
    request = ReplaceRequest(
        ts_event=0,
        client_order_id=terms.client_order_id,
        new_client_order_id="successor",
        quantity=D(4),
        price=D(110),
    )
    rig.feed(request, a_fact(OrderOutcomeUnknown, terms, command="replace", reason="x"))
    rig.feed(msgspec.structs.replace(request, new_client_order_id="another", price=D(120)))
    rig.feed(a_fact(CommandRefused, terms, command="cancel", code="X", text=""))
    assert rig.risk.available("main", "USDT") == 1000 - 4 * 110
