"""The books as other actors see them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.core.sequencer import ActorFailed
from actors.errors import ConfigError
from actors.ledger.booking import KEYS_MAX
from actors.messages.account import (
    AccountReconciled,
    AccountSnapshot,
    BalanceChanged,
    CashTransferred,
    PositionChanged,
    StatementDisagrees,
    TradeClosed,
)
from actors.messages.control import BrokerStarted, Started, TimeReached
from actors.messages.orders import QueryAccount
from tests.ledger.build import (
    BNB,
    BTC,
    INSTRUMENTS,
    SHARE,
    Rig,
    a_fill,
    a_ledger,
    a_lot,
    a_quote,
    a_statement,
    a_transfer,
    an_instrument,
)

D = Decimal


def test_a_booking_says_balances_then_trade_then_position() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "2", "100"))
    sent = rig.feed(a_fill("sell", "2", "110", fee="1"))
    assert [type(message) for message in sent] == [
        BalanceChanged,
        BalanceChanged,
        TradeClosed,
        PositionChanged,
    ]
    assert [(m.asset, m.total) for m in sent if isinstance(m, BalanceChanged)] == [
        ("BTC", D(0)),
        ("USDT", D(19)),
    ]
    position = sent[-1]
    assert isinstance(position, PositionChanged)
    assert [position.quantity, position.realised_pnl, position.filled_quantity] == [D(0), D(20), D(2)]
    assert position.client_order_id == "TTEST00010000001"


def test_a_fee_in_the_base_asset_makes_the_position_smaller() -> None:
    rig = Rig()
    position = rig.one(PositionChanged, a_fill("buy", "1", "100", fee="0.001", fee_currency="BTC"))
    assert [position.quantity, position.entry_price_average] == [D("0.999"), D(100)]
    assert position.filled_quantity == 1
    assert (rig.balance("BTC"), rig.balance("USDT")) == (D("0.999"), D(-100))
    trade = rig.one(TradeClosed, a_fill("sell", "0.999", "110", fee="0.10989"))
    assert (trade.realised_pnl, trade.fees) == (D("9.990"), D("0.1") + D("0.10989"))
    assert rig.balance("BTC") == 0
    assert rig.balance("USDT") == -100 + D("0.999") * 110 - D("0.10989")


def test_a_sale_pays_its_base_asset_fee_from_what_is_still_long() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "2", "100"))
    position = rig.one(PositionChanged, a_fill("sell", "1", "110", fee="0.002", fee_currency="BTC"))
    assert position.quantity == D("0.998")
    assert position.realised_pnl == D("1.002") * 10
    assert rig.balance("BTC") == D("0.998")


def test_a_sale_of_everything_leaves_no_short_position_behind_for_its_base_asset_fee() -> None:
    rig = Rig()
    rig.feed(a_transfer("1", "BTC"), a_fill("buy", "2", "100"))
    position = rig.one(PositionChanged, a_fill("sell", "2", "110", fee="0.002", fee_currency="BTC"))
    assert position.quantity == 0
    assert rig.balance("BTC") == D("0.998")


def test_a_fee_in_a_third_asset_is_paid_by_its_own_balance() -> None:
    rig = Rig()
    rig.feed(a_transfer("1", "BNB"), a_quote(500.0, BNB))
    sent = rig.feed(a_fill("buy", "1", "100", fee="0.01", fee_currency="BNB"))
    balances = [(m.asset, m.total) for m in sent if isinstance(m, BalanceChanged)]
    assert balances == [("BTC", D(1)), ("USDT", D(-100)), ("BNB", D("0.99"))]
    trade = rig.one(TradeClosed, a_fill("sell", "1", "100", fee="0.01", fee_currency="BNB"))
    assert (trade.realised_pnl, trade.fees) == (D(0), D(10))


def test_a_rebate_is_a_fee_below_zero() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "1", "100", fee="-0.02"))
    assert rig.balance("USDT") == D("-99.98")
    assert rig.ledger.positions("main")[0].fees == D("-0.02")


def test_strategies_hold_apart_and_the_account_holds_their_sum() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "3", "100", strategy="a"))
    position = rig.one(PositionChanged, a_fill("sell", "1", "120", strategy="b"))
    assert [position.quantity, position.entry_price_average, position.realised_pnl] == [D(-1), D(120), D(0)]
    assert position.account_quantity == 2


def test_a_fill_booked_twice_is_refused() -> None:
    rig = Rig()
    rig.feed(a_fill(trade_id="x"))
    with pytest.raises(ActorFailed, match="came a second time"):
        rig.feed(a_fill(trade_id="x"))


def test_fill_keys_are_bounded() -> None:
    rig = Rig()
    rig.feed(*(a_fill(trade_id=f"n{number}") for number in range(KEYS_MAX + 5)))
    assert len(rig.ledger.snapshot().fill_keys) == KEYS_MAX


def test_a_transfer_is_booked_once_and_is_no_profit() -> None:
    rig = Rig()
    assert rig.one(BalanceChanged, a_transfer("100")).total == 100
    assert [m for m in rig.feed(a_transfer("100")) if isinstance(m, BalanceChanged)] == []
    rig.feed(a_transfer("-30", reason="withdrawal", transfer_id="t2"))
    assert rig.balance("USDT") == 70
    assert set(rig.ledger.trial_balance("main").values()) == {0}


def test_the_first_statement_is_the_opening_balance_and_is_known_at_once() -> None:
    rig = Rig()
    sent = rig.feed(a_statement(USDT="1000", BTC="0.5"))
    assert [(type(m), m.asset) for m in sent if isinstance(m, CashTransferred | BalanceChanged)] == [
        (BalanceChanged, "USDT"),
        (CashTransferred, "USDT"),
        (BalanceChanged, "BTC"),
        (CashTransferred, "BTC"),
    ]
    assert {m.reason for m in sent if isinstance(m, CashTransferred)} == {"opening"}
    assert rig.ledger.balances("main") == {"USDT": 1000, "BTC": D("0.5")}


def test_an_opening_lot_gives_a_holding_to_a_strategy_at_its_cost() -> None:
    rig = Rig()
    rig.feed(a_statement(BTC="2"))
    position = rig.one(PositionChanged, a_lot("1.5", "80"), a_lot("1.5", "80"))
    assert (position.quantity, position.entry_price_average) == (D("1.5"), D(80))
    assert (position.client_order_id, position.filled_quantity) == (None, D(0))
    assert rig.balance("BTC") == 2
    trade = rig.one(TradeClosed, a_fill("sell", "1.5", "100"))
    assert trade.realised_pnl == 30
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))


def test_two_statements_in_a_row_that_differ_are_a_difference() -> None:
    rig = Rig()
    rig.feed(a_statement(USDT="1000"))
    assert rig.one(StatementDisagrees, a_statement(1, USDT="900")).answers == 1
    found = rig.one(StatementDisagrees, a_statement(2, USDT="900"))
    assert (found.asset, found.ours, found.venue, found.answers) == ("USDT", D(1000), D(900), 2)


def test_a_fill_between_question_and_answer_is_no_difference() -> None:
    rig = Rig()
    rig.feed(a_statement(USDT="1000"))
    for total in ("1000", "900"):
        asked = rig.sequencer.seq + 1
        rig.feed(QueryAccount(ts_event=0, account="main", asked_seq=asked, fills_after={}))
        rig.feed(a_fill("buy", "1", "100"), a_fill("sell", "1", "100"))
        rig.feed(a_statement(asked, USDT=total))
    assert rig.ledger.snapshot().accounts["main"].statements.doubts == {}


def test_a_statement_without_balances_says_nothing() -> None:
    rig = Rig()
    rig.feed(a_statement(USDT="1000"))
    unanswered = a_statement(1)
    unanswered = type(unanswered)(ts_event=0, account="main", venue_time_ms=0)
    for _ in range(3):
        assert rig.feed(unanswered) == []


def test_shares_are_compared_with_the_positions_statement() -> None:
    rig = Rig()
    rig.feed(a_statement(positions={SHARE: "10"}, USD="500"))
    assert rig.ledger.balances("main") == {"USD": 500, "ACME": 10}
    for seq in range(3):
        assert rig.feed(a_statement(seq, USD="500")) == []
    rig.feed(a_statement(8, positions={}, USD="500"))
    found = rig.one(StatementDisagrees, a_statement(9, positions={}, USD="500"))
    assert (found.asset, found.ours, found.venue, found.answers) == ("ACME", D(10), D(0), 2)


def test_a_fresh_connection_voids_open_questions() -> None:
    rig = Rig()
    rig.feed(QueryAccount(ts_event=0, account="main", asked_seq=1, fills_after={}))
    rig.feed(BrokerStarted(ts_event=0, account="main"))
    assert rig.ledger.snapshot().accounts["main"].statements.questions == []


def test_reconciling_checks_the_books_against_themselves() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "1", "100"))
    state = rig.ledger.snapshot()
    state.positions[0].quantity += 1
    rig.ledger.restore(state)
    with pytest.raises(ActorFailed, match="lots come to -2 BTC"):
        rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))


def test_snapshots_come_at_multiples_of_their_interval_and_value_everything() -> None:
    rig = Rig()
    rig.feed(Started(ts_event=0, epoch=1), a_statement(USDT="1000"), a_quote(120.0))
    rig.feed(a_fill("buy", "2", "100", fee="1"))
    rig.sequencer.sent.clear()
    rig.sequencer.run(TimeReached(ts_event=0), 25_000_000_000)
    first, second = (m for m in rig.sequencer.sent if isinstance(m, AccountSnapshot))
    assert (first.ts_event, second.ts_event) == (10_000_000_000, 20_000_000_000)
    assert (first.equity, first.cash, first.unrealised_pnl) == (799.0 + 240.0, 799.0, 40.0)
    assert (first.realised_pnl, first.fees, first.drawdown) == (0.0, 1.0, 0.0)


def test_an_account_without_opening_balance_publishes_nothing() -> None:
    rig = Rig()
    rig.feed(Started(ts_event=0, epoch=1))
    rig.sequencer.run(TimeReached(ts_event=0), 25_000_000_000)
    assert rig.sequencer.sent == []


def test_drawdown_falls_with_losses_and_not_with_a_withdrawal() -> None:
    rig = Rig()
    rig.feed(
        Started(ts_event=0, epoch=1), a_statement(USDT="1000"), a_quote(100.0), a_fill("buy", "5", "100")
    )
    rig.feed(a_transfer("-250", reason="withdrawal"), a_quote(80.0))
    rig.sequencer.sent.clear()
    rig.sequencer.run(TimeReached(ts_event=0), 10_000_000_000)
    (snapshot,) = (m for m in rig.sequencer.sent if isinstance(m, AccountSnapshot))
    assert snapshot.equity == 650.0
    assert snapshot.drawdown == pytest.approx(650.0 / 750.0 - 1.0)


def test_an_account_or_instrument_nobody_configured_is_no_booking() -> None:
    with pytest.raises(ActorFailed, match="XYZ"):
        Rig().feed(a_fill(instrument="XYZ"))
    stranger = BrokerStarted(ts_event=0, account="other")
    assert Rig().feed(stranger) == []
    with pytest.raises(ActorFailed, match="other"):
        Rig().feed(AccountReconciled(ts_event=0, account="other", asked_seq=0))


def test_a_holding_whose_instrument_is_gone_from_the_configuration_is_refused() -> None:
    rig = Rig()
    rig.feed(a_fill("buy", "1", "100"))
    with pytest.raises(ConfigError, match=f"1 {BTC} of s at main"):
        a_ledger({BNB: INSTRUMENTS[BNB]}).restore(rig.ledger.snapshot())
    rig.feed(a_fill("sell", "1", "100"))
    a_ledger({BNB: INSTRUMENTS[BNB]}).restore(rig.ledger.snapshot())


def test_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="F is an option"):
        a_ledger({"F": an_instrument(kind="option", id="F")})
