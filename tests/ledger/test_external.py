"""Somebody else's executions that take from positions of ours, and turn out to be ours after all."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import (
    BalanceChanged,
    ExternalFillMoved,
    ExternalFillShown,
    LotOpened,
    PositionChanged,
    TradeClosed,
)
from actors.messages.assigning import PositionMoved
from actors.messages.orders import Side
from tests.ledger.build import BTC, Rig, a_fill, a_ledger, a_statement, a_transfer, an_instrument

D = Decimal


def a_stranger(quantity: str, price: str = "120", trade_id: str = "x1") -> ExternalFillShown:
    return ExternalFillShown(
        ts_event=0, account="main", instrument=BTC, venue_order_id="9", trade_id=trade_id, side="sell",
        quantity=D(quantity), price=D(price), fee=D("0.1"), fee_currency="USDT",
    )  # fmt: skip


def moved(shown: ExternalFillShown) -> ExternalFillMoved:
    return msgspec.convert(shown, ExternalFillMoved, from_attributes=True)


def holders() -> Rig:
    rig = Rig()
    rig.feed(a_transfer("100000"))
    rig.feed(a_fill(quantity="2", price="100"), a_fill(quantity="1", price="110"))
    rig.feed(a_fill(quantity="3", price="105", strategy="other"))
    return rig


def held(rig: Rig) -> list[tuple[str, Decimal, Decimal, dict[Decimal, Decimal]]]:
    """Positions, with what they hold at each price in the order in which it came in."""
    found = []
    for each in rig.ledger.positions("main"):
        at_price: dict[Decimal, Decimal] = {}
        for lot in each.lots:
            at_price[lot.price] = at_price.get(lot.price, D(0)) + lot.quantity
        found.append((each.strategy, each.quantity, each.cost, at_price))
    return found


@pytest.mark.parametrize("quantity", ["1", "2.5", "3", "4.7", "6"])
def test_what_a_stranger_took_of_positions_comes_back_with_his_fill(quantity: str) -> None:
    rig = holders()
    before, books = held(rig), rig.ledger.snapshot().accounts["main"].totals
    shown = a_stranger(quantity)
    rig.feed(shown)
    assert held(rig) != before
    state = msgspec.msgpack.encode(rig.sequencer.snapshot())
    rig = Rig()
    rig.sequencer.restore(msgspec.msgpack.decode(state, type=CoreSnapshot))
    changes = [each for each in rig.feed(moved(shown)) if isinstance(each, PositionChanged)]
    assert held(rig) == before
    assert changes
    totals = rig.ledger.snapshot().accounts["main"].totals
    assert {
        place: {a: v for a, v in sums.items() if v} for place, sums in totals.items() if any(sums.values())
    } == {place: {a: v for a, v in sums.items() if v} for place, sums in books.items() if any(sums.values())}


def test_a_sale_that_was_ours_realises_what_it_made() -> None:
    rig = holders()
    shown = a_stranger("2", "120")
    rig.feed(shown)
    rig.feed(moved(shown), a_fill("sell", "2", "120", trade_id="x1"))
    mine = next(each for each in rig.ledger.positions("main") if each.strategy == "s")
    assert (mine.quantity, mine.realised_pnl) == (D(1), D(40))
    assert not any(rig.ledger.trial_balance("main").values())


@given(
    sales=st.lists(st.integers(1, 60).map(lambda tenths: str(D(tenths) / 10)), min_size=1, max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_taken_back_in_any_order_nothing_is_left_of_strangers(sales: list[str], order: object) -> None:
    rig = holders()
    total = sum((each.quantity for each in rig.ledger.positions("main")), D(0))
    shown = [a_stranger(quantity, trade_id=f"x{n}") for n, quantity in enumerate(sales)]
    rig.feed(*shown)
    order.shuffle(shown)  # type: ignore[attr-defined]
    rig.feed(*(moved(each) for each in shown))
    assert sum((each.quantity for each in rig.ledger.positions("main")), D(0)) == total
    assert sum((each.cost for each in rig.ledger.positions("main")), D(0)) == D(625)
    assert not any(rig.ledger.trial_balance("main").values())


def test_a_lot_against_what_the_strategy_holds_by_now_is_not_booked() -> None:
    rig = holders()
    rig.feed(a_fill("sell", "9", "100", strategy="short"))
    lot = LotOpened(
        ts_event=0, account="main", strategy="short", instrument=BTC, quantity=D(1), entry_price=D(90),
        lot_id="l1",
    )  # fmt: skip
    assert rig.feed(lot) == []


def test_what_panic_sold_closes_positions_at_a_profit_or_loss_and_the_rest_is_others() -> None:
    rig = holders()
    rig.feed(a_transfer("5", "BTC", transfer_id="coins"))
    sale = msgspec.structs.replace(a_stranger("7", "120"), closes_ours=True, fee=D("7"))
    sent = rig.feed(sale)
    assert [(each.strategy, each.quantity, each.realised_pnl) for each in rig.ledger.positions("main")] == [
        ("s", D(0), D(50)), ("other", D(0), D(45)),
    ]  # fmt: skip
    assert [each.strategy for each in sent if isinstance(each, TradeClosed)] == ["s", "other"]
    assert (rig.balance("BTC"), rig.balance("USDT")) == (D(4), D(100_000) - 625 + 7 * 120 - 7)
    assert not any(rig.ledger.trial_balance("main").values())


@pytest.mark.parametrize(
    ("side", "closing", "price", "gain"), [("buy", "sell", "104", 40), ("sell", "buy", "97", 30)]
)
@pytest.mark.parametrize("kind", ["future", "spot"])
def test_what_panic_closed_is_flat_long_or_short_in_coins_or_in_contracts(
    side: Side, closing: Side, price: str, gain: int, kind: str
) -> None:
    rig = Rig(a_ledger({BTC: an_instrument(kind=kind)}))
    rig.feed(a_transfer("100000"), a_fill(side, "10", "100"))
    panic = msgspec.structs.replace(a_stranger("10", price), side=closing, closes_ours=True, fee=D(2))
    sent = rig.feed(panic)
    (position,) = rig.ledger.positions("main")
    assert (position.quantity, position.realised_pnl) == (D(0), D(gain))
    assert rig.balance("USDT") == D(100_000) + gain - 2
    assert rig.balance("BTC") == 0
    assert [each.total for each in sent if isinstance(each, BalanceChanged) if each.asset == "USDT"] == [
        rig.balance("USDT")
    ]
    assert not any(rig.ledger.trial_balance("main").values())


def test_a_sale_of_less_than_is_held_closes_the_first_position_in_part() -> None:
    rig = holders()
    rig.feed(msgspec.structs.replace(a_stranger("2", "120"), closes_ours=True))
    assert [each.quantity for each in rig.ledger.positions("main")] == [D(1), D(3)]
    assert not any(rig.ledger.trial_balance("main").values())


def test_a_position_handed_over_keeps_its_cost_and_the_account_what_it_was() -> None:
    rig = holders()
    moved = PositionMoved(ts_event=0, account="main", instrument=BTC, former="s", strategy="new")
    changes = [each for each in rig.feed(moved) if isinstance(each, PositionChanged)]
    assert [(each.strategy, each.quantity, each.account_quantity) for each in changes] == [
        ("s", D(0), D(6)), ("new", D(3), D(6)),
    ]  # fmt: skip
    rig.feed(PositionMoved(ts_event=0, account="main", instrument=BTC, former="new", strategy="other"))
    assert held(rig)[1][:3] == ("other", D(6), D(625))
    rig.feed(a_fill("sell", "6", "120", strategy="other"))
    assert [each.realised_pnl for each in rig.ledger.positions("main") if each.strategy == "other"] == [D(95)]
    assert not any(rig.ledger.trial_balance("main").values())


def test_opposed_positions_and_ones_that_are_not_there_are_not_handed_over() -> None:
    rig = holders()
    rig.feed(a_fill("sell", "1", "100", strategy="short"))
    for former, strategy in (("s", "short"), ("nobody", "s"), ("s", "s")):
        move = PositionMoved(ts_event=0, account="main", instrument=BTC, former=former, strategy=strategy)
        assert rig.feed(move) == []


def test_what_comes_back_to_a_position_gone_short_since_closes_it() -> None:
    """Ten were bought, a stranger sold them, ten more were sold short; then his sale is busted."""
    rig = Rig()
    rig.feed(a_statement(0, USDT="10000"), a_fill("buy", "10", "100", trade_id="b"))
    shown = a_stranger("10", "110")
    rig.feed(shown, a_fill("sell", "10", "120", trade_id="s"))
    (trade,) = [each for each in rig.feed(moved(shown)) if isinstance(each, TradeClosed)]
    (position,) = rig.ledger.positions("main")
    assert (position.quantity, position.lots, position.realised_pnl) == (D(0), [], D(200))
    assert (trade.direction, trade.realised_pnl) == ("short", D(200))
    assert not any(rig.ledger.trial_balance("main").values())
