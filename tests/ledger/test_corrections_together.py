"""Corrections among all else that moves books: two strategies, strangers' fills, moves, restarts."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.messages.account import ExternalFillMoved, ExternalFillShown
from actors.messages.assigning import PositionMoved
from actors.messages.orders import OrderFilled
from tests.ledger.build import BTC, Rig, a_fill
from tests.ledger.test_corrections import INSTRUMENTS, SIDES, Word, a_rig, corrected

D = Decimal
ZERO = D(0)
Kind = Literal["fill", "correct", "stranger", "restate stranger", "move", "restart"]


class Step(NamedTuple):
    """Something that happens; `place` picks whose fill it is about."""

    kind: Kind
    word: Word
    strategy: str


KINDS: tuple[Kind, ...] = ("fill", "correct", "stranger", "restate stranger", "move", "restart")
STEPS = st.builds(
    Step, st.sampled_from(("fill", *KINDS)),
    st.builds(Word, st.integers(0, 4), SIDES, st.integers(0, 3), st.integers(99, 101), st.integers(-1, 1)),
    st.sampled_from(("s", "s", "t")),
)  # fmt: skip


class World:
    """The books, and the words that stand on every fill."""

    def __init__(self) -> None:
        self.rig: Rig = a_rig()
        self.stand: list[tuple[str, Word]] = []
        self.strangers: list[ExternalFillShown] = []
        self.revision = 1

    def do(self, step: Step) -> None:
        word = step.word._replace(quantity=step.word.quantity or 1)
        if step.kind == "fill":
            word = word._replace(place=len(self.stand))
            self.stand.append((step.strategy, word))
            self.rig.feed(a_filled(word, step.strategy))
        elif step.kind == "stranger":
            self.strangers.append(a_stranger(word, len(self.strangers)))
            self.rig.feed(self.strangers[-1])
        elif step.kind == "restart":
            again = a_rig()
            again.sequencer.restore(self.rig.sequencer.snapshot())
            self.rig = again
        elif step.kind == "move":
            self.move(step.strategy)
        elif step.kind == "correct" and self.stand:
            self.correct(step.word)
        elif step.kind == "restate stranger" and self.strangers:
            self.restate(step.word)

    def correct(self, word: Word) -> None:
        place = word.place % len(self.stand)
        strategy, was = self.stand[place]
        becomes = word._replace(place=place, side=was.side)
        if was == becomes:
            return
        self.revision += 1
        said = corrected(was, becomes, self.revision)
        self.stand[place] = strategy, becomes
        self.rig.feed(msgspec.structs.replace(said, strategy=strategy))

    def restate(self, word: Word) -> None:
        place = word.place % len(self.strangers)
        was = self.strangers[place]
        becomes = self.strangers[place] = msgspec.structs.replace(was, quantity=D(word.quantity))
        if was.quantity:
            self.rig.feed(msgspec.convert(was, ExternalFillMoved, from_attributes=True))
        if becomes.quantity:
            self.rig.feed(becomes)

    def move(self, former: str) -> None:
        other = "t" if former == "s" else "s"
        held = {each.strategy: each.quantity for each in self.rig.ledger.positions("main")}
        if held.get(former, ZERO) * held.get(other, ZERO) >= ZERO != held.get(former, ZERO):
            self.stand = [(other if whose == former else whose, word) for whose, word in self.stand]
            self.rig.feed(
                PositionMoved(ts_event=1, account="main", instrument=BTC, former=former, strategy=other)
            )


def a_filled(word: Word, strategy: str) -> OrderFilled:
    fill = a_fill(
        word.side, str(word.quantity), str(word.price), fee=str(word.fee), strategy=strategy,
        trade_id=f"n{word.place}",
    )  # fmt: skip
    return msgspec.structs.replace(fill, ts_event=word.place, revision=1)


def a_stranger(word: Word, number: int) -> ExternalFillShown:
    return ExternalFillShown(
        ts_event=0, account="main", instrument=BTC, venue_order_id="9", trade_id=f"x{number}", side=word.side,
        quantity=D(word.quantity), price=D(word.price), fee=ZERO, fee_currency="USDT",
    )  # fmt: skip


def signed(side: str, quantity: Decimal) -> Decimal:
    return quantity if side == "buy" else -quantity


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(steps=st.lists(STEPS, min_size=2, max_size=14))
def test_books_stay_whole_and_equal_the_venues(steps: list[Step]) -> None:
    world = World()
    for step in steps:
        world.do(step)
        assert_whole(world)


def assert_whole(world: World) -> None:
    ledger = world.rig.ledger
    book, positions = ledger._books["main"], ledger.positions("main")
    assert not any(ledger.trial_balance("main").values())
    assert book.broken(positions, dict(INSTRUMENTS)) is None
    for position in positions:
        assert position.quantity == sum((lot.quantity for lot in position.lots), ZERO)
        assert position.cost == sum((lot.quantity * lot.price for lot in position.lots), ZERO)
        assert len({lot.quantity > ZERO for lot in position.lots}) <= 1, "long and short at once"
    assert book.net.get(BTC, ZERO) == sum((each.quantity for each in positions), ZERO)
    ours = [(signed(word.side, D(word.quantity)), word.price) for _, word in world.stand]
    theirs = [(signed(each.side, each.quantity), each.price) for each in world.strangers]
    fees = sum(word.fee for _, word in world.stand)
    assert world.rig.balance("BTC") == sum((quantity for quantity, _ in ours + theirs), ZERO)
    paid = sum((quantity * price for quantity, price in ours + theirs), ZERO)
    assert world.rig.balance("USDT") == D(100_000) - paid - fees
