"""Liquidation fills: strategies book their part as an execution of their own, once."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.account import ExternalFillShown
from actors.messages.orders import FillReport, OrderFilled, Side
from actors.oms.liquidation import liquidated
from tests.oms.bench import BTC, Bench, position

D = Decimal


def a_fill(side: Side, quantity: str, fee: str = "1") -> FillReport:
    return FillReport(
        ts_event=1,
        account="acc",
        instrument=BTC,
        client_order_id="liquidation:9",
        venue_order_id="9",
        trade_id="77",
        side=side,
        quantity=D(quantity),
        price=D(100),
        fee=D(fee),
        fee_currency="USDT",
        liquidity="liquidation",
    )


def parts(fill: FillReport, **holders: str) -> list[tuple[str, Decimal, Decimal, str]]:
    found = liquidated(fill, {name: D(quantity) for name, quantity in holders.items()})
    return [(part.strategy, part.quantity, part.fee, part.trade_id) for part in found]


def test_the_only_holder_has_all_of_it() -> None:
    assert parts(a_fill("sell", "5"), a="5") == [("a", D(5), D(1), "77")]


def test_holders_share_in_the_order_of_their_bookings_and_fees_add_up() -> None:
    assert parts(a_fill("sell", "5"), a="2", b="4") == [
        ("a", D(2), D("0.4"), "77.1"),
        ("b", D(3), D("0.6"), "77.2"),
    ]
    assert sum(fee for _, _, fee, _ in parts(a_fill("sell", "3"), a="1", b="1", c="1")) == D(1)


def test_who_stands_on_the_other_side_has_no_part() -> None:
    assert parts(a_fill("buy", "3"), a="2", b="-3") == [("b", D(3), D(1), "77")]
    assert parts(a_fill("buy", "3"), a="2") == []


def test_a_liquidation_told_twice_is_booked_once_and_is_nobody_elses() -> None:
    bench = Bench()
    bench.feed(position("4"))
    sent = bench.feed(a_fill("sell", "4"), a_fill("sell", "4"))
    (fill,) = [message for message in sent if isinstance(message, OrderFilled)]
    assert (fill.liquidity, fill.strategy, fill.quantity) == ("liquidation", "alpha", D(4))
    assert not [message for message in sent if isinstance(message, ExternalFillShown)]
