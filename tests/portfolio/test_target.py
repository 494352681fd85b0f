"""How much a signal comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.messages.orders import Direction
from actors.portfolio.sizing import Sizing
from actors.portfolio.target import NoTarget, check_signal, needs_equity, target_quantity
from tests.portfolio.build import D, Method, a_signal, an_instrument


def size(
    method: Method,
    amount: str,
    direction: Direction = "long",
    mark: float | None = 100.0,
    equity: float | None = 1000.0,
    strength: float = 1.0,
    weight: float | None = None,
    multiplier: str = "1",
) -> str:
    signal = a_signal(direction, strength=strength, target_weight=weight)
    instrument = an_instrument(multiplier=D(multiplier))
    quantity = target_quantity(
        signal, Sizing(method=method, amount=D(amount)), instrument, mark=mark, equity=equity
    )
    return f"{quantity.normalize():f}"


@pytest.mark.parametrize(("direction", "expected"), [("long", "2.5"), ("short", "-2.5"), ("flat", "0")])
def test_fixed_quantity(direction: Direction, expected: str) -> None:
    assert size("fixed_quantity", "2.5", direction, mark=None) == expected


@pytest.mark.parametrize(
    ("amount", "mark", "expected"),
    [("1000", 100.0, "10"), ("1000", 3.0, "333.333"), ("0.2999", 100.0, "0.002"), ("0.09", 100.0, "0")],
)
def test_fixed_notional_is_rounded_down_to_whole_lots(amount: str, mark: float, expected: str) -> None:
    assert size("fixed_notional", amount, mark=mark) == expected
    assert size("fixed_notional", amount, "short", mark=mark) == (f"-{expected}" if expected != "0" else "0")


def test_target_weight_is_a_fraction_of_equity() -> None:
    assert size("target_weight", "0.5") == "5"
    assert size("target_weight", "0.5", "short") == "-5"
    assert size("target_weight", "0.5", equity=1000.001) == "5"
    assert size("target_weight", "0.5", equity=999.99) == "4.999"


def test_a_weight_in_the_signal_overrides_method_and_direction() -> None:
    assert size("fixed_quantity", "7", "flat", weight=0.3) == "3"
    assert size("fixed_quantity", "7", "long", weight=-0.3) == "-3"
    assert size("fixed_quantity", "7", "long", weight=0.0) == "0"


@pytest.mark.parametrize("method", ["fixed_quantity", "fixed_notional", "target_weight"])
def test_strength_scales_every_method(method: Method) -> None:
    amount = {"fixed_quantity": "10", "fixed_notional": "1000", "target_weight": "1"}[method]
    assert size(method, amount, strength=0.25) == "2.5"
    assert size(method, amount, strength=0.0) == "0"


def test_the_multiplier_divides_a_notional() -> None:
    assert size("fixed_notional", "1000", multiplier="50") == "0.2"


def test_flat_needs_no_figures() -> None:
    assert size("fixed_notional", "1", "flat", mark=None, equity=None) == "0"
    assert size("target_weight", "1", "flat", mark=None, equity=None) == "0"


@pytest.mark.parametrize("mark", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_without_a_usable_price_there_is_no_target(mark: float | None) -> None:
    with pytest.raises(NoTarget, match="PRICE_MISSING"):
        size("fixed_notional", "1000", mark=mark)


@pytest.mark.parametrize("equity", [None, 0.0, -5.0, float("nan")])
def test_without_equity_there_is_no_weight(equity: float | None) -> None:
    with pytest.raises(NoTarget, match="EQUITY_MISSING"):
        size("target_weight", "0.5", equity=equity)


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(NoTarget, match="SIGNAL_INVALID"):
        check_signal(a_signal(strength=strength))


def test_strength_at_its_ends_is_allowed_and_a_weight_must_be_a_number() -> None:
    check_signal(a_signal(strength=0.0))
    check_signal(a_signal(strength=1.0, target_weight=-2.0))
    with pytest.raises(NoTarget, match="target_weight"):
        check_signal(a_signal(target_weight=float("nan")))


def test_only_shares_of_equity_need_it() -> None:
    fixed, weight = Sizing(method="fixed_notional"), Sizing(method="target_weight")
    assert not needs_equity(a_signal(), fixed)
    assert needs_equity(a_signal(target_weight=0.1), fixed)
    assert needs_equity(a_signal(), weight)
    assert not needs_equity(a_signal("flat"), weight)


@given(
    st.floats(0.01, 1e6, allow_nan=False),
    st.floats(0.0, 1.0),
    st.sampled_from(["fixed_notional", "target_weight"]),
)
def test_a_size_never_costs_more_than_was_asked_for(mark: float, strength: float, method: Method) -> None:
    amount = "1000" if method == "fixed_notional" else "1"
    quantity = D(size(method, amount, mark=mark, strength=strength))
    assert quantity % D("0.001") == 0
    assert quantity * D(str(mark)) <= D(1000) * D(str(strength))
    assert (quantity + D("0.001")) * D(str(mark)) > D(1000) * D(str(strength)) * D("0.9999999999")
