"""Contracts at average cost: whatever is cut of a share of the cost stays with the rest."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from actors.model.contracts import Contracts, settle

D = Decimal
FILLS = st.lists(
    st.tuples(
        st.integers(-50, 50).filter(bool).map(D), st.integers(1, 1_000_000).map(lambda ticks: D(ticks) / 100)
    ),
    max_size=30,
)


def test_a_part_closed_gains_against_the_average_and_a_flip_begins_anew() -> None:
    held, gained = settle(Contracts(), D(3), D(10))
    assert (held, gained) == (Contracts(D(3), D(30)), D(0))
    held, gained = settle(held, D(1), D(14))
    assert (held, gained) == (Contracts(D(4), D(44)), D(0))
    held, gained = settle(held, D(-3), D(12))
    assert (held, gained) == (Contracts(D(1), D(11)), D(3))
    held, gained = settle(held, D(-3), D(12))
    assert (held, gained) == (Contracts(D(-2), D(-24)), D(1))
    assert settle(held, D(2), D(10)) == (Contracts(D(0), D(0)), D(4))


@given(FILLS)
def test_gains_paid_and_gains_open_are_what_the_fills_come_to(fills: list[tuple[Decimal, Decimal]]) -> None:
    held, paid, spent, quantity = Contracts(), D(0), D(0), D(0)
    for change, price in fills:
        held, gained = settle(held, change, price)
        paid, spent, quantity = paid + gained, spent + change * price, quantity + change
        assert held.quantity == quantity
        assert paid + quantity * price - held.cost == quantity * price - spent
        assert quantity or not held.cost
