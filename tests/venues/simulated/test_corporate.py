"""Splits and dividends: positions, equity to the cent, open orders by the usual US rule, cash in lieu."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.account import PositionChanged, TradeClosed
from actors.messages.clearing import ChargeBooked, PositionCharged, PositionSplit
from actors.messages.orders import OrderExpired, OrderRejected, OrderReplaced, SpecialTerms
from tests.venues.simulated.clearing_rig import ACME, DAY, PERP, Rig, fills, only

D = Decimal


def cash_account(**changes: Any) -> Rig:
    return Rig(**({"account_type": "cash", "fee_currency": "USD"} | changes))


def a_holder(quantity: str = "100", price: float = 90.0, **changes: Any) -> Rig:
    rig = cash_account(**changes)
    rig.quote(price)
    rig.order("buy", quantity)
    return rig


@pytest.mark.parametrize(
    ("after", "before", "held"),
    [("2", "1", 200), ("3", "2", 150), ("7", "3", 233), ("1", "30", 3), ("1", "3", 33), ("1", "101", 0)],
)
def test_equity_is_the_same_to_the_cent_across_a_split(after: str, before: str, held: int) -> None:
    rig = a_holder(price=90.17)
    was = rig.equity()
    split = only(PositionSplit, rig.split(after, before))
    assert rig.held() == rig.at_venue("ACME") == split.quantity == held
    assert rig.cash() == rig.at_venue() == D(10_000) - D("9017") + split.cash_in_lieu
    assert rig.equity() == pytest.approx(was, abs=0.01)
    assert set(rig.ledger.trial_balance("main").values()) == {D(0)}
    position = rig.ledger.positions("main")[0]
    assert position.realised_pnl == pytest.approx(D(0), abs=D("0.01"))
    rig.quote(90.17 * int(before) / int(after))
    assert rig.equity() == pytest.approx(was, abs=0.01)


def test_a_split_keeps_the_cost_and_is_no_trade() -> None:
    rig = a_holder()
    sent = rig.split("4", "1")
    change = only(PositionChanged, sent)
    assert (change.quantity, change.entry_price_average, change.realised_pnl) == (D(400), D("22.5"), D(0))
    assert not [m for m in sent if isinstance(m, TradeClosed)]
    rig.quote(25)
    closed = only(TradeClosed, rig.order("sell", "400"))
    assert (closed.quantity, closed.entry_price, closed.exit_price) == (D(400), D("22.5"), D(25))
    assert closed.realised_pnl == D(1_000)


def test_fractions_are_paid_and_the_account_has_whole_shares_for_its_strategies() -> None:
    rig = cash_account()
    rig.quote(30)
    rig.order("buy", "35", strategy="a")
    rig.order("buy", "70", strategy="b")
    split = only(PositionSplit, rig.split("3", "2"))
    # 52.5 and 105 of 157.5 shares at 20
    assert (split.quantity, split.price, split.cash_in_lieu) == (D(157), D(20), D(10))
    assert (rig.held(strategy="a"), rig.held(strategy="b")) == (D(52), D(105))
    assert rig.cash() == rig.at_venue() == D(10_000) - 105 * 30 + 10


def test_two_halves_make_one_share_for_the_first_and_its_price_for_the_second() -> None:
    rig = cash_account()
    rig.quote(30)
    rig.order("buy", "35", strategy="a")
    rig.order("buy", "71", strategy="b")
    rig.split("3", "2")
    assert (rig.held(strategy="a"), rig.held(strategy="b")) == (D(53), D(106))
    assert rig.cash() == rig.at_venue() == D(10_000) - 106 * 30
    rig.order("sell", "53", strategy="a")
    rig.order("sell", "106", strategy="b")
    a, b = rig.ledger.positions("main")
    assert (a.realised_pnl, b.realised_pnl) == (D(0), D(0))


def test_a_dividend_is_cash_and_neither_trade_nor_drawdown() -> None:
    rig = a_holder()
    was = rig.equity()
    sent = rig.dividend("0.45")
    assert only(PositionCharged, sent).amount == D(45)
    booked = only(ChargeBooked, sent)
    assert (booked.kind, booked.amount, booked.strategy) == ("dividend", D(45), "s")
    assert rig.equity() == was
    snapshot = rig.ledger.at_mark("main")
    assert (snapshot.drawdown, snapshot.realised_pnl) == (0.0, 0.0)
    (line,) = rig.ledger.attribution("main")
    assert (line.gross, line.dividends, line.net) == (D(-45), D(45), D(0))


def test_a_short_pays_the_dividend() -> None:
    rig = Rig()
    rig.quote(90)
    rig.order("sell", "100")
    assert only(PositionCharged, rig.dividend("0.45")).amount == D(-45)
    assert rig.cash() == rig.at_venue() == D(19_000) - 45
    assert rig.equity() == 10_000


def test_split_and_dividend_of_one_action_are_both_of_the_shares_held_before() -> None:
    rig = a_holder()
    rig.act(shares_after=D(2), dividend=D(10))
    assert (rig.held(), rig.cash()) == (D(200), D(10_000) - 9_000 + 1_000)
    assert rig.equity() == 10_000


def test_an_action_that_comes_again_changes_nothing() -> None:
    rig = a_holder()
    rig.split("2", "1", action_id="x")
    assert rig.split("2", "1", action_id="x") == []
    assert rig.held() == D(200)


ORDERS: dict[str, dict[str, Any]] = {
    "buy limit": {"side": "buy", "price": "81.07"},
    "sell limit": {"side": "sell", "price": "99.07"},
    "buy stop": {"side": "buy", "stop": "99.07"},
    "sell stop": {"side": "sell", "stop": "81.07"},
    "sell stop limit": {"side": "sell", "stop": "81.07", "price": "80.07"},
}


def after_action(order: str, *, policy: str = "us", **action: Any) -> Any:
    rig = a_holder(price=90, open_orders=policy)
    terms = dict(ORDERS[order])
    rig.order(terms.pop("side"), "7", terms.pop("price", None), **terms)
    sent = rig.act(**action)
    resting = rig.resting()
    if not resting:
        assert only(OrderExpired, sent).reason == "CORPORATE_ACTION"
        return None
    assert len([m for m in sent if isinstance(m, OrderReplaced)]) <= 1
    return " ".join(str(each) for each in resting[0][1:] if each is not None)


@pytest.mark.parametrize(
    ("order", "dividend", "split", "reverse", "all_split", "all_reverse"),
    [
        ("buy limit", "7 80.61", "10 54.04", None, "10 54.04", "3 162.14"),
        ("sell limit", "7 99.07", None, None, "10 66.05", "3 198.14"),
        ("buy stop", "7 99.07", None, None, "10 66.05", "3 198.14"),
        ("sell stop", "7 80.61", "10 54.04", None, "10 54.04", "3 162.14"),
        ("sell stop limit", "7 79.61 80.61", "10 53.38 54.04", None, "10 53.38 54.04", "3 160.14 162.14"),
    ],
)
def test_open_orders_follow_the_rule(
    order: str, dividend: str, split: str | None, reverse: str | None, all_split: str, all_reverse: str
) -> None:
    three_for_two: dict[str, Any] = {"shares_after": D(3), "shares_before": D(2)}
    one_for_two: dict[str, Any] = {"shares_before": D(2)}
    assert after_action(order, dividend=D("0.455")) == dividend
    assert after_action(order, dividend=D("0.009")) == after_action(order, dividend=D(0))
    assert after_action(order, **three_for_two) == split
    assert after_action(order, **one_for_two) == reverse
    assert after_action(order, policy="adjust", **three_for_two) == all_split
    assert after_action(order, policy="adjust", **one_for_two) == all_reverse
    assert after_action(order, policy="cancel", dividend=D("0.455")) is None


@pytest.mark.parametrize(
    ("special", "scaled", "stop", "price"),
    [
        (SpecialTerms(trail=D("4.5")), SpecialTerms(trail=D(3)), D(57), None),
        (SpecialTerms(trail=D("4.52")), SpecialTerms(trail=D("3.01")), D("56.99"), None),
        (SpecialTerms(trail=D("0.1"), trail_is_fraction=True), None, D(54), None),
        (
            SpecialTerms(trail=D("4.5"), trail_start=D(84), limit_offset=D("0.3")),
            SpecialTerms(trail=D(3), trail_start=D(56), limit_offset=D("0.2")),
            D(57),
            D("56.80"),
        ),
    ],
)
def test_what_trails_follows_as_closely_after_a_split_as_before(
    special: SpecialTerms, scaled: SpecialTerms | None, stop: Decimal, price: Decimal | None
) -> None:
    rig = a_holder(price=90)
    kind = "trailing_stop" if special.limit_offset is None else "trailing_stop_limit"
    rig.order("sell", "60", order_type=kind, special=special)
    rig.quote(90)
    rig.split("3", "2")
    (order,) = rig.venue.engine.open_orders("main")
    told = next(each.terms for each in rig.oms.orders() if not each.is_closed)
    assert order.quantity == told.quantity == D(90)
    if scaled is not None:
        assert told.special is not None
        assert (told.special.trail, told.special.limit_offset) == (scaled.trail, scaled.limit_offset)
    rig.quote(60)
    (order,) = rig.venue.engine.open_orders("main")
    assert order.special == (scaled or special)
    assert (order.stop_price, order.price) == (stop, price)
    rig.quote(62)
    (order,) = rig.venue.engine.open_orders("main")
    assert order.stop_price == (stop + 2 if not special.trail_is_fraction else D("55.80"))
    assert rig.restarted().bytes() == rig.bytes()


def test_a_trail_that_a_split_leaves_no_tick_of_is_cancelled() -> None:
    rig = a_holder(price=90)
    rig.order("sell", "60", order_type="trailing_stop", special=SpecialTerms(trail=D("0.01")))
    assert only(OrderExpired, rig.split("3", "2")).reason == "CORPORATE_ACTION"


def test_what_a_part_has_filled_stays_and_the_rest_is_adjusted() -> None:
    rig = cash_account()
    rig.quote(90, size=4.0)
    rig.order("buy", "10", "90")
    assert rig.held() == D(4)
    rig.split("2", "1")
    assert rig.resting() == [("buy", D(16), D(45), None)]
    sent = rig.quote(45)
    assert fills(sent) == [("buy", D(12), D(45), "maker")]
    assert rig.held() == D(20)
    assert rig.cash() == rig.at_venue() == D(10_000) - 900


def test_a_market_order_for_the_next_open_asks_for_as_much_after_a_split() -> None:
    rig = cash_account()
    rig.bar(90, 90, 90, 90)
    rig.order("buy", "10")
    rig.split("2", "1")
    assert fills(rig.bar(45, 45, 45, 45)) == [("buy", D(20), D(45), "taker")]
    assert rig.cash() == rig.at_venue() == D(9_100)


def test_an_adjusted_order_fills_nothing_by_its_old_price() -> None:
    rig = a_holder(price=90)
    rig.order("sell", "100", stop="80")
    assert not fills(rig.split("2", "1"))
    assert not fills(rig.quote(45))
    assert fills(rig.quote(40)) == [("sell", D(200), D(40), "taker")]


def test_sold_shares_pay_the_next_weekday_and_not_before() -> None:
    rig = a_holder("100", settlement_days=1)  # a Thursday
    rig.order("sell", "100")
    assert rig.cash() == rig.at_venue() == D(10_000)
    assert not fills(rig.order("buy", "12"))
    assert fills(rig.order("buy", "11"))
    rig.now = rig.now // DAY * DAY + DAY
    rig.quote(90)
    assert fills(rig.order("buy", "99"))


def test_friday_settles_on_monday() -> None:
    rig = cash_account(settlement_days=1)
    rig.now += DAY
    rig.quote(90)
    rig.order("buy", "111")
    rig.order("sell", "111")
    for days, can_buy in ((2, False), (1, True)):
        rig.now = rig.now // DAY * DAY + days * DAY
        rig.quote(90)
        assert bool(fills(rig.order("buy", "100"))) is can_buy


def test_a_cash_account_sells_nothing_short() -> None:
    rig = cash_account()
    rig.quote(90)
    assert not fills(rig.order("sell", "1"))
    assert rig.held(ACME) == D(0)


def test_contracts_need_a_margin_account() -> None:
    rig = cash_account()
    rig.quote(50_000, instrument=PERP)
    rejected = only(OrderRejected, rig.order("buy", "1", instrument=PERP))
    assert (rejected.code, rejected.text) == ("BAD_TERMS", "a perpetual needs a margin account")
