from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors import ConfigError
from actors.messages.base import Message
from actors.messages.control import Scope, Stop
from actors.messages.orders import CancelRequest, OrderCancelled, OrderRequest, ReplaceRequest
from actors.strategies.library.quote_maker import QuoteMaker
from tests.strategies.stage import BTC, START, Stage, a_host, a_quote, a_spec, accepted, booked, filled

QUOTES = {"quantity": "0.1", "inventory_max": "1", "skew_ticks": 0}


def a_stage(**parameters: Any) -> Stage:
    stage = Stage(a_spec(QuoteMaker, timeframes=(), parameters={**QUOTES, **parameters}))
    stage.start()
    return stage


def hold(stage: Stage, position: str) -> None:
    stage.run(booked(None, position, "0"))


def prices(sent: list[Message]) -> dict[str, Decimal | None]:
    return {m.terms.side: m.terms.price for m in sent if isinstance(m, OrderRequest)}


def take_all(stage: Stage, sent: list[Message]) -> list[OrderRequest]:
    requests = [message for message in sent if isinstance(message, OrderRequest)]
    for request in requests:
        stage.run(accepted(request))
    return requests


def test_it_quotes_both_sides_around_the_mid_without_crossing() -> None:
    stage = a_stage(half_spread_ticks=3)
    hold(stage, "0.5")
    sent = stage.run(a_quote(1, 100))
    assert prices(sent) == {"buy": Decimal("99.97"), "sell": Decimal("100.03")}
    assert all(m.terms.post_only and m.terms.quantity == Decimal("0.1") for m in take_all(stage, sent))


def test_a_skew_never_takes_a_quote_through_the_other_side() -> None:
    stage = a_stage(half_spread_ticks=1, skew_ticks=50)
    hold(stage, "0.9")
    sent = stage.run(a_quote(1, 100))
    assert prices(sent) == {"buy": Decimal("99.59"), "sell": Decimal("100.00")}


def test_nothing_is_sold_that_is_not_held_and_nothing_bought_beyond_the_most() -> None:
    assert set(prices(a_stage().run(a_quote(1, 100)))) == {"buy"}
    stage = a_stage()
    hold(stage, "0.95")
    [buy, sell] = take_all(stage, stage.run(a_quote(1, 100)))
    assert (buy.terms.quantity, sell.terms.quantity) == (Decimal("0.05"), Decimal("0.1"))


def test_it_moves_a_quote_only_when_it_is_off_by_enough() -> None:
    stage = a_stage(requote_ticks=3)
    [buy] = take_all(stage, stage.run(a_quote(1, 100)))
    assert stage.run(a_quote(2, 100.02)) == []
    [moved] = stage.run(a_quote(3, 100.04))
    assert isinstance(moved, ReplaceRequest)
    assert (moved.client_order_id, moved.price) == (buy.terms.client_order_id, Decimal("100.02"))
    assert stage.run(a_quote(4, 101)) == []  # while the move is under way


def test_it_stays_within_its_budget_and_goes_on_when_ten_seconds_have_passed() -> None:
    stage = a_stage(orders_per_10s=2)
    for second in (0, 1, 2):
        for request in take_all(stage, stage.run(a_quote(second, 100))):
            stage.run(
                OrderCancelled(
                    ts_event=START, client_order_id=request.terms.client_order_id, account="paper",
                    strategy="one", instrument=BTC, filled_quantity=Decimal(0),
                )
            )  # fmt: skip
    assert stage.strategy().state.times == [START, START + 1_000_000_000]
    assert prices(stage.run(a_quote(9.999, 100))) == {}
    assert set(prices(stage.run(a_quote(10, 100)))) == {"buy"}


def test_a_resting_order_for_which_there_is_no_room_any_more_is_cancelled() -> None:
    stage = a_stage(quantity="1")
    [buy] = take_all(stage, stage.run(a_quote(1, 100)))
    stage.run(filled(buy, "0.5", "0.5"))
    stage.run(booked(buy.terms.client_order_id, "0.6", "0.5"))
    sent = stage.run(a_quote(2, 100))
    assert [m.client_order_id for m in sent if isinstance(m, CancelRequest)] == [buy.terms.client_order_id]


def test_whoever_stops_it_decides_what_becomes_of_its_orders() -> None:
    stage = a_stage()
    hold(stage, "0.5")
    take_all(stage, stage.run(a_quote(1, 100)))
    sent = stage.run(Stop(ts_event=START, scope=Scope(), command_id="c", by="signal", cancel_orders=False))
    assert sent == []


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"quantity": "0.0001"}, "is less than one lot of BTCUSDT@binance"),
        ({"inventory_min": "2"}, "inventory_max must be above inventory_min"),
        ({"half_spread_ticks": 0}, "parameter 'half_spread_ticks' is 0: expected `int` >= 1"),
        ({"quantity": "much"}, "parameter 'quantity' is 'much': "),
    ],
)
def test_wrong_parameters_are_refused_by_name(parameters: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        a_host(a_spec(QuoteMaker, parameters={**QUOTES, **parameters}))


def test_quantity_must_be_given() -> None:
    with pytest.raises(ConfigError, match="QuoteMaker needs the parameter 'quantity'"):
        a_host(a_spec(QuoteMaker, parameters={"inventory_max": "1"}))
