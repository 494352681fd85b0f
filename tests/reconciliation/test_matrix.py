"""Twelve kinds of difference, each arising in an outage of 1 s, 1 h and 3 days: nothing is booked wrongly.

What the venue's engine holds is the truth. Each row says what happens there while nobody hears it, and what
must have become of it a minute after the line (or the process) is back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from actors.messages.account import AccountSnapshot, CashTransferred
from tests.reconciliation.world import ACCOUNT, BTC, HOUR, World

D = Decimal
OUTAGES = {"1 s": 1, "1 h": HOUR, "3 days": 72 * HOUR}


@dataclass(frozen=True)
class Row:
    """One kind of difference."""

    happens: Callable[[World], None]
    """At the venue, while the line is down."""
    before: Callable[[World], None] = lambda world: None
    """Just before it goes down."""
    booked: tuple[tuple[str, str, str], ...] = ()
    """Asset, amount, reason of every transfer that is booked."""
    found: tuple[tuple[str, str], ...] = ()
    """Kind and status of every difference."""
    gap: dict[str, str] = field(default_factory=dict)
    """What the venue shows too much of an asset until the operator answers."""
    external: int = 0
    """Fills shown as somebody else's."""
    instrument: str = "active"
    fee_currency: str | None = None
    shrinks: str = "0"
    """What leaves the strategy's position without a trade."""


def resting(world: World) -> str:
    """Our order that rests when the line goes down."""
    return next(
        each.client_order_id
        for each in world.engine.orders(ACCOUNT)
        if each.price == D(90) and each.client_order_id.startswith("TTEST")
    )


def sends_without_answer(world: World) -> None:
    """The venue takes an order; every word of it is lost."""
    world.loses_answers = True
    world.order("buy", "0.7", "95")


def unanswered(world: World) -> str:
    return next(each.client_order_id for each in world.engine.orders(ACCOUNT) if each.price == D(95))


def strangers_order(world: World) -> None:
    world.by_hand("buy", "0.5", "102", name="T9999ZZZZ0000001")
    world.by_hand("buy", "0.5", "91", name="T9999ZZZZ0000002")


def orders_by_hand(world: World) -> None:
    world.by_hand("buy", "0.5", "102")
    world.by_hand("buy", "1", "80", "web_2")


def dust(world: World) -> None:
    world.transfer("BTC", "-0.0004")
    world.transfer("BNB", "0.00006", row="dribblet-1", reason="conversion")


MATRIX = {
    "fill missed": Row(lambda world: world.market(89.5, 89.9)),
    "cancel missed": Row(lambda world: world.cancel_at_venue(resting(world))),
    "order by hand": Row(
        orders_by_hand,
        found=(("external_fill", "shown"), ("external_order", "shown")),
        external=1,
    ),
    "position by hand": Row(
        lambda world: world.transfer("BTC", "2.5"),
        found=(("position", "open"),),
        gap={"BTC": "2.5"},
        instrument="reduce_only",
    ),
    "deposit": Row(
        lambda world: world.transfer("USDT", "5000", row="dep-1"),
        booked=(("USDT", "5000", "deposit"),),
        found=(("transfer", "adopted"),),
    ),
    "withdrawal": Row(
        lambda world: world.transfer("USDT", "-3000", row="wd-1"),
        booked=(("USDT", "-3000", "withdrawal"),),
        found=(("transfer", "adopted"),),
    ),
    "dust": Row(
        dust,
        booked=(("BNB", "0.00006", "conversion"), ("BTC", "-0.0004", "conversion")),
        found=(("dust", "adopted"), ("transfer", "adopted")),
        shrinks="0.0004",
    ),
    "fee in a third asset": Row(lambda world: world.market(89.5, 89.9), fee_currency="BNB"),
    "unknown filled": Row(lambda world: world.market(94.0, 94.5), before=sends_without_answer),
    "unknown cancelled": Row(
        lambda world: world.cancel_at_venue(unanswered(world)), before=sends_without_answer
    ),
    "foreign T… id": Row(
        strangers_order,
        found=(("external_fill", "shown"), ("foreign_order", "open")),
        external=1,
        instrument="reduce_only",
    ),
    "balance off": Row(
        lambda world: world.transfer("USDT", "-700"),
        found=(("balance", "open"),),
        gap={"USDT": "-700"},
    ),
}


def a_trading_world(row: Row) -> World:
    world = World(fee_currency=row.fee_currency)
    world.connect()
    world.go(5)
    world.market(100.0, 101.0)
    world.order("buy", "1")
    world.order("buy", "2", "90")
    world.go(5)
    assert (world.state(), world.books()) == ("active", world.totals())
    assert len(own_trades(world)) == 1
    assert resting(world)
    return world


def outage(world: World, row: Row, seconds: float, *, dies: bool) -> None:
    row.before(world)
    if dies:
        world.restart()
    else:
        world.disconnect()
    world.go(seconds / 2)
    row.happens(world)
    world.go(seconds / 2)
    world.connect()
    world.go(60)


@pytest.mark.parametrize("dies", [False, True], ids=["line", "process"])
@pytest.mark.parametrize("length", OUTAGES)
@pytest.mark.parametrize("kind", MATRIX)
def test_nothing_is_booked_wrongly(kind: str, length: str, dies: bool) -> None:
    row = MATRIX[kind]
    world = a_trading_world(row)
    before, trades = world.snapshot(), own_trades(world)
    outage(world, row, OUTAGES[length], dies=dies)

    bookings = [each for each in world.heard(CashTransferred) if each.reason != "opening"]
    assert sorted((each.asset, str(each.amount), each.reason) for each in bookings) == sorted(row.booked)
    assert sorted((each.kind, each.status) for each in world.differences()) == sorted(row.found)
    assert gaps(world) == {asset: D(amount) for asset, amount in row.gap.items()}
    assert sorted(world.booked_fills()) == sorted(own_trades(world))
    assert len(world.external_fills()) == row.external
    assert position(world) == held_by_own_trades(world) - D(row.shrinks)
    assert_orders_agree(world)
    assert not any(world.core.ledger.trial_balance(ACCOUNT).values())
    assert (world.state(), world.state(BTC)) == ("active", row.instrument)
    if own_trades(world) == trades:
        assert_no_profit_or_loss(world, before, row)


def gaps(world: World) -> dict[str, Decimal]:
    ours, venue = world.books(), world.totals()
    every = {asset: venue.get(asset, D(0)) - ours.get(asset, D(0)) for asset in {**ours, **venue}}
    return {asset: amount for asset, amount in every.items() if amount}


def is_ours(name: str | None) -> bool:
    return name is not None and name.startswith("TTEST")


def own_trades(world: World) -> list[str]:
    return [fill.trade_id for fill in world.engine.fills(ACCOUNT) if is_ours(fill.client_order_id)]


def held_by_own_trades(world: World) -> Decimal:
    held = D(0)
    for fill in world.engine.fills(ACCOUNT):
        if is_ours(fill.client_order_id):
            held += fill.quantity if fill.side == "buy" else -fill.quantity
            held -= fill.fee if fill.fee_currency == "BTC" else D(0)
    return held


def position(world: World) -> Decimal:
    return sum((each.quantity for each in world.core.ledger.positions(ACCOUNT)), D(0))


def assert_orders_agree(world: World) -> None:
    for order in world.engine.orders(ACCOUNT):
        if is_ours(order.client_order_id):
            assert world.order_state(order.client_order_id) in (order.status, "forgotten")


def assert_no_profit_or_loss(world: World, before: AccountSnapshot, row: Row) -> None:
    """Equity moves by what came or went, and by dust that left at cost; nothing of it is a drawdown."""
    after = world.snapshot()
    came = sum(float(amount) for asset, amount, _ in row.booked if asset == "USDT")
    assert after.equity == pytest.approx(before.equity + came, abs=float(row.shrinks) * 101)
    assert after.realised_pnl == 0.0
    assert after.drawdown == pytest.approx(before.drawdown, abs=1e-9)
