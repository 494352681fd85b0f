"""What orders lock and what fills cost."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import ConfigError
from actors.venues.simulated.events import Filled
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_bar,
    a_quote,
    an_engine,
    an_instrument,
    held,
    said,
)


def the_fees(engine: Any) -> list[tuple[str, str]]:
    return [(f"{fill.fee.normalize():f}", fill.fee_currency) for fill in engine.fills("a")]


def test_fee_is_taken_from_what_is_received() -> None:
    engine, order = an_engine(taker_fee=D("0.001"), maker_fee=D("0.0002")), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), 1)
    engine.submit(order("buy", "2"), 2)
    engine.submit(order("sell", "2"), 2)
    engine.submit(order("sell", "2", "100.5"), 2)
    engine.on_quote(a_quote(101, 102), 3)
    assert the_fees(engine) == [("0.002", "BTC"), ("0.198", "USDT"), ("0.0201", "USDT")]
    assert held(engine)["USDT"][0] == D(100_000) - 200 + 198 - D("0.198") + D("100.5") - D("0.0201")
    assert held(engine)["BTC"] == (D("100.998") - 3 + 1 - D("0.998") + D("0.998") - D(1), D(1))


def test_fee_in_the_quote_currency_is_locked_with_a_buy() -> None:
    engine, order = an_engine(taker_fee=D("0.01"), fee_currency="USDT"), Orders()
    engine.submit(order("buy", "1", "100"), 1)
    assert held(engine)["USDT"] == (D(99_899), D(101))
    engine.on_quote(a_quote(99, 100, sizes=(1, 0.5)), 2)
    assert held(engine)["USDT"] == (D("99899.5"), D("50.5"))  # maker fee 0


@pytest.mark.parametrize(("money", "taken"), [("101", True), ("100.99", False)])
def test_buy_needs_price_and_fee(money: str, taken: bool) -> None:
    engine, order = (
        an_engine(taker_fee=D("0.01"), fee_currency="USDT", opening_balances={"USDT": D(money)}),
        Orders(),
    )
    engine.on_quote(a_quote(99, 100), 1)
    assert (said(engine.submit(order("buy", "1"), 2))[0] == "accepted o1") == taken


@pytest.mark.parametrize(("money", "taken"), [("101", True), ("100.99", False)])
def test_no_fee_is_paid_in_shares(money: str, taken: bool) -> None:
    share = an_instrument(kind="equity")
    engine = an_engine(taker_fee=D("0.01"), instrument=share, opening_balances={"USDT": D(money)})
    engine.on_quote(a_quote(99, 100), 1)
    assert (said(engine.submit(Orders()("buy", "1"), 2))[0] == "accepted o1") == taken
    if taken:
        assert the_fees(engine) == [("1", "USDT")]
        assert held(engine)["BTC"] == (D(1), D(0))


def test_third_asset_pays_at_its_price_and_the_received_asset_when_it_runs_out() -> None:
    engine, order = (
        an_engine(
            taker_fee=D("0.001"),
            fee_currency="BNB",
            fee_prices={"BNB": D(300)},
            opening_balances={"USDT": D(10_000), "BNB": D("0.0004")},
        ),
        Orders(),
    )
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), 1)
    engine.submit(order("buy", "1"), 2)
    engine.submit(order("buy", "1"), 2)
    assert the_fees(engine) == [("0.00033333", "BNB"), ("0.001", "BTC")]
    assert held(engine)["BNB"][0] == D("0.0004") - D("0.00033333")


def test_rebate_is_a_negative_fee() -> None:
    engine, order = an_engine(maker_fee=D("-0.0001")), Orders()
    engine.on_quote(a_quote(99, 101), 1)
    engine.submit(order("sell", "1", "100"), 2)
    [fill] = engine.on_quote(a_quote(100, 101), 3)
    assert isinstance(fill, Filled)
    assert (fill.fee, fill.fee_currency) == (D("-0.01"), "USDT")
    assert held(engine)["USDT"][0] == D("100100.01")


def test_fee_currency_without_a_price_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"fee_prices\.BNB"):
        an_engine(fee_currency="BNB")


def test_open_orders_share_the_money() -> None:
    engine, order = an_engine(opening_balances={"USDT": D(300), "BTC": D(1)}), Orders()
    engine.submit(order("buy", "2", "100"), 1)
    assert said(engine.submit(order("buy", "1.001", "100"), 2)) == ["rejected o2 INSUFFICIENT_BALANCE"]
    assert said(engine.submit(order("buy", "1", "100"), 2)) == ["accepted o3"]
    assert held(engine)["USDT"] == (D(0), D(300))
    assert said(engine.submit(order("sell", "1", "200"), 2)) == ["accepted o4"]
    assert said(engine.submit(order("sell", "0.5", stop="50"), 2)) == ["rejected o5 INSUFFICIENT_BALANCE"]


def test_better_price_gives_back_what_was_locked_for_the_limit() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100), 1)
    engine.submit(order("buy", "1", "150"), 2)
    assert held(engine)["USDT"] == (D(99_900), D(0))


def test_transfer_moves_only_what_is_free() -> None:
    engine, order = an_engine(opening_balances={"USDT": D(300)}), Orders()
    engine.submit(order("buy", "2", "100"), 1)
    assert not engine.transfer("a", "USDT", D("-100.01"))
    assert engine.transfer("a", "USDT", D(-100))
    assert engine.transfer("a", "ETH", D(7))
    assert held(engine) == {"USDT": (D(0), D(200)), "ETH": (D(7), D(0))}


def test_orders_are_forgotten_once_old_and_their_fills_are_known() -> None:
    engine, order = an_engine(), Orders()
    engine.on_quote(a_quote(99, 100, sizes=(9, 9)), 1)
    engine.submit(order("buy", "1"), 10)
    engine.submit(order("buy", "1"), 11)
    engine.submit(order("buy", "1", "50"), 11)
    engine.submit(order("buy", "1"), 20)
    engine.forget_closed("a", 20, {BTC: "1"})
    assert [o.client_order_id for o in engine.orders("a")] == ["o2", "o3", "o4"]
    assert [fill.trade_id for fill in engine.fills("a")] == ["2", "3"]
    engine.forget_closed("a", 20, {BTC: "3"})
    assert [o.client_order_id for o in engine.orders("a")] == ["o3", "o4"]
    assert engine.find_order("a", client_order_id="o2") is None


def test_fills_are_found_by_instrument_order_and_trade_id() -> None:
    engine, order = an_engine(), Orders()
    engine.on_bar(a_bar(100, 100, 100, 100), 1)
    for now in range(2, 5):
        engine.submit(order("buy", "1"), now)
        engine.on_bar(a_bar(100, 100, 100, 100), now)
    assert [fill.trade_id for fill in engine.fills("a", BTC, after_trade_id="1")] == ["2", "3"]
    assert engine.fills("a", "X@sim") == []
    found = engine.find_order("a", venue_order_id="2")
    assert found is not None
    assert [fill.trade_id for fill in engine.order_fills(found)] == ["2"]
    assert engine.last_trade_id == "3"
