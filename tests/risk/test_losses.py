"""Loss limits at their boundary: what trips them, what never does, and what lifts them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import (
    AccountReconciled,
    AccountSnapshot,
    BalanceChanged,
    CashTransferred,
    ExternalFillShown,
    PositionChanged,
)
from actors.messages.base import Message
from actors.messages.control import (
    Approve,
    ClearHalt,
    CommandDone,
    Flatten,
    GoalMet,
    Halt,
    Resume,
    Scope,
    Started,
    StateChanged,
)
from actors.risk.limits import LimitAction, RiskLimits, StrategyLimits
from actors.risk.losses import Meter
from tests.risk.build import (
    BTC,
    ETH,
    INSTRUMENTS,
    D,
    Rig,
    a_fill,
    a_quote,
    command,
    limits,
    some_terms,
)

ENCODE = msgspec.msgpack.Encoder().encode
MAIN = Scope(account="main")
S = Scope(account="main", strategy="s")


class LossRig(Rig):
    """Orders are paid in USDT alone."""

    def __init__(self, given: RiskLimits | None = None, **settings: Any) -> None:
        pairs = {name: INSTRUMENTS[name] for name in (BTC, ETH)}
        super().__init__(given, instruments=pairs, **settings)


def a_valuation(account: str = "main") -> AccountSnapshot:
    """Risk computes its own figures: the message only says when."""
    return AccountSnapshot(
        ts_event=0, account=account, currency="USDT", equity=0.0, cash=0.0, unrealised_pnl=0.0,
        realised_pnl=0.0, fees=0.0, drawdown=0.0,
    )  # fmt: skip


def a_transfer(amount: str, asset: str = "USDT", name: str = "t1") -> CashTransferred:
    return CashTransferred(
        ts_event=0, account="main", asset=asset, amount=D(amount), reason="deposit", transfer_id=name
    )


def a_balance(asset: str, total: str) -> BalanceChanged:
    return BalanceChanged(ts_event=0, account="main", asset=asset, total=D(total))


def opened(given: Any = None, **settings: Any) -> Rig:
    """10,000 USDT and a lot of 10 BTC at 100, together 11,000; 5 BTC more are somebody else's."""
    rig = LossRig(given, **settings)
    rig.feed(a_balance("USDT", "10000"), a_transfer("10000", name="opening:USDT"))
    rig.feed(a_balance("BTC", "15"), a_transfer("15", "BTC", name="opening:BTC"))
    rig.feed(a_lot(rig, "10", "100", "other"), a_valuation())
    return rig


def tripped(rig: Rig, *inputs: Message) -> list[tuple[str, str]]:
    return [(str(m.scope), m.state) for m in rig.feed(*inputs) if isinstance(m, StateChanged)]


def meter(rig: Rig, strategy: str | None = None) -> Meter:
    found = rig.risk.guard.losses.meter("main", strategy)
    assert found is not None
    return found


ACTIONS: list[tuple[LimitAction, str]] = [
    ("reduce_only", "reduce_only"), ("pause", "paused"), ("flatten", "paused"), ("halt", "halted"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "state"), ACTIONS)
def test_a_daily_loss_of_exactly_the_limit_is_allowed_and_more_is_not(
    action: LimitAction, state: str
) -> None:
    rig = opened(limits(daily_loss_max=D(50), daily_loss_action=action))
    assert tripped(rig, a_quote(95.0), a_valuation()) == []
    sent = rig.feed(a_quote(94.99), a_valuation())
    (change,) = [m for m in sent if isinstance(m, StateChanged) and m.state == state]
    assert change.scope == MAIN
    assert change.reason == ("DAILY_LOSS_EXCEEDS_MAX: daily_loss=50.1, max=50, equity=10949.9, currency=USDT")
    assert [m.scope for m in sent if isinstance(m, Flatten)] == ([MAIN] if action == "flatten" else [])
    assert tripped(rig, a_quote(100.0), a_valuation()) == [], "latched, though nothing is lost any more"
    assert rig.verdict() == f"STATE_{state.upper()}"


@pytest.mark.parametrize(("action", "state"), ACTIONS)
def test_a_drawdown_of_exactly_the_limit_is_allowed_and_more_is_not(action: LimitAction, state: str) -> None:
    rig = opened(limits(drawdown_max=0.1, drawdown_action=action))
    rig.feed(a_quote(300.0), a_valuation())  # the peak: 13,000
    assert tripped(rig, a_quote(170.0), a_valuation()) == []
    assert meter(rig).drawdown == 0.1
    assert (str(MAIN), state) in tripped(rig, a_quote(169.99), a_valuation())


@pytest.mark.parametrize(("action", "state"), ACTIONS)
def test_a_strategys_loss_stops_the_strategy_alone(action: LimitAction, state: str) -> None:
    own = StrategyLimits(daily_loss_max=D(20), daily_loss_action=action)
    rig = opened(own=own)
    rig.feed(*a_purchase(rig, "2", "100"))
    assert tripped(rig, a_quote(90.0), a_valuation()) == []
    assert (str(S), state) in tripped(rig, a_quote(89.99), a_valuation())
    assert rig.verdict(strategy="other") == "approved"
    assert rig.verdict("buy") == f"STATE_{state.upper()}"


def test_a_strategys_loss_from_its_peak_counts_its_gains() -> None:
    rig = opened(own=StrategyLimits(peak_loss_max=D(30)))
    rig.feed(*a_purchase(rig, "2", "100"), a_quote(120.0), a_valuation())
    assert tripped(rig, a_quote(105.0), a_valuation()) == []
    assert tripped(rig, a_quote(104.99), a_valuation()) == [(str(S), "paused")]


def a_purchase(rig: Rig, quantity: str, price: str, fee: str = "0") -> list[Message]:
    """A fill of strategy `s` as oms and ledger tell it."""
    terms = some_terms("buy", quantity, price)
    fill = msgspec.structs.replace(a_fill(terms, quantity, "0"), fee=D(fee), fee_currency="USDT")
    held = rig.own.get(("s", BTC), D(0)) + D(quantity)
    booked = rig.position(D(quantity), terms.client_order_id, D(quantity))
    booked = msgspec.structs.replace(booked, entry_price_average=D(price), quantity=held)
    holdings = rig.risk._gate.exposure.holdings
    usdt = holdings.balance("main", "USDT") - D(quantity) * D(price) - D(fee)
    btc = holdings.balance("main", "BTC") + D(quantity)
    return [fill, a_balance("BTC", str(btc)), a_balance("USDT", str(usdt)), booked]


def test_a_fill_is_looked_at_without_waiting_for_a_valuation() -> None:
    rig = opened(limits(daily_loss_max=D(10)))
    assert tripped(rig, *a_purchase(rig, "1", "110")) == []
    assert tripped(rig, *a_purchase(rig, "1", "100", fee="0.01")) == [(str(MAIN), "halted")]


def test_fees_are_losses_of_their_strategy() -> None:
    rig = opened(own=StrategyLimits(daily_loss_max=D(5)))
    assert tripped(rig, *a_purchase(rig, "1", "100", fee="5")) == []
    assert tripped(rig, *a_purchase(rig, "1", "100", fee="0.01")) == [(str(S), "paused")]


# what moves no limit


TRANSFERS: dict[str, Callable[[Rig], list[Message]]] = {
    "deposit": lambda rig: [a_balance("USDT", "15000"), a_transfer("5000")],
    "withdrawal": lambda rig: [a_balance("USDT", "1000"), a_transfer("-9000")],
    "withdrawal told before it is booked": lambda rig: [a_transfer("-9000"), a_balance("USDT", "1000")],
    "coins": lambda rig: [
        a_balance("BTC", "6"), a_lot(rig, "-9", "0", "other"), a_transfer("-9", "BTC"),
    ],
    "coins of somebody else": lambda rig: [a_balance("BTC", "25"), a_transfer("10", "BTC")],
    "somebody else's trade": lambda rig: [
        an_external_fill(), a_balance("BTC", "16"), a_balance("USDT", "9500"),
    ],
    "told twice": lambda rig: [a_transfer("-9000"), a_balance("USDT", "1000"), a_transfer("-9000")],
    "conversion": lambda rig: [
        a_balance("USDT", "10100"), a_transfer("100"),
        a_balance("BTC", "14"), a_lot(rig, "-1", "0", "other"), a_transfer("-1", "BTC", "t2"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFERS)
def test_transfers_are_neither_loss_nor_drawdown(name: str) -> None:
    rig = opened(limits(daily_loss_max=D(50), drawdown_max=0.01))
    rig.feed(a_quote(99.0), a_valuation())
    before = (meter(rig).daily_loss, meter(rig).drawdown)
    assert tripped(rig, *TRANSFERS[name](rig), a_valuation()) == []
    assert (meter(rig).daily_loss, meter(rig).drawdown) == pytest.approx(before, abs=1e-9)


def test_the_day_goes_on_with_what_was_lost_before_a_deposit() -> None:
    rig = opened(limits(daily_loss_max=D(50)))
    rig.feed(a_quote(96.0), a_valuation(), a_transfer("5000"), a_balance("USDT", "15000"), a_valuation())
    assert tripped(rig, a_quote(95.0), a_valuation()) == []
    assert tripped(rig, a_quote(94.9), a_valuation()) == [(str(MAIN), "halted")]


def test_what_is_owned_without_a_price_counts_from_its_first_price() -> None:
    rig = LossRig(limits(daily_loss_max=D(1), drawdown_max=0.001), is_active=False)
    rig.feed(Started(ts_event=0, epoch=1), a_balance("BTC", "10"), a_transfer("10", "BTC"))
    rig.feed(a_lot(rig, "10", "90", "other"), a_valuation())
    assert tripped(rig, a_quote(100.0), a_valuation()) == []
    assert (meter(rig).daily_loss, meter(rig).peak, meter(rig).day_start) == (0.0, 1000.0, 1000.0)
    assert tripped(rig, a_quote(99.0), a_valuation()) == [("account=main", "halted")]


def test_a_lot_from_before_is_no_loss_of_the_strategy_that_gets_it() -> None:
    rig = opened(own=StrategyLimits(daily_loss_max=D(5), peak_loss_max=D(5)))
    assert tripped(rig, a_lot(rig, "1", "500"), a_valuation()) == []
    assert tripped(rig, a_quote(95.0), a_valuation()) == []
    assert tripped(rig, a_quote(94.9), a_valuation()) == [(str(S), "paused")]


def test_a_lot_that_has_no_price_yet_is_measured_from_its_first() -> None:
    rig = LossRig(own=StrategyLimits(daily_loss_max=D(5)), is_active=False)
    rig.feed(Started(ts_event=0, epoch=1), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    rig.feed(a_lot(rig, "1", "500"), a_valuation())
    assert tripped(rig, a_quote(100.0), a_valuation()) == []
    assert tripped(rig, a_quote(94.9), a_valuation()) == [(str(S), "paused")]


def test_a_lot_that_is_traded_before_it_was_ever_valued_is_measured_from_its_first_price() -> None:
    rig = LossRig(own=StrategyLimits(daily_loss_max=D(5)), is_active=False)
    rig.feed(Started(ts_event=0, epoch=1), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    rig.feed(a_lot(rig, "1", "500"), a_quote(100.0))
    more = [msgspec.structs.replace(m, entry_price_average=D(300)) for m in a_purchase(rig, "1", "100")[3:]]
    assert tripped(rig, *more, a_valuation()) == []
    assert tripped(rig, a_quote(97.4), a_valuation()) == [(str(S), "paused")]


def an_external_fill() -> ExternalFillShown:
    """1 BTC far above the mark, and not ours."""
    return ExternalFillShown(
        ts_event=0, account="main", instrument=BTC, venue_order_id="9", trade_id="9", side="buy",
        quantity=D(1), price=D(500), fee=D(0), fee_currency="USDT",
    )  # fmt: skip


def a_lot(rig: Rig, quantity: str, price: str, strategy: str = "s") -> PositionChanged:
    booked = rig.position(D(quantity), None, D(0), strategy=strategy)
    return msgspec.structs.replace(booked, entry_price_average=D(price))


def test_what_somebody_else_keeps_in_the_account_loses_nothing_for_us() -> None:
    rig = LossRig(limits(daily_loss_max=D(1)))
    rig.feed(a_balance("USDT", "10000"), a_transfer("10000", name="opening:USDT"))
    rig.feed(a_balance("BTC", "5"), a_transfer("5", "BTC", name="opening:BTC"), a_valuation())
    assert tripped(rig, a_quote(50.0), a_valuation()) == []


def test_a_price_that_is_no_number_trips_nothing() -> None:
    rig = opened(limits(daily_loss_max=D(50), drawdown_max=0.01))
    assert tripped(rig, a_quote(float("nan")), a_valuation()) == []


def test_without_a_limit_nothing_trips_and_the_figures_are_still_kept() -> None:
    rig = opened()
    assert tripped(rig, a_quote(10.0), a_valuation()) == []
    assert meter(rig).daily_loss == 900.0


# what lifts them


def test_lifting_a_tripped_limit_waits_for_a_second_command_and_counts_anew() -> None:
    rig = opened(limits(daily_loss_max=D(50), daily_loss_action="pause"))
    rig.feed(a_quote(90.0), a_valuation())
    done = rig.only(CommandDone, command(Resume, MAIN))
    assert done.accepted
    assert done.text.endswith("confirm with `tickerd ctl approve a1`")
    assert rig.verdict() == "STATE_PAUSED"
    assert [m.state for m in rig.approve() if isinstance(m, StateChanged)] == ["active"]
    assert tripped(rig, a_quote(85.0), a_valuation()) == []
    assert tripped(rig, a_quote(84.9), a_valuation()) == [("account=main", "paused")]


def test_an_approval_does_not_lift_what_a_loss_limit_did_since_it_was_asked_for() -> None:
    rig = opened(limits(daily_loss_max=D(50), daily_loss_action="halt"))
    rig.feed(command(Halt, MAIN, reason="odd"), command(ClearHalt, MAIN))
    rig.feed(a_quote(94.0), a_valuation())
    done = rig.only(CommandDone, command(Approve, approval_id="a1", is_granted=True))
    assert not done.accepted
    assert "DAILY_LOSS_EXCEEDS_MAX" in done.text
    assert rig.verdict() == "STATE_HALTED"
    rig.clear(MAIN)
    assert rig.verdict() == "approved"


def test_a_halt_by_drawdown_is_cleared_to_a_new_peak() -> None:
    rig = opened(limits(drawdown_max=0.01))
    rig.feed(a_quote(80.0), a_valuation())
    assert not rig.only(CommandDone, command(Resume, MAIN)).accepted
    rig.clear(MAIN)
    assert rig.verdict() == "approved"
    assert tripped(rig, a_valuation()) == []
    assert meter(rig).peak == 10_800.0


def test_flattened_is_paused_until_the_operator_resumes_it() -> None:
    rig = opened(limits(daily_loss_max=D(50), daily_loss_action="flatten"))
    rig.hold("1")
    rig.feed(a_quote(90.0), a_valuation())
    assert rig.verdict("sell", "1", reduce_only=True) == "approved", "closing goes on"
    rig.feed(GoalMet(ts_event=0, scope=MAIN, goal="flatten"))
    assert rig.verdict() == "STATE_PAUSED"


def test_a_loss_survives_a_new_process_life() -> None:
    rig = opened(limits(daily_loss_max=D(50)))
    rig.feed(a_quote(96.0), a_valuation(), Started(ts_event=0, epoch=2))
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert tripped(rig, a_quote(94.9), a_valuation()) == [("account=main", "halted")]
    rig.feed(Started(ts_event=0, epoch=3), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "STATE_HALTED"


# the same after a restart


def a_session(rig: Rig) -> list[Message]:
    rig.feed(a_balance("USDT", "10000"))
    return [
        Started(ts_event=0, epoch=1),
        a_quote(100.0),
        AccountReconciled(ts_event=0, account="main", asked_seq=0),
        a_balance("USDT", "10000"),
        a_transfer("10000"),
        a_transfer("10", "ETH", "t2"),
        a_balance("ETH", "10"),
        a_valuation(),
        *a_purchase(rig, "2", "100", "0.1"),
        a_quote(97.0),
        a_valuation(),
        a_quote(10.0, "ETHUSDT@binance"),
        a_lot(rig, "1", "90"),
        a_valuation(),
        a_quote(90.0),
        a_valuation(),
        a_quote(80.0),
        a_valuation(),
        command(Resume, S),
        command(Approve, approval_id="a1", is_granted=True),
        command(ClearHalt, MAIN),
        Started(ts_event=0, epoch=2),
        command(Approve, approval_id="a2", is_granted=True),
        AccountReconciled(ts_event=0, account="main", asked_seq=0),
        a_quote(70.0),
        a_valuation(),
    ]


def test_losses_restored_after_any_input_go_on_the_same() -> None:
    own = StrategyLimits(daily_loss_max=D(20), peak_loss_max=D(30), peak_loss_action="flatten")

    def a_rig() -> Rig:
        return LossRig(limits(daily_loss_max=D(39), drawdown_max=0.5), own=own, is_active=False)

    whole = a_rig()
    answers, taken = [], []
    inputs = a_session(a_rig())
    for message in inputs:
        answers.append(whole.feed(message))
        taken.append(whole.sequencer.snapshot())
    seen = {m.state for sent in answers for m in sent if isinstance(m, StateChanged)}
    assert seen >= {"halted", "paused", "active"}
    for k, state in enumerate(taken):
        rig = a_rig()
        rig.sequencer.restore(msgspec.msgpack.decode(ENCODE(state), type=CoreSnapshot))
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(state)
        for message, expected in zip(inputs[k + 1 :], answers[k + 1 :], strict=True):
            assert rig.feed(message) == expected
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(taken[-1])


def test_the_limit_is_a_figure_and_not_its_noise() -> None:
    rig = LossRig(limits(daily_loss_max=Decimal("0.3")))
    rig.feed(a_balance("USDT", "0.6"), a_transfer("0.6"), a_valuation())
    assert tripped(rig, a_balance("USDT", "0.3"), a_valuation()) == []
    assert tripped(rig, a_balance("USDT", "0.29999999"), a_valuation()) == [("account=main", "halted")]
