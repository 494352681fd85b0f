"""First in, first out, by hand; and round trips."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.ledger.lots import ClosedTrip, Lot, Position, RoundTrip, follow_trip, trade
from tests.ledger.build import BTC, an_instrument

BITCOIN = an_instrument()
D = Decimal


def a_position(*trades: tuple[str, str]) -> Position:
    position = Position("main", "s", BTC)
    for quantity, price in trades:
        book(position, quantity, price)
    return position


def book(
    position: Position, quantity: str, price: str, fee: str = "0", ts: int = 0
) -> tuple[Decimal, ClosedTrip | None]:
    realised, closed = trade(position, BITCOIN, D(quantity), D(price), ts)
    return realised, follow_trip(position, BITCOIN, D(quantity), closed, D(fee), ts)


def test_a_sale_closes_the_oldest_lots_first() -> None:
    position = a_position(("1", "100"), ("2", "110"), ("1", "130"))
    realised, _ = book(position, "-2.5", "120")
    assert realised == 1 * (120 - 100) + D("1.5") * (120 - 110)
    assert [(lot.quantity, lot.price) for lot in position.lots] == [(D("0.5"), D(110)), (D(1), D(130))]
    assert position.entry_price_average == (D("0.5") * 110 + 130) / D("1.5")


def test_a_short_position_gains_when_the_price_falls() -> None:
    position = a_position(("-2", "100"), ("-1", "90"))
    assert position.entry_price_average == D(290) / 3
    realised, _ = book(position, "2.5", "80")
    assert realised == 2 * 20 + D("0.5") * 10
    assert position.lots == [Lot(D("-0.5"), D(90), 0)]


def test_a_flip_closes_everything_and_opens_the_rest_at_the_new_price() -> None:
    position = a_position(("1", "100"))
    realised, trip = book(position, "-3", "105", ts=9)
    assert realised == 5
    assert position.lots == [Lot(D(-2), D(105), 9)]
    assert position.quantity == -2
    assert trip is not None
    assert trip.direction == "long"
    assert trip.realised_pnl == 5
    assert position.trip is not None
    assert position.trip == RoundTrip("short", 9, quantity_max=D(2))


def test_the_fee_of_a_flip_is_divided_by_quantity() -> None:
    position = Position("main", "s", BTC)
    book(position, "1", "100", fee="0.5")
    _, trip = book(position, "-4", "100", fee="2")
    assert trip is not None
    assert trip.fees == D("0.5") + D("0.5")
    assert position.trip is not None
    assert position.trip.fees == D("1.5")
    assert position.fees == D("2.5")


def test_a_round_trip_says_what_it_came_to() -> None:
    position = Position("main", "s", BTC)
    assert book(position, "1", "100", ts=3)[1] is None
    assert book(position, "1", "110", ts=4)[1] is None
    assert book(position, "-0.5", "130", ts=5)[1] is None
    _, trip = book(position, "-1.5", "120", ts=6)
    assert trip == ClosedTrip(
        direction="long",
        quantity=D(2),
        entry_price=D(105),
        exit_price=D("122.5"),
        realised_pnl=D(35),
        fees=D(0),
        ts_opened=3,
    )
    assert position.trip is None


def test_less_than_one_lot_left_ends_the_round_trip_and_stays_a_lot() -> None:
    position = a_position(("0.9995", "100"))
    _, trip = book(position, "-0.999", "101")
    assert trip is not None
    assert trip.realised_pnl == D("0.999")
    assert (position.quantity, position.trip) == (D("0.0005"), None)
    book(position, "1", "90", ts=8)
    assert position.trip is not None
    assert position.trip.ts_opened == 8


def test_exactly_one_lot_left_is_still_a_position() -> None:
    position = a_position(("1", "100"))
    assert book(position, "-0.999", "101")[1] is None
    assert position.trip is not None


def test_the_multiplier_scales_what_is_realised() -> None:
    contract = an_instrument(multiplier=D(50))
    position = Position("main", "s", BTC)
    trade(position, contract, D(2), D(10), 0)
    assert trade(position, contract, D(-2), D(11), 0) == (D(100), D(2))


def test_a_copy_shares_nothing_that_changes() -> None:
    position = a_position(("1", "100"))
    copy = position.copy()
    book(position, "1", "120")
    assert copy.quantity == 1
    assert len(copy.lots) == 1
    assert copy.trip is not None
    assert copy.trip.quantity_max == 1


@pytest.mark.parametrize("quantity", ["1", "-1"])
def test_the_average_of_nothing_is_zero(quantity: str) -> None:
    position = a_position((quantity, "100"), (str(-D(quantity)), "90"))
    assert [position.quantity, position.entry_price_average, position.cost] == [D(0)] * 3
    assert position.lots == []
