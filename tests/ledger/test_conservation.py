"""What must hold after any sequence of bookings, `==` on Decimal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.core.sequencer import CoreSnapshot
from actors.ledger.actor import LedgerState
from actors.messages.account import AccountReconciled
from actors.messages.base import Message
from actors.messages.control import Started, TimeReached
from actors.messages.orders import OrderFilled, QueryAccount
from tests.ledger.build import BTC, Rig, a_fill, a_lot, a_quote, a_statement, a_transfer

D = Decimal
ENCODE = msgspec.msgpack.Encoder().encode

quantities = st.integers(1, 5000).map(lambda n: str(D(n) / 1000))
prices = st.integers(1, 20000).map(lambda n: str(D(n) / 100))
fees = st.one_of(st.just("0"), st.integers(-3, 40).map(lambda n: str(D(n) / 100_000)))
fills = st.builds(
    lambda side, quantity, price, fee, currency, strategy: a_fill(
        cast(Literal["buy", "sell"], side), quantity, price, fee=fee, fee_currency=currency, strategy=strategy
    ),
    st.sampled_from(["buy", "sell"]),
    quantities,
    prices,
    fees,
    st.sampled_from(["USDT", "BTC", "BNB"]),
    st.sampled_from(["a", "b"]),
)


@given(st.lists(fills, max_size=25))
def test_equity_is_what_fills_paid_plus_what_is_held(given_fills: list[OrderFilled]) -> None:
    rig = Rig()
    rig.feed(a_transfer("100000"), *given_fills)
    usdt, btc, bnb = D(100000), D(0), D(0)
    for fill in given_fills:
        sign = 1 if fill.side == "buy" else -1
        btc += sign * fill.quantity
        usdt -= sign * fill.quantity * fill.price
        usdt -= fill.fee if fill.fee_currency == "USDT" else 0
        btc -= fill.fee if fill.fee_currency == "BTC" else 0
        bnb -= fill.fee if fill.fee_currency == "BNB" else 0
    assert (rig.balance("USDT"), rig.balance("BTC"), rig.balance("BNB")) == (usdt, btc, bnb)


@given(st.lists(fills, max_size=25), prices)
def test_equity_is_the_deposit_plus_profit_minus_fees(given_fills: list[OrderFilled], mark: str) -> None:
    rig = Rig()
    rig.feed(a_transfer("100000"), *given_fills)
    positions = rig.ledger.positions("main")
    profit = sum((p.realised_pnl + p.quantity * D(mark) - p.cost for p in positions), D(0))
    journal = rig.ledger.snapshot().accounts["main"].totals
    fee = journal["fees"].get("USDT", D(0)) + journal["fees"].get("BTC", D(0)) * D(mark)
    equity = rig.balance("USDT") + rig.balance("BTC") * D(mark)
    assert equity == 100000 + profit - fee
    assert rig.balance("BNB") == -journal["fees"].get("BNB", D(0))


@given(st.lists(fills, max_size=25))
def test_debits_are_credits_and_lots_are_what_the_journal_says(given_fills: list[OrderFilled]) -> None:
    rig = Rig()
    rig.feed(a_statement(BTC="3", USDT="500"), a_lot("2", "90", strategy="a"))
    for fill in given_fills:
        rig.feed(fill)
        assert set(rig.ledger.trial_balance("main").values()) == {D(0)}
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    for position in rig.ledger.positions("main"):
        assert sum((lot.quantity for lot in position.lots), D(0)) == position.quantity
        assert sum((lot.quantity * lot.price for lot in position.lots), D(0)) == position.cost
        assert len({lot.quantity > 0 for lot in position.lots}) <= 1


@given(st.lists(fills, max_size=25))
def test_positions_of_strategies_add_up_to_the_accounts(given_fills: list[OrderFilled]) -> None:
    rig = Rig()
    rig.feed(*given_fills)
    own = sum((p.quantity for p in rig.ledger.positions("main")), D(0))
    assert rig.ledger.snapshot().accounts["main"].net.get(BTC, D(0)) == own


def a_session() -> list[Message]:
    """Every kind of input that the ledger takes."""
    return [
        Started(ts_event=0, epoch=1),
        QueryAccount(ts_event=0, account="main", asked_seq=2, fills_after={}),
        a_statement(2, USDT="1000", BTC="1"),
        a_lot("0.5", "90"),
        a_quote(100.0),
        a_fill("buy", "2", "101", fee="0.002", fee_currency="BTC"),
        TimeReached(ts_event=0),
        a_fill("sell", "3", "103", fee="0.3"),
        QueryAccount(ts_event=0, account="main", asked_seq=9, fills_after={}),
        a_fill("buy", "1", "99", strategy="other"),
        a_transfer("-10", reason="withdrawal"),
        a_statement(9, USDT="5"),
        a_quote(95.0),
        a_fill("buy", "0.502", "95", fee="0.01", fee_currency="BNB"),
        a_statement(14, USDT="5"),
        AccountReconciled(ts_event=0, account="main", asked_seq=14),
        TimeReached(ts_event=0),
    ]


def test_a_ledger_restored_after_any_input_goes_on_the_same() -> None:
    whole = Rig()
    states: list[CoreSnapshot] = []
    answers: list[list[Message]] = []
    inputs = a_session()
    for message in inputs:
        answers.append(whole.feed(message))
        states.append(whole.sequencer.snapshot())
    assert any(answers)
    final = ENCODE(states[-1])
    for k, state in enumerate(states):
        rig = Rig()
        rig.sequencer.restore(msgspec.msgpack.decode(ENCODE(state), type=CoreSnapshot))
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(state)
        for message, expected in zip(inputs[k + 1 :], answers[k + 1 :], strict=True):
            assert rig.feed(message) == expected
        assert ENCODE(rig.sequencer.snapshot()) == final


def test_a_snapshot_shares_nothing_with_the_ledger_it_came_from() -> None:
    rig = Rig()
    rig.feed(*a_session()[:6])
    state: Any = rig.ledger.snapshot()
    before = ENCODE(state)
    rig.feed(*a_session()[7:10])
    assert ENCODE(state) == before
    assert isinstance(state, LedgerState)
