"""Terms that only some venues have: what contradicts itself is no order anywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.messages.orders import OrderTerms, SpecialTerms
from actors.views.special_terms import fault_in_family, successor_of_trail, with_trail
from actors.views.terms import fault_in_terms
from tests.views.test_terms import INSTRUMENT

D = Decimal


def some_terms(**wanted: Any) -> OrderTerms:
    special = {name: wanted.pop(name) for name in list(wanted) if name in SpecialTerms.__struct_fields__}
    fields: dict[str, Any] = {
        "client_order_id": "a", "account": "main", "strategy": "s", "instrument": INSTRUMENT.id,
        "side": "buy", "order_type": "market", "quantity": D(1),
        "special": SpecialTerms(**special) if special else None,
    }  # fmt: skip
    return OrderTerms(**{**fields, **wanted})


def code(**wanted: Any) -> str:
    fault = fault_in_terms(some_terms(**wanted), INSTRUMENT, 100.0)
    return "" if fault is None else fault[0]


A_TRAIL_LIMIT: dict[str, Any] = {
    "order_type": "trailing_stop_limit", "trail": D(1), "trail_start": D(95), "limit_offset": D(0),
}  # fmt: skip
CASES: list[tuple[str, dict[str, Any]]] = [
    ("", {"order_type": "trailing_stop", "trail": D("0.5")}),
    ("", {"order_type": "trailing_stop", "trail": D("0.02"), "trail_is_fraction": True}),
    ("", {"order_type": "trailing_stop", "trail": D(1), "trail_start": D(95)}),
    ("", A_TRAIL_LIMIT),
    ("ORDER_FIELD_MISSING", A_TRAIL_LIMIT | {"limit_offset": None}),
    ("ORDER_FIELD_MISSING", A_TRAIL_LIMIT | {"trail_start": None}),
    ("ORDER_FIELD_MISSING", A_TRAIL_LIMIT | {"trail": None}),
    ("ORDER_FIELD_NOT_ALLOWED", A_TRAIL_LIMIT | {"price": D(95)}),
    ("ORDER_FIELD_NOT_ALLOWED", A_TRAIL_LIMIT | {"order_type": "trailing_stop"}),
    ("ORDER_FIELD_NOT_ALLOWED", {"trail_start": D(95)}),
    ("TRAIL_INVALID", A_TRAIL_LIMIT | {"limit_offset": D(-1)}),
    ("TRAIL_INVALID", A_TRAIL_LIMIT | {"trail_start": D(0)}),
    ("TRAIL_NOT_ON_TICK", A_TRAIL_LIMIT | {"limit_offset": D("0.7")}),
    ("TRAIL_NOT_ON_TICK", A_TRAIL_LIMIT | {"trail_start": D("94.7")}),
    ("ORDER_FIELD_MISSING", {"order_type": "trailing_stop"}),
    ("ORDER_FIELD_NOT_ALLOWED", {"trail": D(1)}),
    ("ORDER_FIELD_NOT_ALLOWED", {"order_type": "trailing_stop", "trail": D(1), "stop_price": D(90)}),
    ("TRAIL_INVALID", {"order_type": "trailing_stop", "trail": D(0)}),
    ("TRAIL_INVALID", {"order_type": "trailing_stop", "trail": D("NaN")}),
    ("TRAIL_INVALID", {"order_type": "trailing_stop", "trail": D(1), "trail_is_fraction": True}),
    ("TRAIL_NOT_ON_TICK", {"order_type": "trailing_stop", "trail": D("0.7")}),
    ("TERMS_CONTRADICT", {"order_type": "trailing_stop", "trail": D(1), "time_in_force": "ioc"}),
    ("", {"time_in_force": "gtd", "good_till": 1}),
    ("ORDER_FIELD_MISSING", {"time_in_force": "gtd"}),
    ("ORDER_FIELD_NOT_ALLOWED", {"good_till": 1}),
    ("", {"time_in_force": "opg"}),
    ("TERMS_CONTRADICT", {"time_in_force": "cls", "order_type": "stop", "stop_price": D(90)}),
    ("TERMS_CONTRADICT", {"time_in_force": "cls", "outside_hours": True}),
    (
        "POST_ONLY_NOT_ALLOWED",
        {"time_in_force": "opg", "order_type": "limit", "price": D(90), "post_only": True},
    ),
    ("", {"adaptive": "patient", "time_in_force": "day"}),
    ("TERMS_CONTRADICT", {"adaptive": "patient", "time_in_force": "ioc"}),
    ("TERMS_CONTRADICT", {"adaptive": "patient", "order_type": "stop", "stop_price": D(90)}),
    ("", {"oca_group": "g", "oca_kind": "reduce"}),
    ("ORDER_FIELD_NOT_ALLOWED", {"oca_kind": "reduce"}),
    ("OCA_GROUP_INVALID", {"oca_group": ""}),
    ("OCA_GROUP_INVALID", {"oca_group": "é"}),
    ("TERMS_CONTRADICT", {"parent": "a"}),
]


@pytest.mark.parametrize(("expected", "wanted"), CASES)
def test_what_contradicts_itself_is_no_order(expected: str, wanted: dict[str, Any]) -> None:
    assert code(**wanted) == expected


def test_what_takes_the_place_of_a_trail_need_not_say_where_it_begins() -> None:
    after = successor_of_trail(some_terms(**A_TRAIL_LIMIT, replaces="z"), D(2))
    assert after.special == SpecialTerms(trail=D(2), limit_offset=D(0))
    assert fault_in_terms(after, INSTRUMENT, 100.0) is None


def test_a_bracket_is_one_family_of_opposite_sides_and_its_last_order_says_so() -> None:
    entry = some_terms(more_follow=True)
    first = some_terms(client_order_id="b", side="sell", parent="a", more_follow=True)
    last = some_terms(client_order_id="c", side="sell", parent="a")
    assert fault_in_family(entry, (first, last)) is None
    assert fault_in_family(some_terms(), ()) is None
    other = msgspec.structs.replace(last, instrument="ETHUSDT@binance")
    larger = msgspec.structs.replace(last, quantity=D("1.1"))
    for children in (
        (first,),
        (last, first),
        (first, first),
        (first, other),
        (first, larger),
        (first, entry),
    ):
        fault = fault_in_family(entry, children)
        assert fault is not None and fault[0] == "BRACKET_INVALID"  # noqa: PT018
    assert fault_in_family(entry, ()) is not None
    assert fault_in_family(last, ()) is not None


def test_a_new_trail_keeps_the_other_terms() -> None:
    terms = some_terms(order_type="trailing_stop", trail=D(1), oca_group="g")
    changed = with_trail(terms, D(2))
    assert (changed.trail, changed.special) == (D(2), SpecialTerms(trail=D(2), oca_group="g"))
    assert with_trail(terms, None) is terms
