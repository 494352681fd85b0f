"""Whatever happens: nothing that was held leaves without figures, and nothing waits for ever."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import AccountReconciled
from actors.messages.base import Message
from actors.messages.control import (
    BrokerStopped,
    CancelAll,
    Pause,
    Resume,
    Scope,
    Started,
    TimeReached,
)
from actors.messages.margin import MarginAnswered, QueryMargin
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    CancelRequest,
    OrderCancelled,
    OrderDenied,
    OrderIntent,
)
from actors.risk.limits import RiskLimits
from tests.risk.build import (
    D,
    Rig,
    a_fill,
    a_quote,
    accepted,
    an_intent,
    cancelled,
    command,
    limits,
)
from tests.risk.margin_rig import a_change, answer, figures

ENCODE = msgspec.msgpack.Encoder().encode
MAIN = Scope(account="main")


def any_message(random: Random, rig: Rig, asked: list[str], known: list[OrderIntent]) -> Message:
    """Something that may happen next."""
    order = random.choice(known) if known else an_intent()
    name = order.terms.client_order_id
    question = random.choice(asked) if asked else name
    after = figures(random.choice(("50", "600")), initial=random.choice(("50", "600", "1001")))
    makers: list[Any] = [
        lambda: an_intent(random.choice(("buy", "sell")), random.choice("123"), random.choice(("99", None))),
        lambda: an_intent(random.choice(("buy", "sell")), random.choice("123")),
        lambda: answer(question, after),
        lambda: answer(question, figures()),
        lambda: answer(question, text="no"),
        lambda: CancelRequest(ts_event=0, client_order_id=name, reason=""),
        lambda: a_change(order, random.choice("1357"), random.choice(("97", "101"))),
        lambda: cancelled(order.terms),
        lambda: accepted(order.terms),
        lambda: a_fill(order.terms, str(order.terms.quantity), "0"),
        lambda: command(random.choice((Pause, Resume)), MAIN),
        lambda: command(CancelAll, MAIN),
        lambda: BrokerStopped(ts_event=0, account="main", reason="cut"),
        lambda: AccountReconciled(ts_event=0, account="main", asked_seq=0),
        lambda: Started(ts_event=0, epoch=2),
        lambda: a_quote(random.choice((90.0, 100.0, 110.0))),
        lambda: TimeReached(ts_event=0),
    ]  # fmt: skip
    made = random.choice(makers)()
    assert isinstance(made, Message)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_was_held_leaves_without_figures_and_nothing_waits_for_ever(
    seed: int,
) -> None:
    random = Random(seed)
    given: RiskLimits = limits(margin_check=True, order_rate_max=6, position_max=D(30))
    rig, twin = Rig(given), Rig(given)
    asked: list[str] = []
    known: list[OrderIntent] = []
    held_now: set[str] = set()
    for step in range(120):
        message = any_message(random, rig, asked, known)
        if isinstance(message, OrderIntent):
            known = [*known[-6:], message]
        now = (step + random.random()) * 0.7
        twin.sequencer.restore(msgspec.msgpack.decode(ENCODE(rig.sequencer.snapshot()), type=CoreSnapshot))
        sent = rig.at(now).feed(message)
        assert twin.at(now).feed(message) == sent, f"seed {seed}, step {step}"
        for each in sent:
            if isinstance(each, QueryMargin):
                asked = [*asked[-6:], each.terms.client_order_id]
                held_now.add(each.terms.client_order_id)
            elif isinstance(each, OrderDenied | OrderCancelled):
                held_now.discard(each.client_order_id)
            elif isinstance(each, ApprovedOrder | ApprovedReplace):
                name = (
                    each.terms.client_order_id
                    if isinstance(each, ApprovedOrder)
                    else each.new_client_order_id
                )
                if isinstance(each, ApprovedOrder) or name in held_now:
                    assert isinstance(message, MarginAnswered), f"seed {seed}, step {step}"
                    assert message.client_order_id == name
                    assert message.figures is not None
                    assert message.figures.initial_after <= message.figures.equity_after
                    held_now.remove(name)  # nothing else is approved: there is no position to reduce
        assert held_now == {each.terms.client_order_id for each in rig.risk.held}
    rig.at(1_000).feed(TimeReached(ts_event=0))
    assert list(rig.risk.held) == []
