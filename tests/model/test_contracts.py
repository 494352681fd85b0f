"""Contracts at average cost: whatever is cut of a share of the cost stays with the rest."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from actors.model.contracts import Contracts, restate, settle

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


def test_a_fill_stated_anew_costs_otherwise_what_is_open_and_gains_otherwise_what_is_closed() -> None:
    held, _ = settle(Contracts(), D(4), D(10))
    held, gained = settle(held, D(-1), D(12))
    assert (held, gained) == (Contracts(D(3), D(30)), D(2))
    assert restate(held, D(4), D(10), D(4), D(11)) == (Contracts(D(3), D(33)), D(-1))
    assert restate(held, D(4), D(10), D(2), D(10)) == (Contracts(D(1), D(10)), D(0)), "at its own price"
    assert restate(held, D(4), D(10), D(0), D(10)) == (Contracts(D(-1), D(-10)), D(0))
    assert restate(held, D(-1), D(12), D(0), D(12)) == (Contracts(D(4), D(42)), D(0)), "the gain stays paid"


@given(FILLS.filter(bool), st.data())
def test_gains_are_what_the_fills_come_to_also_when_one_is_stated_anew(
    fills: list[tuple[Decimal, Decimal]], data: st.DataObject
) -> None:
    held, paid = Contracts(), D(0)
    for change, price in fills:
        held, gained = settle(held, change, price)
        paid += gained
    place = data.draw(st.integers(0, len(fills) - 1))
    was, price_was = fills[place]
    becomes = data.draw(st.integers(0, 60)) * (D(1) if was > 0 else D(-1))
    price = data.draw(st.integers(1, 1_000_000).map(lambda ticks: D(ticks) / 100))
    held, gained = restate(held, was, price_was, becomes, price)
    stands = [*fills[:place], (becomes, price), *fills[place + 1 :]]
    assert held.quantity == sum(change for change, _ in stands)
    assert held.cost - (paid + gained) == sum(change * at for change, at in stands)
    assert held.quantity or not held.cost
