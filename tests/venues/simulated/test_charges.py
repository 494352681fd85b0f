"""Fee schedules, by hand-worked figures and the brokers' own examples."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import ConfigError
from actors.venues.simulated.charges import Charge
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import Filled, VenueEvent
from actors.venues.simulated.fee_presets import PRESETS
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_quote,
    an_engine,
    an_instrument,
    held,
    restored,
    settings,
)

SHARES = {"base": "BTC", "quote": "USDT", "lot_size": D(1), "notional_min": D(0)}


def an_exchange(money: str = "10000000", **changes: Any) -> MatchingEngine:
    balances = {"USDT": D(money), "BTC": D(100_000)}
    return an_engine(instrument=an_instrument(**SHARES), opening_balances=balances, **changes)


def fees_of(events: list[VenueEvent]) -> list[Any]:
    return [event.fee for event in events if isinstance(event, Filled)]


def fee_of(side: str, quantity: str, price: float, **changes: Any) -> Any:
    """What one order that fills at once costs."""
    engine = an_exchange(**changes)
    engine.on_quote(a_quote(price, price, sizes=(1e9, 1e9)), 1)
    (fee,) = fees_of(engine.submit(Orders()(side, quantity), 2))
    return fee


@pytest.mark.parametrize(
    ("quantity", "price", "fee"), [("100", 25, "1.00"), ("1000", 25, "5.00"), ("1000", 0.25, "2.50")]
)
def test_ib_fixed_costs_what_its_price_list_gives_as_examples(quantity: str, price: float, fee: str) -> None:
    assert fee_of("buy", quantity, price, fees="ib-us-stocks-fixed") == D(fee)


def test_ib_passes_on_what_a_sale_owes_the_regulators() -> None:
    # 0.005 × 1000 = 5.00; SEC 0.0000278 × 25,000 = 0.695 → 0.70; TAF 0.000166 × 1000 = 0.166 → 0.17
    assert fee_of("sell", "1000", 25, fees="ib-us-stocks-fixed") == D("5.87")


def test_ib_tiered_adds_clearing_and_pass_through() -> None:
    # 0.0035 × 1000 = 3.50; clearing 0.20; NYSE 3.50 × 0.000175 → 0.00; FINRA 3.50 × 0.000563 → 0.00
    assert fee_of("buy", "1000", 25, fees="ib-us-stocks-tiered") == D("3.70")


def test_zerodha_intraday_sale() -> None:
    # 100 × 1500 = 150,000: brokerage min(45, 20) = 20; NSE 4.605 → 4.60; SEBI 0.15;
    # GST 18 % of 24.75 = 4.455 → 4.46; STT 37.5 → 38; no stamp duty on a sale
    assert fee_of("sell", "100", 1500, fees="zerodha-equity-intraday-nse") == D("67.21")


def test_zerodha_delivery_purchase() -> None:
    # 150,000 without brokerage: NSE 4.60; SEBI 0.15; GST 18 % of 4.75 = 0.855 → 0.86 (even);
    # STT 0.1 % = 150; stamp duty 0.015 % = 22.50
    assert fee_of("buy", "100", 1500, fees="zerodha-equity-delivery-nse") == D("178.11")


def test_minimum_and_rounding_of_an_order_count_once_over_its_fills() -> None:
    engine, order = an_exchange(fees="ib-us-stocks-fixed"), Orders()
    engine.on_quote(a_quote(24, 25, sizes=(1, 40)), 1)
    first = engine.submit(order("buy", "400", "25"), 2)
    # 0.005 × 40 = 0.20, at least 1.00; after 100 shares 0.50, still 1.00; after 400 shares 2.00
    more = [engine.on_quote(a_quote(24, 25, sizes=(1, size)), 3) for size in (60, 300)]
    assert [fees_of(events) for events in (first, *more)] == [[D("1.00")], [D(0)], [D("1.00")]]


def test_fee_of_an_order_may_be_rounded_up_over_its_fills() -> None:
    up = Charge(name="fee", rate=D("0.001"), per="order", step=D("0.01"), rounding="up")
    engine, order = an_exchange(charges=(up,)), Orders()
    engine.on_quote(a_quote(24, 25, sizes=(1, 1)), 1)
    # 25 × 0.001 = 0.025 → 0.03; 75 × 0.001 = 0.075 → 0.08, of which 0.03 are paid
    fees = fees_of(engine.submit(order("buy", "3", "25"), 2))
    fees += fees_of(engine.on_quote(a_quote(24, 25, sizes=(1, 2)), 3))
    assert fees == [D("0.03"), D("0.05")]


def test_charges_tell_maker_taker_side_order_and_fill_apart() -> None:
    charges = (
        Charge(name="maker", rate=D("-0.0001"), liquidity="maker"),
        Charge(name="taker", rate=D("0.0004"), liquidity="taker"),
        Charge(name="ticket", base="order", rate=D(2)),
        Charge(name="trade", base="fill", rate=D("0.5")),
        Charge(name="sale", base="quantity", rate=D("0.01"), side="sell"),
    )
    engine, order = an_exchange(charges=charges), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(10, 4)), 1)
    # 4 × 100 × 0.0004 = 0.16 + 2 + 0.5, then as a maker 6 × 100 × −0.0001 = −0.06 + 0.5
    fees = fees_of(engine.submit(order("buy", "10", "100"), 2))
    fees += fees_of(engine.on_quote(a_quote(99, 100, sizes=(10, 6)), 3))
    # 10 × 99 × 0.0004 = 0.396 + 2 + 0.5 + 0.1
    fees += fees_of(engine.submit(order("sell", "10"), 4))
    assert fees == [D("2.66"), D("0.44"), D("2.996")]


def test_buy_holds_back_its_fee_and_a_market_buy_keeps_enough_for_it() -> None:
    ticket = Charge(name="ticket", base="order", rate=D(10))
    engine, order = an_exchange(money="1000", charges=(ticket,)), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(50, 50)), 1)
    engine.submit(order("buy", "2", "90"), 2)
    assert held(engine)["USDT"] == (D(810), D(190))
    engine.cancel("a", BTC, 3, venue_order_id="1")
    engine.on_quote(a_quote(99, 101, sizes=(50, 50)), 4)
    assert [type(e).__name__ for e in engine.submit(order("buy", "10"), 5)] == ["Rejected"]
    engine.submit(order("buy", "9"), 6)
    assert held(engine)["USDT"] == (D(1000 - 909 - 10), D(0))


def test_fee_paid_in_another_asset_is_converted_while_there_is_enough() -> None:
    ticket = Charge(name="ticket", base="order", rate=D(10))
    prices = {"BNB": D(400)}
    opening = {"USDT": D(1000), "BTC": D(5), "BNB": D("0.03")}
    engine = an_engine(charges=(ticket,), fee_currency="BNB", fee_prices=prices, opening_balances=opening)
    engine.on_quote(a_quote(100, 101, sizes=(50, 50)), 1)
    order = Orders()
    paid = [engine.submit(order("sell", "1"), 2)[-1] for _ in range(2)]
    assert [(e.fee, e.fee_currency) for e in paid if isinstance(e, Filled)] == [
        (D("0.025"), "BNB"),
        (D(10), "USDT"),
    ]


def test_order_restored_between_its_fills_is_charged_alike() -> None:
    engine, order = an_exchange(fees="ib-us-stocks-fixed"), Orders()
    engine.on_quote(a_quote(24, 25, sizes=(1, 40)), 1)
    engine.submit(order("buy", "400", "25"), 2)
    again = restored(engine, an_exchange(fees="ib-us-stocks-fixed"))
    assert again.on_quote(a_quote(24, 25, sizes=(1, 360)), 3) == engine.on_quote(
        a_quote(24, 25, sizes=(1, 360)), 3
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fees": "ib-us-stock-fixed"}, "did you mean 'ib-us-stocks-fixed'"),
        ({"charges": (Charge(name="a", rate=D(1)), Charge(name="a", rate=D(1)))}, "two charges are named"),
        ({"charges": (Charge(name="a", base="charges", of=("b",), rate=D(1)),)}, "no earlier charge"),
        ({"charges": (Charge(name="a", base="charges", rate=D(1)),)}, "together"),
    ],
)
def test_schedule_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        an_engine(**changes)


@pytest.mark.parametrize("name", list(PRESETS))
def test_published_schedules_cost_something_and_never_pay(name: str) -> None:
    assert settings(fees=name).fees == name
    assert all(fee_of(side, "10", 100, fees=name) > 0 for side in ("buy", "sell"))
