"""What an order would do to the margin, without any order; hand-worked figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.margin import MarginAnswered, MarginFigures, QueryMargin
from actors.messages.orders import OrderTerms
from actors.venues.simulated.charges import Charge
from tests.venues.simulated.clearing_rig import ACME, PERP, Rig, only

D = Decimal


def some_terms(side: Any, quantity: str, price: str | None = None, instrument: str = ACME) -> OrderTerms:
    return OrderTerms(
        client_order_id="asked", account="main", strategy="s", instrument=instrument, side=side,
        order_type="market" if price is None else "limit", quantity=D(quantity),
        price=None if price is None else D(price),
    )  # fmt: skip


def books(rig: Rig) -> tuple[Any, ...]:
    """Ids given, and all accounts."""
    state = rig.venue.engine.snapshot()
    return state.last_order_id, state.last_trade_id, state.last_priority, state.accounts


def asked(rig: Rig, terms: OrderTerms) -> MarginAnswered:
    before = books(rig)
    rig.run(QueryMargin(ts_event=rig.now, account="main", terms=terms))
    rig.wait(0.001)
    rig.sequencer._run_timers(rig.now)
    assert books(rig) == before, "a question leaves nothing behind"
    return only(MarginAnswered, list(rig.sequencer.sent))


def figures(rig: Rig, terms: OrderTerms) -> MarginFigures:
    found = asked(rig, terms).figures
    assert found is not None
    return found


def told(given: MarginFigures) -> list[Decimal]:
    return [
        given.initial_change, given.maintenance_change, given.initial_after, given.maintenance_after,
        given.equity_after,
    ]  # fmt: skip


def test_the_figures_are_those_of_the_account_with_the_order_filled() -> None:
    rig = Rig(charges=(Charge(name="c", base="fill", rate=D(2)),))
    rig.quote(100)
    opened = figures(rig, some_terms("buy", "150"))
    assert told(opened) == [D(7_500), D(3_750), D(7_500), D(3_750), D(9_998)]
    assert (opened.commission, opened.commission_currency) == (D(2), "USD")
    rig.order("buy", "150")
    assert told(figures(rig, some_terms("buy", "10"))) == [D(500), D(250), D(8_000), D(4_000), D(9_996)]
    # through flat to a short of fifty, of which three tenths must be kept
    turned = figures(rig, some_terms("sell", "200"))
    assert told(turned) == [D(-5_000), D(-2_250), D(2_500), D(1_500), D(9_996)]


def test_open_orders_are_not_counted() -> None:
    rig = Rig()
    rig.quote(100)
    rig.order("buy", "150", "99")
    assert figures(rig, some_terms("buy", "10")).initial_after == D(500)


def test_a_future_counts_beside_what_is_held() -> None:
    rig = Rig()
    rig.quote(100)
    rig.quote(100, instrument=PERP)
    rig.order("buy", "10")
    found = figures(rig, some_terms("sell", "10", instrument=PERP))
    assert (found.initial_change, found.initial_after) == (D(1), D(501))  # a hundredth each


@pytest.mark.parametrize(
    ("changes", "quantity", "words"),
    [({}, "0.5", "LOT_SIZE"), ({"account_type": "cash"}, "1", "has no margin")],
)
def test_what_would_not_be_taken_has_no_figures(changes: dict[str, Any], quantity: str, words: str) -> None:
    rig = Rig(**changes)
    rig.quote(100)
    answer = asked(rig, some_terms("buy", quantity))
    assert answer.figures is None
    assert words in answer.text
