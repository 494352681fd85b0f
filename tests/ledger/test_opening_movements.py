"""What explains an opening that took the wrong side of a movement, and what only looks like it."""

from __future__ import annotations

from decimal import Decimal

from actors.ledger.opening import Opening

D = Decimal


def opened_beside_a_trade() -> Opening:
    """A purchase that was booked after the opening and had been in its statement already."""
    opening = Opening(until=1_000)
    opening.moved(7, "BTC", D("1.6"))
    opening.moved(7, "USDT", D("-160"))
    return opening


def test_a_trade_explains_both_its_sides_together() -> None:
    opening = opened_beside_a_trade()
    assert opening.explains({"BTC": D("-1.6"), "USDT": D(160)})
    assert not opening.explains({"BTC": D("-1.6"), "USDT": D(160)}), "once"


def test_an_amount_that_happens_to_be_alike_explains_nothing() -> None:
    opening = opened_beside_a_trade()
    assert not opening.explains({"BTC": D("-1.6")})
    assert not opening.explains({"BTC": D("-1.6"), "USDT": D("160.05")})
    assert not opening.explains({"BTC": D("-1.6"), "USDT": D(160), "BNB": D("-0.1")})


def test_movements_add_up() -> None:
    opening = opened_beside_a_trade()
    opening.moved(8, "USDT", D(-40))
    assert not opening.explains({"USDT": D(200)})
    assert opening.explains({"BTC": D("-1.6"), "USDT": D(200)})
