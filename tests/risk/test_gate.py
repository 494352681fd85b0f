"""Orders beyond the plain ones at the gate: what a venue lacks, what groups and brackets count for."""

from __future__ import annotations

from typing import Any

import pytest

from actors.messages.base import Message
from actors.messages.orders import (
    ApprovedOrder,
    OrderDenied,
    OrderIntent,
    OrderTerms,
    ReplaceRequest,
    Side,
    SpecialTerms,
)
from actors.venues.binance.rules import BINANCE_RULES
from actors.venues.ib.rules import IB_RULES
from tests.risk.build import D, Rig, a_fill, a_quote, accepted, cancelled, limits, some_terms

ALL = IB_RULES.offer


def special_terms(
    side: Side = "sell", quantity: str = "1", price: str | None = None, **more: Any
) -> OrderTerms:
    """Keywords of the special terms go there, the others to the order."""
    special = {name: more.pop(name) for name in list(more) if name in SpecialTerms.__struct_fields__}
    return some_terms(side, quantity, price, special=SpecialTerms(**special) if special else None, **more)


def an_intent(terms: OrderTerms, *children: OrderTerms) -> OrderIntent:
    return OrderIntent(ts_event=0, terms=terms, mid_price=None, children=children)


def words(answers: list[Message]) -> list[str]:
    return [each.code if isinstance(each, OrderDenied) else "approved" for each in answers]


def verdict(rig: Rig, terms: OrderTerms) -> str:
    (word,) = words(rig.feed(an_intent(terms)))
    return word


def a_bracket(quantity: str = "2") -> tuple[OrderTerms, OrderTerms, OrderTerms]:
    entry = special_terms("buy", quantity, "100", more_follow=True)
    family: dict[str, Any] = {"parent": entry.client_order_id, "oca_group": entry.client_order_id}
    profit = special_terms("sell", quantity, "110", more_follow=True, **family)
    loss = special_terms("sell", quantity, order_type="stop", stop_price=D(90), **family)
    return entry, profit, loss


TRAIL_LIMIT: dict[str, Any] = {
    "order_type": "trailing_stop_limit", "trail": D(5), "trail_start": D(108), "limit_offset": D(1),
}  # fmt: skip
REFUSED_BY_BINANCE: list[tuple[str, dict[str, Any]]] = [
    ("ORDER_TYPE_NOT_SUPPORTED", {"order_type": "trailing_stop", "trail": D(1)}),
    ("ORDER_TYPE_NOT_SUPPORTED", TRAIL_LIMIT),
    ("TIME_IN_FORCE_NOT_SUPPORTED", {"price": "90", "time_in_force": "day"}),
    ("TIME_IN_FORCE_NOT_SUPPORTED", {"time_in_force": "cls"}),
    ("TIME_IN_FORCE_NOT_SUPPORTED", {"time_in_force": "opg"}),
    ("TIME_IN_FORCE_NOT_SUPPORTED", {"price": "90", "time_in_force": "gtd", "good_till": 10**18}),
    ("OUTSIDE_HOURS_NOT_SUPPORTED", {"price": "90", "outside_hours": True}),
    ("ADAPTIVE_NOT_SUPPORTED", {"adaptive": "normal"}),
    ("OCA_NOT_SUPPORTED", {"price": "90", "oca_group": "g"}),
    ("OCA_NOT_SUPPORTED", {"price": "90", "oca_group": "g", "oca_kind": "reduce"}),
    ("BRACKET_NOT_SUPPORTED", {"price": "90", "parent": "p"}),
]


@pytest.mark.parametrize(("code", "wanted"), REFUSED_BY_BINANCE)
def test_what_a_venue_does_not_have_is_denied_by_name_and_passes_where_it_exists(
    code: str, wanted: dict[str, Any]
) -> None:
    assert verdict(Rig(offer=BINANCE_RULES.offer), special_terms("buy", **wanted)) == code
    assert verdict(Rig(offer=ALL), special_terms("buy", **wanted)) == "approved"


def test_ib_has_no_post_only_orders_and_dates_in_the_past_are_none() -> None:
    rig = Rig(offer=ALL)
    assert verdict(rig, some_terms("buy", "1", "90", post_only=True)) == "POST_ONLY_NOT_SUPPORTED"
    rig.at(5).feed(a_quote(100.0))
    for good_till, word in ((5 * 10**9, "GOOD_TILL_PAST"), (5 * 10**9 + 1, "approved")):
        wanted = special_terms("buy", price="90", time_in_force="gtd", good_till=good_till)
        assert verdict(rig, wanted) == word


def test_a_trailing_purchase_is_counted_at_the_ask_and_its_distance_more() -> None:
    for cash, word in (("105", "approved"), ("104.99", "BALANCE_INSUFFICIENT")):
        rig = Rig(offer=ALL, is_cash_account=True).balance("USDT", cash)
        assert verdict(rig, special_terms("buy", order_type="trailing_stop", trail=D(5))) == word
    rig = Rig(offer=ALL, is_cash_account=True).balance("USDT", "150")
    wanted = special_terms("buy", order_type="trailing_stop", trail=D("0.5"), trail_is_fraction=True)
    assert verdict(rig, wanted) == "approved"
    assert rig.risk.available("main", "USDT") == 0


def test_a_trailing_purchase_with_a_limit_is_counted_at_the_limit_it_begins_with() -> None:
    for cash, word in (("109", "approved"), ("108.99", "BALANCE_INSUFFICIENT")):
        rig = Rig(offer=ALL, is_cash_account=True).balance("USDT", cash)
        assert verdict(rig, special_terms("buy", **TRAIL_LIMIT)) == word
    for offset, word in ((D(2), "approved"), (D("2.01"), "PRICE_OUTSIDE_COLLAR")):
        rig = Rig(limits(price_collar=0.1), offer=ALL)
        assert verdict(rig, special_terms("buy", **TRAIL_LIMIT | {"limit_offset": offset})) == word


def test_a_trail_keeps_to_the_collar_and_a_sale_is_sized_at_the_mark() -> None:
    for trail, word in ((D(10), "approved"), (D("10.01"), "PRICE_OUTSIDE_COLLAR")):
        rig = Rig(limits(price_collar=0.1), offer=ALL).hold("1")
        assert verdict(rig, special_terms(order_type="trailing_stop", trail=trail)) == word
    rig = Rig(limits(order_notional_max=D(100)), offer=ALL).hold("2")
    for quantity, word in (("1", "approved"), ("1.001", "ORDER_NOTIONAL_EXCEEDS_MAX")):
        assert verdict(rig, special_terms("sell", quantity, order_type="trailing_stop", trail=D(1))) == word


def test_a_changed_trail_is_checked_and_counted_like_a_new_one() -> None:
    rig = Rig(limits(price_collar=0.1), offer=ALL).hold("1")
    terms = special_terms(order_type="trailing_stop", trail=D(5))
    assert verdict(rig, terms) == "approved"
    rig.feed(accepted(terms))
    for number, (trail, code) in enumerate(
        ((D("10.01"), "PRICE_OUTSIDE_COLLAR"), (D("0.001"), "TRAIL_NOT_ON_TICK"))
    ):
        change = ReplaceRequest(
            ts_event=0, client_order_id=terms.client_order_id, new_client_order_id=f"new-{number}",
            quantity=D(1), price=None, trail=trail,
        )  # fmt: skip
        assert words(rig.feed(change)) == [code]


def test_orders_of_which_one_cancels_the_others_count_once() -> None:
    rig = Rig(offer=ALL, is_cash_account=True).balance("BTC", "2").balance("USDT", "1000").hold("2")
    group: dict[str, Any] = {"oca_group": "exit", "reduce_only": True}
    for terms in (
        special_terms("sell", "2", "110", **group),
        special_terms("sell", "2", order_type="stop", stop_price=D(90), **group),
    ):
        assert verdict(rig, terms) == "approved"
    assert rig.risk.available("main", "BTC") == 0
    assert verdict(rig, special_terms("sell", "2.001", "120", **group)) == "REDUCE_ONLY_EXCEEDS_POSITION"
    assert verdict(rig, some_terms("sell", "0.001", "120")) == "SHORT_ON_CASH_ACCOUNT"
    assert verdict(rig, special_terms("sell", "0.001", "120", oca_group="other")) == "SHORT_ON_CASH_ACCOUNT"


def test_orders_that_may_all_fill_count_each_and_those_that_reduce_each_other_once() -> None:
    for kind, word in (("reduce", "approved"), ("reduce_unblocked", "SHORT_ON_CASH_ACCOUNT")):
        rig = Rig(offer=ALL, is_cash_account=True).balance("BTC", "2").hold("2")
        assert verdict(rig, special_terms("sell", "2", "110", oca_group="g", oca_kind=kind)) == "approved"
        assert verdict(rig, special_terms("sell", "2", "120", oca_group="g", oca_kind=kind)) == word


def test_a_group_counts_as_its_largest_until_all_of_it_has_ended() -> None:
    rig = Rig(limits(position_max=D(3)), offer=ALL)
    small = special_terms("buy", "1", "90", oca_group="g")
    large = special_terms("buy", "3", "80", oca_group="g")
    assert [verdict(rig, small), verdict(rig, large)] == ["approved", "approved"]
    assert verdict(rig, some_terms("buy", "0.001", "70")) == "POSITION_EXCEEDS_MAX"
    rig.feed(cancelled(small))
    assert verdict(rig, some_terms("buy", "0.001", "70")) == "POSITION_EXCEEDS_MAX"
    rig.feed(cancelled(large))
    assert verdict(rig, some_terms("buy", "3", "70")) == "approved"


def test_fills_of_a_group_are_held_in_full_between_fill_and_booking() -> None:
    rig = Rig(limits(position_max=D(3)), offer=ALL)
    first, second = (special_terms("buy", "3", price, oca_group="g") for price in ("90", "80"))
    rig.feed(an_intent(first), an_intent(second), accepted(first), accepted(second))
    rig.feed(a_fill(first, "3", "0"))
    assert verdict(rig, some_terms("buy", "0.001", "70")) == "POSITION_EXCEEDS_MAX"
    rig.feed(cancelled(second))
    assert verdict(rig, some_terms("buy", "0.001", "70")) == "POSITION_EXCEEDS_MAX"
    rig.feed(rig.position(D(3), first.client_order_id, D(3)))
    assert verdict(rig, some_terms("buy", "0.001", "70")) == "POSITION_EXCEEDS_MAX"


def test_a_bracket_passes_whole_on_a_cash_account_and_its_exits_take_what_the_entry_brings() -> None:
    rig = Rig(limits(position_max=D(3)), offer=ALL, is_cash_account=True).balance("USDT", "200")
    entry, profit, loss = a_bracket()
    answers = rig.feed(an_intent(entry, profit, loss))
    approved = [each.terms for each in answers if isinstance(each, ApprovedOrder)]
    assert approved == [entry, profit, loss]
    assert [rig.risk.available("main", asset) for asset in ("USDT", "BTC")] == [D(0), D(0)]
    assert verdict(rig, some_terms("sell", "0.001", "120")) == "SHORT_ON_CASH_ACCOUNT"
    rig.feed(accepted(entry), a_fill(entry, "2", "0"), rig.position(D(2), entry.client_order_id, D(2)))
    rig.balance("BTC", "2").balance("USDT", "0")
    assert rig.risk.available("main", "BTC") == 0
    assert verdict(rig, some_terms("sell", "0.001", "120")) == "SHORT_ON_CASH_ACCOUNT"


def test_a_bracket_is_denied_whole_and_reserves_nothing() -> None:
    rig = Rig(limits(order_rate_max=2, order_rate_seconds=60.0), offer=ALL, is_cash_account=True)
    rig.balance("USDT", "200")
    entry, profit, loss = a_bracket()
    assert words(rig.feed(an_intent(entry, profit, loss))) == [
        "BRACKET_REFUSED", "BRACKET_REFUSED", "ORDER_RATE_EXCEEDS_MAX",
    ]  # fmt: skip
    assert rig.risk.available("main", "USDT") == 200
    assert [verdict(rig, some_terms("buy", "1", "90")) for _ in range(2)] == ["approved", "approved"]


def test_a_bracket_against_a_short_position_counts_its_exits_too() -> None:
    rig = Rig(limits(gross_exposure_max=D(500)), offer=ALL).hold("-4")
    entry, profit, loss = a_bracket("2")
    assert words(rig.feed(an_intent(entry, profit, loss)))[1] == "GROSS_EXPOSURE_EXCEEDS_MAX"
