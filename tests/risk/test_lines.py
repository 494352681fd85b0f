"""Figures kept between two valuations are those of the newest holdings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.base import Message
from actors.risk.lines import Line, line_of
from actors.risk.losses import Held
from tests.risk.build import BTC, INSTRUMENTS, D, Rig, a_quote
from tests.risk.test_losses import (
    LossRig,
    a_balance,
    a_lot,
    a_purchase,
    a_transfer,
    a_valuation,
    an_external_fill,
    opened,
)

CHANGES: dict[str, Callable[[Rig], list[Message]]] = {
    "a balance": lambda rig: [a_balance("USDT", "9000")],
    "cash that came": lambda rig: [a_transfer("50"), a_balance("USDT", "10050")],
    "coins that came": lambda rig: [a_transfer("2", "BTC"), a_balance("BTC", "17")],
    "others' trade": lambda rig: [an_external_fill()],
    "a lot": lambda rig: [a_lot(rig, "3", "100")],
    "a fill": lambda rig: a_purchase(rig, "2", "100", "1"),
}


def copy_of(rig: Rig) -> Rig:
    """The same state in a gate that has valued nothing yet."""
    made = LossRig(is_active=False)
    state = msgspec.msgpack.encode(rig.sequencer.snapshot())
    made.sequencer.restore(msgspec.msgpack.decode(state, type=CoreSnapshot))
    return made


@pytest.mark.parametrize("what", CHANGES)
def test_the_next_valuation_sees_every_change_of_holdings(what: str) -> None:
    rig = opened()
    before = rig.risk.guard.losses.snapshot()
    rig.feed(*CHANGES[what](rig))
    fresh = copy_of(rig)
    for each in (rig, fresh):
        each.feed(a_quote(107.0), a_valuation())
    assert rig.risk.guard.losses.snapshot() == fresh.risk.guard.losses.snapshot() != before


def test_a_line_counts_whole_contracts_and_nothing_of_an_unknown_instrument() -> None:
    held = Held(D("-2"), D("101.5"), Decimal("-3.25"), False)
    instrument = msgspec.structs.replace(INSTRUMENTS[BTC], multiplier=D(10))
    assert line_of(BTC, instrument, held) == Line(BTC, "USDT", -20.0, 101.5, -3.25, False)
    assert line_of(BTC, None, held) == Line(BTC, "", 0.0, 0.0, 0.0, False)
