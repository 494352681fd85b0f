"""Each rule at its boundary, from both sides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.control import Flatten, Scope
from actors.messages.market import Bar, FeedStatus, InstrumentUpdate
from actors.messages.orders import OrderDenied, OrderIntent, ReplaceRequest, Side
from tests.risk.build import (
    BTC,
    ETH,
    ETHBTC,
    INSTRUMENTS,
    SECOND,
    Rig,
    a_quote,
    accepted,
    an_instrument,
    an_intent,
    cancelled,
    command,
    limits,
    some_terms,
)

D = Decimal


@pytest.mark.parametrize(
    ("quantity", "expected"), [("2", "approved"), ("2.001", "ORDER_QUANTITY_EXCEEDS_MAX")]
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_order_quantity(side: Side, quantity: str, expected: str) -> None:
    assert Rig(limits(order_quantity_max=D(2))).verdict(side, quantity) == expected


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        ("10", "100", "approved"),
        ("10", "100.01", "ORDER_NOTIONAL_EXCEEDS_MAX"),
        ("10", None, "approved"),
        ("10.001", None, "ORDER_NOTIONAL_EXCEEDS_MAX"),
    ],
)
def test_order_notional_at_the_limit_price_else_the_mid(
    quantity: str, price: str | None, expected: str
) -> None:
    rig = Rig(limits(order_notional_max=D(1000)))
    rig.feed(a_quote(100.0, spread=8.0))
    assert rig.verdict("buy", quantity, price) == expected


def test_a_refusal_carries_its_figures() -> None:
    rig = Rig(limits(order_notional_max=D(1000)))
    denied = rig.only(OrderDenied, an_intent("buy", "11", "100"))
    assert denied.reason == "ORDER_NOTIONAL_EXCEEDS_MAX: notional=1100, max=1000"
    assert (denied.account, denied.strategy, denied.instrument) == ("main", "s", BTC)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("105", "approved"),
        ("95", "approved"),
        ("105.01", "PRICE_OUTSIDE_COLLAR"),
        ("94.99", "PRICE_OUTSIDE_COLLAR"),
    ],
)
@pytest.mark.parametrize("kind", ["limit", "stop"])
def test_price_collar(kind: str, price: str, expected: str) -> None:
    rig = Rig(limits(price_collar=0.05))
    if kind == "limit":
        assert rig.verdict("buy", "1", price) == expected
    else:
        assert rig.verdict("buy", "1", None, order_type="stop", stop_price=D(price)) == expected


@pytest.mark.parametrize(
    ("held", "side", "price", "expected"),
    [
        ("1", "sell", "120", "approved"),
        ("1", "sell", "94.99", "PRICE_OUTSIDE_COLLAR"),
        ("-1", "buy", "80", "approved"),
        ("-1", "buy", "105.01", "PRICE_OUTSIDE_COLLAR"),
        ("1", "buy", "80", "PRICE_OUTSIDE_COLLAR"),
        ("0.5", "sell", "120", "PRICE_OUTSIDE_COLLAR"),
    ],
)
def test_a_limit_that_takes_profit_is_outside_no_collar(
    held: str, side: Side, price: str, expected: str
) -> None:
    assert Rig(limits(price_collar=0.05)).hold(held).verdict(side, "1", price) == expected


@pytest.mark.parametrize(
    ("side", "held", "open_side", "quantity", "expected"),
    [
        ("buy", "2", "buy", "2", "approved"),
        ("buy", "2", "buy", "2.001", "POSITION_EXCEEDS_MAX"),
        ("buy", "2", "sell", "3", "approved"),
        ("buy", "2", "sell", "3.001", "POSITION_EXCEEDS_MAX"),
        ("sell", "-2", "sell", "2", "approved"),
        ("sell", "-2", "sell", "2.001", "POSITION_EXCEEDS_MAX"),
        ("sell", "2", "buy", "7", "approved"),
        ("sell", "2", "buy", "7.001", "POSITION_EXCEEDS_MAX"),
    ],
)
def test_position_counts_what_is_held_and_open_on_the_same_side(
    side: Side, held: str, open_side: Side, quantity: str, expected: str
) -> None:
    rig = Rig(limits(position_max=D(5))).hold(held)
    assert rig.verdict(open_side, "1") == "approved"
    assert rig.verdict(side, quantity) == expected


def test_a_position_above_its_limit_may_shrink_but_not_grow() -> None:
    rig = Rig(limits(position_max=D(1), gross_exposure_max=D(50))).hold("5")
    assert rig.verdict("buy", "0.001") == "POSITION_EXCEEDS_MAX"
    assert rig.verdict("sell", "2") == "approved"


@pytest.mark.parametrize(
    ("quantity", "price", "expected"),
    [
        ("6", "100", "approved"),
        ("6.001", "100", "BALANCE_INSUFFICIENT"),
        ("6", None, "approved"),
        ("6.001", None, "BALANCE_INSUFFICIENT"),
    ],
)
def test_a_purchase_needs_the_balance_net_of_open_purchases(
    quantity: str, price: str | None, expected: str
) -> None:
    rig = Rig(is_cash_account=True).balance("USDT", "1000")
    assert rig.verdict("buy", "4", "100") == "approved"
    assert rig.verdict(instrument=ETH, quantity="1000") == "BALANCE_INSUFFICIENT"
    assert rig.verdict("buy", quantity, price) == expected


def test_a_market_purchase_is_counted_at_the_ask_and_the_margin() -> None:
    rig = Rig(limits(market_margin=0.01), is_cash_account=True).balance("USDT", "1020.1")
    rig.feed(a_quote(100.0, spread=2.0))
    assert rig.verdict("buy", "10.001") == "BALANCE_INSUFFICIENT"
    assert rig.verdict("buy", "10") == "approved"
    assert rig.risk.available("main", "USDT") == 0


def test_a_stop_purchase_is_counted_at_its_trigger_and_the_margin() -> None:
    rig = Rig(limits(market_margin=0.01), is_cash_account=True).balance("USDT", "111.1")
    stop: dict[str, Any] = {"order_type": "stop", "stop_price": D(110)}
    assert rig.verdict("buy", "1.001", **stop) == "BALANCE_INSUFFICIENT"
    assert rig.verdict("buy", "1", **stop) == "approved"


@pytest.mark.parametrize(("quantity", "expected"), [("1.5", "approved"), ("1.501", "SHORT_ON_CASH_ACCOUNT")])
def test_a_cash_account_sells_only_what_it_holds_and_has_not_offered(quantity: str, expected: str) -> None:
    rig = Rig(is_cash_account=True).balance("BTC", "2")
    assert rig.verdict("sell", "0.5", "105") == "approved"
    assert rig.verdict("sell", quantity) == expected


def test_what_pays_for_one_instrument_cannot_be_sold_through_another() -> None:
    rig = Rig(is_cash_account=True).balance("BTC", "2")
    assert rig.verdict("buy", "10", "0.1", instrument=ETHBTC) == "approved"
    assert rig.verdict("sell", "1.001") == "SHORT_ON_CASH_ACCOUNT"
    assert rig.verdict("sell", "1") == "approved"
    assert rig.verdict("buy", "0.01", "0.1", instrument=ETHBTC) == "BALANCE_INSUFFICIENT"


def test_a_margin_account_may_sell_short_and_buy_on_credit() -> None:
    rig = Rig()
    assert rig.verdict("sell", "5") == "approved"
    assert rig.verdict("buy", "50") == "approved"


@pytest.mark.parametrize(
    ("quantity", "expected"), [("3", "approved"), ("3.001", "GROSS_EXPOSURE_EXCEEDS_MAX")]
)
def test_gross_exposure_sums_all_instruments_at_their_worst(quantity: str, expected: str) -> None:
    rig = Rig(limits(gross_exposure_max=D(1000))).hold("-4").hold("20", ETH)
    assert rig.verdict("buy", "10", instrument=ETH) == "approved"  # |-4| * 100 + 30 * 10 = 700
    assert rig.verdict("sell", quantity) == expected


def test_gross_exposure_of_the_other_side_is_free_up_to_the_worst() -> None:
    rig = Rig(limits(gross_exposure_max=D(400))).hold("-4")
    assert rig.verdict("buy", "8") == "approved"  # at worst +4 instead of -4
    assert rig.verdict("buy", "0.001") == "GROSS_EXPOSURE_EXCEEDS_MAX"


def test_gross_exposure_that_cannot_be_valued_is_not_guessed() -> None:
    rig = Rig(limits(gross_exposure_max=D(10_000)))
    rig.feed(*(rig.position(D(1), None, D(0), name) for name in (ETHBTC,)))
    del rig.sequencer.market.quotes[ETHBTC]
    assert rig.verdict("buy", "1") == "EXPOSURE_NOT_PRICED"


def test_order_rate_is_a_sliding_window() -> None:
    rig = Rig(limits(order_rate_max=2, order_rate_seconds=10.0))
    assert [rig.at(t).verdict() for t in (0.0, 4.0, 5.0)] == [
        "approved",
        "approved",
        "ORDER_RATE_EXCEEDS_MAX",
    ]
    assert rig.at(9.999999999).verdict() == "ORDER_RATE_EXCEEDS_MAX"
    assert [rig.at(10.0).verdict() for _ in range(2)] == ["approved", "ORDER_RATE_EXCEEDS_MAX"]


def test_order_rate_is_per_account_and_denied_orders_do_not_count() -> None:
    rig = Rig(limits(order_rate_max=1, order_quantity_max=D(1)))
    assert rig.verdict("buy", "2") == "ORDER_QUANTITY_EXCEEDS_MAX"
    assert rig.verdict() == "approved"
    assert rig.verdict(account="second", strategy="far") == "approved"


@pytest.mark.parametrize(("age", "expected"), [(10.0, "approved"), (10.000000001, "PRICE_STALE")])
def test_price_age(age: float, expected: str) -> None:
    rig = Rig(limits(price_age_max_seconds=10.0))
    rig.feed(a_quote(100.0, ts_event=5 * SECOND))
    rig.sequencer.now = 5 * SECOND + round(age * SECOND)
    assert rig.verdict() == expected


@pytest.mark.parametrize(
    ("spread", "expected"), [(0.0, "approved"), (-0.01, "PRICE_CROSSED"), (300.0, "PRICE_INVALID")]
)
def test_crossed_and_impossible_quotes(spread: float, expected: str) -> None:
    rig = Rig()
    rig.feed(a_quote(100.0, spread=spread))
    assert rig.verdict() == expected


@pytest.mark.parametrize("mid", [float("nan"), float("inf"), 0.0, -5.0])
def test_a_price_that_cannot_be_true_opens_nothing_and_closes_still(mid: float) -> None:
    rig = Rig(limits(price_collar=0.05, order_notional_max=D(10), gross_exposure_max=D(1))).hold("1")
    rig.feed(a_quote(mid))
    assert rig.verdict("buy") == "PRICE_INVALID"
    assert rig.verdict("sell", "1") == "approved"


def test_no_price_at_all_opens_nothing() -> None:
    rig = Rig()
    del rig.sequencer.market.quotes[BTC]
    assert rig.verdict() == "PRICE_MISSING"
    rig.feed(a_bar())
    assert rig.verdict() == "approved"


def a_bar() -> Bar:
    return Bar(
        ts_event=0, instrument=BTC, interval_ns=SECOND, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0
    )


@pytest.mark.parametrize(
    ("status", "expected"), [("live", "approved"), ("stale", "FEED_NOT_LIVE"), ("down", "FEED_NOT_LIVE")]
)
def test_a_feed_that_is_not_live_opens_nothing(status: Any, expected: str) -> None:
    rig = Rig().hold("1", ETH)
    rig.feed(FeedStatus(ts_event=0, instrument=BTC, status=status, reason="silent"))
    assert rig.verdict() == expected
    assert rig.verdict("sell", "1", instrument=ETH) == "approved"


def test_stale_data_lets_reductions_pass() -> None:
    rig = Rig(limits(price_age_max_seconds=1.0)).hold("1").at(60.0)
    assert rig.verdict("sell", "1.001") == "PRICE_STALE"
    assert rig.verdict("sell", "1") == "approved"


def test_only_allowed_instruments_are_opened_and_any_is_closed() -> None:
    rig = Rig(limits(allowed_instruments=(ETH,))).hold("1")
    assert rig.verdict("buy") == "INSTRUMENT_NOT_ALLOWED"
    assert rig.verdict("buy", instrument=ETH) == "approved"
    assert rig.verdict("sell") == "approved"
    assert rig.verdict(instrument="DOGEUSDT@binance") == "INSTRUMENT_NOT_ALLOWED"


def test_an_instrument_that_its_venue_does_not_trade_now_is_left_alone() -> None:
    rig = Rig().hold("1")
    definition = INSTRUMENTS[BTC]
    rig.feed(InstrumentUpdate(ts_event=0, instrument=BTC, definition=definition, is_trading=False))
    assert rig.verdict("sell") == "INSTRUMENT_NOT_TRADING"
    assert rig.verdict("sell", "0.1", "100", time_in_force="day") == "INSTRUMENT_NOT_TRADING"
    assert rig.verdict("sell", "0.1", "100", time_in_force="gtc") == "approved"
    rig.feed(InstrumentUpdate(ts_event=0, instrument=BTC, definition=definition, is_trading=True))
    assert rig.verdict("sell", "0.8") == "approved"


@pytest.mark.parametrize(
    ("held", "side", "quantity", "expected"),
    [
        ("3", "sell", "2", "approved"),
        ("3", "sell", "2.001", "REDUCE_ONLY_EXCEEDS_POSITION"),
        ("3", "buy", "0.001", "REDUCE_ONLY_EXCEEDS_POSITION"),
        ("-3", "buy", "2", "approved"),
        ("-3", "buy", "2.001", "REDUCE_ONLY_EXCEEDS_POSITION"),
        ("0", "sell", "0.001", "REDUCE_ONLY_EXCEEDS_POSITION"),
    ],
)
def test_reduce_only_is_sized_against_the_position_less_open_reductions(
    held: str, side: Side, quantity: str, expected: str
) -> None:
    rig = Rig().hold(held)
    if held != "0":
        assert rig.verdict(side if quantity != "0.001" else "sell", "1") == "approved"
    assert rig.verdict(side, quantity, reduce_only=True) == expected


def test_an_open_reduction_holds_its_part_until_it_is_settled() -> None:
    rig = Rig().hold("3")
    first = some_terms("sell", "2", "101")
    rig.feed(type(an_intent())(ts_event=0, terms=first, mid_price=None))
    assert rig.verdict("sell", "3", reduce_only=True) == "REDUCE_ONLY_EXCEEDS_POSITION"
    rig.feed(cancelled(first))
    assert rig.verdict("sell", "3", reduce_only=True) == "approved"


def test_a_flatten_goal_is_not_held_up_by_limits_for_wishes() -> None:
    strict = limits(
        order_quantity_max=D(1), order_notional_max=D(1), order_rate_max=0, price_age_max_seconds=0.0
    )
    rig = Rig(strict).hold("5").at(60.0)
    assert rig.verdict("sell", "5", reduce_only=True) == "ORDER_QUANTITY_EXCEEDS_MAX"
    rig.feed(command(Flatten, Scope(account="main")))
    assert rig.verdict("sell", "5") == "ORDER_QUANTITY_EXCEEDS_MAX"
    assert rig.verdict("sell", "5.001", reduce_only=True) == "STATE_REDUCE_ONLY"
    assert rig.verdict("sell", "5", reduce_only=True) == "approved"


def test_an_account_or_strategy_nobody_configured_is_denied() -> None:
    rig = Rig()
    assert rig.verdict(account="nobody") == "ACCOUNT_NOT_CONFIGURED"
    assert rig.verdict(strategy="nobody") == "STRATEGY_NOT_CONFIGURED"
    assert rig.verdict(strategy="far") == "STRATEGY_NOT_CONFIGURED"


def test_an_order_id_is_approved_once() -> None:
    rig = Rig()
    assert rig.verdict(client_order_id="same") == "approved"
    assert rig.verdict(client_order_id="same") == "ORDER_ID_NOT_NEW"


def test_a_replace_keeps_to_the_steps_that_the_venue_has_now() -> None:
    rig = Rig()
    terms = some_terms("buy", "1", "99")
    rig.feed(OrderIntent(ts_event=0, terms=terms, mid_price=None), accepted(terms))
    coarse = an_instrument(tick_size=D(5))
    rig.feed(InstrumentUpdate(ts_event=0, instrument=BTC, definition=coarse, is_trading=True))
    request = ReplaceRequest(
        ts_event=0,
        client_order_id=terms.client_order_id,
        new_client_order_id="successor",
        quantity=D(1),
        price=D(98),
    )
    assert rig.only(OrderDenied, request).code == "PRICE_NOT_ON_TICK"
