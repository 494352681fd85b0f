"""The only two roundings, and the only way from `float` to `Decimal`."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.money import Rounding, round_to_lot, round_to_tick, to_decimal

D = Decimal
steps = st.sampled_from([D("0.00001"), D("0.01"), D("0.05"), D("0.25"), D(1), D(7)])
figures = st.decimals(-1_000_000, 1_000_000, places=8, allow_nan=False)


@pytest.mark.parametrize(
    ("number", "expected"), [(0.1, "0.1"), (1e-8, "1E-8"), (3, "3"), ("2.50", "2.50"), (D("7.10"), "7.10")]
)
def test_a_number_becomes_the_shortest_decimal_that_reads_back(
    number: float | str | Decimal, expected: str
) -> None:
    assert str(to_decimal(number)) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_the_way_there_and_back(number: float) -> None:
    assert float(to_decimal(number)) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), D("NaN"), D("-Infinity"), "nan"])
def test_what_is_not_finite_raises(number: float | str | Decimal) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        to_decimal(number)


@pytest.mark.parametrize(
    ("rounding", "price", "expected"),
    [
        ("down", "1.29", "1.25"),
        ("down", "-1.21", "-1.25"),
        ("up", "1.26", "1.30"),
        ("up", "-1.29", "-1.25"),
        ("nearest", "1.26", "1.25"),
        ("nearest", "1.29", "1.30"),
        ("nearest", "1.275", "1.30"),
        ("nearest", "1.225", "1.20"),
        ("towards_zero", "1.29", "1.25"),
        ("towards_zero", "-1.29", "-1.25"),
    ],
)
def test_each_direction_does_what_it_says(rounding: Rounding, price: str, expected: str) -> None:
    assert round_to_tick(D(price), D("0.05"), rounding) == D(expected)
    assert round_to_lot(D(price), D("0.05"), rounding) == D(expected)


def test_lots_are_rounded_towards_zero_unless_told_otherwise() -> None:
    assert round_to_lot(D("1.999"), D("0.01")) == D("1.99")
    assert round_to_lot(D("-1.999"), D("0.01")) == D("-1.99")


@pytest.mark.parametrize("rounding", ["down", "up", "nearest", "towards_zero"])
def test_noise_of_a_float_pushes_no_whole_step(rounding: Rounding) -> None:
    assert round_to_tick(0.1 + 0.2, D("0.1"), rounding) == D("0.3")
    assert round_to_tick(1.1 * 3, D("0.01"), rounding) == D("3.3")
    assert round_to_lot(0.7 - 0.4, D("0.1"), rounding) == D("0.3")


def test_a_decimal_is_taken_at_its_word() -> None:
    assert round_to_tick(D("0.29999999999"), D("0.1"), "down") == D("0.2")
    assert round_to_tick(D("0.30000000001"), D("0.1"), "up") == D("0.4")


def test_a_step_of_zero_means_no_grid() -> None:
    assert round_to_tick(D("1.23456789"), D(0), "down") == D("1.23456789")
    assert round_to_lot(0.1, D(0)) == D("0.1")


@given(figures, steps)
def test_down_and_up_are_the_two_grid_points_around_a_number(number: Decimal, step: Decimal) -> None:
    below, above = round_to_tick(number, step, "down"), round_to_tick(number, step, "up")
    assert below % step == 0
    assert above % step == 0
    assert below <= number <= above
    assert above - below == (0 if number % step == 0 else step)
    assert round_to_tick(number, step, "nearest") in (below, above)
    assert round_to_lot(number, step) == (below if number >= 0 else above)


@given(figures, steps, st.sampled_from(["down", "up", "nearest", "towards_zero"]))
def test_rounding_twice_is_rounding_once(number: Decimal, step: Decimal, rounding: Rounding) -> None:
    once = round_to_tick(number, step, rounding)
    assert round_to_tick(once, step, rounding) == once
