"""Margin accounts: what may be opened, what shorts bring, calls and liquidations; hand-worked figures."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from actors.messages.clearing import ChargeBooked, MarginCalled, PositionCharged
from actors.messages.orders import OrderExpired, OrderRejected
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.margin_settings import MarginRates, MarginSettings
from tests.venues.simulated.clearing_rig import ACME, DAY, PERP, Rig, fills, instruments, only

D = Decimal


def margin(**changes: Any) -> dict[str, Any]:
    return {"margin": MarginSettings(**changes)}


def account(rig: Rig) -> MarginAccount:
    found = rig.venue.engine.desk.accounts["main"]
    assert isinstance(found, MarginAccount)
    return found


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(("quantity", "is_taken"), [("200", True), ("201", False)])
def test_twice_the_equity_can_be_opened_either_way_and_not_a_share_more(
    side: Any, quantity: str, is_taken: bool
) -> None:
    rig = Rig()
    rig.quote(100)
    sent = rig.order(side, quantity)
    if is_taken:
        assert fills(sent) == [(side, D(quantity), D(100), "taker")]
    else:
        assert only(OrderRejected, sent).code == "INSUFFICIENT_MARGIN"


def test_open_orders_count_at_their_worst_and_those_that_reduce_always_pass() -> None:
    rig = Rig()
    rig.quote(100)
    rig.order("buy", "150", "99")
    assert only(OrderRejected, rig.order("buy", "60", "99")).code == "INSUFFICIENT_MARGIN"
    rig.order("sell", "190", "101")  # the two can not both be worst
    rig.quote(98)
    assert rig.held() == D(150)
    assert not [m for m in rig.order("sell", "10") if isinstance(m, OrderRejected)]
    assert rig.held() == D(140)


def test_proceeds_of_a_short_sale_buy_nothing_and_cannot_be_withdrawn() -> None:
    rig = Rig()
    rig.quote(100)
    assert account(rig).buying_power(instruments()[ACME]) == D(20_000)
    rig.order("sell", "100")
    assert rig.cash() == rig.at_venue() == D(20_000)
    assert rig.equity() == 10_000
    assert account(rig).buying_power(instruments()[ACME]) == D(10_000)
    assert not rig.venue.engine.transfer("main", "USD", D(-5_001))
    assert rig.venue.engine.transfer("main", "USD", D(-5_000))


def test_a_short_is_bought_back_by_reduce_only_orders_and_never_beyond() -> None:
    rig = Rig()
    rig.quote(100)
    rig.order("sell", "10")
    assert fills(rig.order("buy", "15", reduce_only=True)) == [("buy", D(10), D(100), "taker")]
    assert only(OrderRejected, rig.order("buy", "1", reduce_only=True)).code == "REDUCE_ONLY"


def test_a_market_order_opens_no_more_than_equity_covers_when_it_fills() -> None:
    rig = Rig()
    rig.bar(100, 100, 100, 100)
    rig.order("buy", "200")
    sent = rig.bar(125, 125, 125, 125)
    assert fills(sent) == [("buy", D(160), D(125), "taker")]
    assert only(OrderExpired, sent).reason == "INSUFFICIENT_BALANCE"


def test_an_account_below_maintenance_is_called_and_closed_as_far_as_needed() -> None:
    # 200 shares at 100 on 10,000: at p equity is 200 p - 10,000, required 50 p, so called below 66.67
    rig = Rig()
    rig.quote(100)
    rig.order("buy", "200")
    rig.order("sell", "5", "120")
    assert rig.quote(66.67) == []
    sent = rig.quote(66)
    called = only(MarginCalled, sent)
    assert (called.equity, called.requirement) == (D(3_200), D(3_300))
    # 100 are missing, and a share frees 66 × 0.25 = 16.5: seven
    assert only(OrderExpired, sent).reason == "MARGIN_CALL"
    assert fills(sent) == [("sell", D(7), D(66), "liquidation")]
    assert rig.held() == D(193)
    assert rig.cash() == rig.at_venue() == D(-10_000) + 7 * 66
    assert account(rig).equity() == D(3_200) >= account(rig).maintenance()


def test_a_short_that_rises_is_bought_back_at_the_next_open() -> None:
    rig = Rig(**margin(liquidation="all"))
    rig.bar(100, 100, 100, 100)
    rig.order("sell", "150")
    rig.bar(100, 100, 100, 100)
    # at 129: equity 25,000 - 150 × 129 = 5,650, required 150 × 129 × 0.3 = 5,805
    assert fills(rig.bar(101, 130, 101, 129)) == []
    assert fills(rig.bar(135, 140, 130, 131)) == [("buy", D(150), D(135), "liquidation")]
    assert rig.held() == 0
    assert rig.cash() == rig.at_venue() == D(25_000) - 150 * 135


def test_a_call_waits_for_its_deadline_and_is_withdrawn_when_equity_is_back() -> None:
    rig = Rig(**margin(call_seconds=60))
    rig.quote(100)
    rig.order("buy", "200")
    assert only(MarginCalled, rig.quote(66)).deadline == rig.now + 60 * 10**9
    rig.wait(58)
    assert rig.quote(66) == []
    rig.quote(70)
    only(MarginCalled, rig.quote(66))
    rig.wait(60)
    assert fills(rig.quote(66)) == [("sell", D(7), D(66), "liquidation")]


def test_the_dearest_position_goes_first() -> None:
    rates = {PERP: MarginRates(initial=D("0.1"), maintenance=D("0.05"))}
    rig = Rig(**margin(rates=rates))
    rig.quote(100)
    rig.quote(50_000, instrument=PERP)
    rig.order("buy", "100")
    rig.order("buy", "80", instrument=PERP)  # notional 40,000
    # equity 10,000 + 80 × 0.01 × (42,000 - 50,000) = 3,600 < 2,500 + 1,680
    sent = rig.quote(42_000, instrument=PERP)
    assert fills(sent) == [("sell", D(24), D(100), "liquidation")]
    assert rig.held() == D(76)
    assert rig.held(PERP) == D(80)


def test_borrowed_shares_and_owed_cash_cost_a_day_at_its_end() -> None:
    rig = Rig(**margin(borrow={ACME: D("0.036"), "spot": D(9)}, interest=D("0.072")))
    rig.quote(100)
    rig.order("sell", "100")
    rig.now = rig.now // DAY * DAY + DAY
    sent = rig.quote(100)
    # 100 × 100 × 0.036 / 360
    charge = only(PositionCharged, sent)
    assert (charge.kind, charge.amount, charge.quantity) == ("borrow", D(-1), D(-100))
    booked = only(ChargeBooked, sent)
    assert (booked.strategy, booked.amount) == ("s", D(-1))
    rig.order("buy", "290")
    rig.now += DAY
    charge = only(PositionCharged, rig.quote(100))
    assert (charge.kind, charge.amount) == ("interest", -D(9_001) * D("0.072") / 360)
    assert rig.cash() == rig.at_venue()


def test_funding_goes_from_longs_to_shorts_at_the_rate_and_mark_of_its_time() -> None:
    rig = Rig()
    rig.quote(50_000, instrument=PERP)
    rig.order("buy", "10", instrument=PERP, strategy="a")
    rig.order("sell", "4", instrument=PERP, strategy="b")
    sent = rig.fund(0.0001, 51_000.0)
    # net 6 contracts of 0.01: 60 × 51 × 0.0001
    assert only(PositionCharged, sent).amount == D("-0.306")
    assert [(m.strategy, m.amount) for m in sent if isinstance(m, ChargeBooked)] == [
        ("a", D("-0.51")),
        ("b", D("0.204")),
    ]
    assert rig.cash() == rig.at_venue() == D("9999.694")


def test_contracts_pay_what_they_gain_and_nothing_else() -> None:
    rig = Rig()
    rig.quote(50_000, instrument=PERP)
    rig.order("buy", "10", instrument=PERP)
    assert rig.cash() == D(10_000)
    rig.quote(50_100, instrument=PERP)
    assert rig.equity() == 10_010
    rig.order("sell", "4", instrument=PERP)
    assert rig.cash() == rig.at_venue() == D(10_004)
    assert rig.equity() == 10_010
    rig.order("sell", "10", instrument=PERP)  # through zero
    assert (rig.held(PERP), rig.cash()) == (D(-4), D(10_010))
    assert set(rig.ledger.trial_balance("main").values()) == {D(0)}


def test_two_strategies_against_each_other_are_one_account() -> None:
    rig = Rig()
    rig.quote(50_000, instrument=PERP)
    rig.order("buy", "10", instrument=PERP, strategy="a")
    rig.quote(51_000, instrument=PERP)
    rig.order("sell", "10", instrument=PERP, strategy="b")
    assert rig.cash() == rig.at_venue() == D(10_100)
    rig.quote(53_000, instrument=PERP)
    assert rig.equity() == 10_100
    assert [p.realised_pnl for p in rig.ledger.positions("main")] == [D(0), D(0)]


def test_another_currency_than_the_accounts_is_refused() -> None:
    rig = Rig(**margin(currency="EUR"))
    rig.quote(100)
    assert only(OrderRejected, rig.order("buy", "1")).code == "BAD_TERMS"


def test_restarted_anywhere_it_goes_on_to_the_same_bytes() -> None:
    def life(restarts: bool) -> bytes:
        rig = Rig(**margin(borrow={"equity": D("0.1")}, call_seconds=5))
        steps: list[Callable[[Rig], Any]] = [
            lambda r: r.quote(100),
            lambda r: r.order("sell", "120"),
            lambda r: r.quote(50_000, instrument=PERP),
            lambda r: r.order("buy", "9", instrument=PERP),
            lambda r: r.split("3", "2"),
            lambda r: r.fund(0.001),
            lambda r: r.wait(86_400),
            lambda r: r.quote(90),
            lambda r: r.wait(6),
            lambda r: r.quote(91),
            lambda r: r.dividend("0.5"),
        ]
        for step in steps:
            step(rig)
            if restarts:
                before = rig.bytes()
                rig = rig.restarted()
                assert rig.bytes() == before
        return rig.bytes()

    assert life(True) == life(False)
