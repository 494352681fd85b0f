"""Shares and prices on the other side of a split."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.model.splits import plain, scaled, share_step
from tests.ledger.build import an_instrument

D = Decimal


@pytest.mark.parametrize(
    ("number", "before", "after", "wanted"),
    [
        ("100", "1", "4", "400"),
        ("105", "2", "3", "157.5"),
        ("100", "30", "1", "3.333333333333"),
        ("-7", "1", "2", "-14"),
    ],
)
def test_a_number_is_scaled_exactly_or_to_twelve_places(
    number: str, before: str, after: str, wanted: str
) -> None:
    assert str(scaled(D(number), D(before), D(after))) == wanted


@pytest.mark.parametrize(
    ("number", "wanted"), [("43.000", "43"), ("0E-12", "0"), ("1E+2", "100"), ("-1.50", "-1.5")]
)
def test_zeros_behind_the_last_digit_go(number: str, wanted: str) -> None:
    assert str(plain(D(number))) == wanted


@pytest.mark.parametrize(("lot", "step"), [("1", "1"), ("100", "1"), ("0.001", "0.001"), ("0", "1E-12")])
def test_what_can_be_held_is_a_share_or_a_smaller_lot(lot: str, step: str) -> None:
    assert share_step(an_instrument(lot_size=D(lot))) == D(step)
