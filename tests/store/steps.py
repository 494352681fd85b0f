"""A step of every kind that becomes rows, on a tape, for the tests of the projections."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from actors.messages.account import (
    AccountSnapshot,
    BalanceChanged,
    CashTransferred,
    DifferenceFound,
    PositionChanged,
    TradeClosed,
)
from actors.messages.base import Message
from actors.messages.control import (
    CommandDone,
    Halt,
    Scope,
    StateChanged,
    StepFailed,
    StrategyFailed,
    TimeReached,
)
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import (
    ApprovedOrder,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderTerms,
    SpecialTerms,
    SubmitOrder,
)
from actors.store.layout import tape_folder
from actors.store.tape_file import TapeWriter
from tests.store.trading import INSTRUMENT, SECOND, T0, Life, a_stop

D = Decimal
Step = tuple[Message, Sequence[Message]]


def fact(order_id: str) -> dict[str, Any]:
    return {"client_order_id": order_id, "account": "paper", "strategy": "test", "instrument": INSTRUMENT}


def terms(order_id: str, quantity: str = "1.00") -> OrderTerms:
    return OrderTerms(
        **fact(order_id), side="buy", order_type="limit", quantity=D(quantity), price=D("100.50")
    )  # fmt: skip


def ordered(order_id: str, special: SpecialTerms | None = None) -> list[Message]:
    t = msgspec.structs.replace(terms(order_id), special=special)
    submit = SubmitOrder(
        ts_event=T0, account="paper", instrument=INSTRUMENT, client_order_id=order_id, terms=t,
        venue_timestamp_ms=1, receive_window_ms=5000,
    )  # fmt: skip
    return [
        OrderIntent(ts_event=T0, terms=t, mid_price=100.0),
        ApprovedOrder(ts_event=T0, terms=t, mid_price=100.0),
        submit,
    ]


def filled(order_id: str, trade_id: str, quantity: str, remaining: str) -> list[Message]:
    fill = OrderFilled(
        ts_event=T0, **fact(order_id), venue_order_id="v" + order_id, trade_id=trade_id, side="buy",
        quantity=D(quantity), price=D("100.50"), fee=D("0.0000100"), fee_currency="BNB",
        liquidity="taker", remaining=D(remaining), mid_price=100.25,
    )  # fmt: skip
    position = PositionChanged(
        ts_event=T0, account="paper", strategy="test", instrument=INSTRUMENT, quantity=D(quantity),
        entry_price_average=D("100.50"), realised_pnl=D(0), account_quantity=D(quantity),
        client_order_id=order_id, filled_quantity=D(quantity),
    )  # fmt: skip
    balances = [
        BalanceChanged(ts_event=T0, account="paper", asset="USDT", total=D("899.50")),
        BalanceChanged(ts_event=T0, account="paper", asset="BTC", total=D(quantity)),
    ]
    return [fill, *balances, position]


def corrected(
    order_id: str, trade_id: str, was: str, quantity: str, *, revision: int, filled: str
) -> FillCorrected:
    before = FillFigures(quantity=D(was), price=D("100.50"), fee=D("0.0000100"), fee_currency="BNB")
    after = FillFigures(quantity=D(quantity), price=D("100.25"), fee=D("0.000008"), fee_currency="BNB")
    return FillCorrected(
        ts_event=T0, **fact(order_id), venue_order_id="v" + order_id, trade_id=trade_id, revision=revision,
        side="buy", before=before, after=after, fee_known=True, liquidity="taker", mid_price=100.25,
        ts_filled=T0, filled_quantity=D(filled),
    )  # fmt: skip


def of(kind: type[OrderFact], order_id: str, **rest: Any) -> Message:
    return kind(ts_event=T0, **fact(order_id), **rest)


def every_kind() -> list[Step]:
    """Orders A … G to each end an order can have, and everything else that becomes a row."""
    tick = TimeReached(ts_event=T0)
    steps: list[Step] = [(tick, ordered(name)) for name in "ABCDEF"]
    steps += [(tick, [of(OrderAccepted, name, venue_order_id="v" + name)]) for name in "ABC"]
    halt = Halt(ts_event=T0, scope=Scope(account="paper"), command_id="c1", by="uid=1000", reason="drill")
    halted = StateChanged(ts_event=T0, scope=Scope(account="paper"), state="halted", reason="drill")
    closed = TradeClosed(
        ts_event=T0, account="paper", strategy="test", instrument=INSTRUMENT, direction="long",
        quantity=D(1), entry_price=D("100.5"), exit_price=D(101), realised_pnl=D("0.5"), fees=D("0.001"),
        ts_opened=T0 - 5,
    )  # fmt: skip
    worth = AccountSnapshot(
        ts_event=T0, account="paper", currency="USDT", equity=1000.5, cash=899.5, unrealised_pnl=0.5,
        realised_pnl=0.0, fees=0.001, drawdown=-0.01,
    )  # fmt: skip
    deposit = CashTransferred(
        ts_event=T0, account="paper", asset="USDT", amount=D("1000"), reason="opening", transfer_id="t1"
    )
    difference = DifferenceFound(
        ts_event=T0, account="paper", kind="balance", subject="USDT", ours="1", venue="2"
    )
    failed = StrategyFailed(
        ts_event=T0, account="paper", strategy="test", handler="on_bar", error="KeyError", file="s.py", line=3
    )
    denied = OrderDenied(ts_event=T0, **fact("G"), code="TOO_LARGE", figures="quantity=2, max=1")
    steps += [
        (tick, filled("A", "1", "0.4", "0.6")),
        (tick, filled("A", "2", "0.6", "0.0")),
        (tick, filled("B", "3", "0.25", "0.75")),
        (tick, [of(OrderCancelled, "B", filled_quantity=D("0.25"))]),
        (tick, [of(OrderReplaced, "C", quantity=D("2"), price=D("99"), stop_price=None)]),
        (tick, [of(OrderExpired, "C", filled_quantity=D(0), reason="day over")]),
        (tick, [of(OrderRejected, "D", code="FUNDS", text="not enough")]),
        (tick, [of(OrderOutcomeUnknown, "E", command="submit", reason="timeout")]),
        (tick, [denied]),
        (tick, [corrected("A", "2", "0.6", "0.5", revision=2, filled="0.9")]),
        (tick, [corrected("B", "3", "0.25", "0", revision=2, filled="0")]),
        (deposit, []),
        (tick, [deposit]),
        (tick, [closed, worth]),
        (halt, [halted, CommandDone(ts_event=T0, command_id="c1", accepted=True, text="halted")]),
        (tick, [difference, failed]),
        (tick, [StepFailed(ts_event=T0, actor="oms", error="AssertionError")]),
        (a_stop(99), []),
    ]
    return steps


def write_tape(state: Path, steps: Sequence[Step]) -> int:
    """Put the steps on a tape of one part; returns the last seq."""
    life = Life(state)
    tape = TapeWriter(tape_folder(state), is_preallocated=False)
    tape.begin_part(life.head(part=1, epoch=1, session="s", chain=bytes(16)), T0)
    for seq, (message, sent) in enumerate(steps, 1):
        tape.append(seq, T0 + seq * SECOND, message, sent)
    tape.close()
    return len(steps)
