"""Where a tail cannot be repeated the record wins: what stands on one side is named, the rest goes on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from actors.core.sequencer import Sequencer
from actors.errors import ReplayDiffers
from actors.messages.base import Message
from actors.messages.market import Quote
from actors.messages.orders import SubmitOrder
from actors.store.recovery import catch_up, load
from actors.store.tolerant import InputFailed
from tests.store.trading import Life, Trader, a_sequencer


class NoStrategies:
    """A core whose every message is its actors' own."""

    def follow(self, sequencer: Sequencer) -> None:
        """Nothing to count."""

    def begin(self, messages: Sequence[Message]) -> None:
        """Nothing to hand over."""

    def left_over(self) -> list[Message]:
        return []


class Delicate(Trader):
    """Cannot take the quote that another one took."""

    def on_quote(self, quote: Quote) -> None:
        if self.quotes == 20:
            raise ArithmeticError("a quote too many")
        super().on_quote(quote)


def test_orders_of_other_terms_are_those_of_the_record(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 60))
    seq, chain = life.sequencer.seq, life.tape.chain
    life.tape.abandon()
    found = load(tmp_path)
    with found.lock:
        caught = catch_up(found, a_sequencer(Trader(quantity="0.02")), recording=NoStrategies(), skip={})
    assert (caught.seq, caught.chain) == (seq, chain)
    assert caught.unrepeated is not None
    recorded = caught.unrepeated.only_recorded.values()
    assert len(recorded) >= 5
    assert {each.terms.quantity for each in recorded} == {Decimal("0.01")}
    assert caught.unrepeated.only_made == {}
    first = caught.unrepeated.differences[0]
    assert "0.01" in first.expected
    assert "0.02" in first.got


def test_orders_that_only_this_run_makes_are_named(tmp_path: Path) -> None:
    Life(tmp_path).begin().trade(range(1, 60)).tape.abandon()
    found = load(tmp_path)
    with found.lock:
        caught = catch_up(found, a_sequencer(Trader(every=7)), recording=NoStrategies(), skip={})
    assert caught.unrepeated is not None
    assert caught.unrepeated.only_made
    assert all(isinstance(each, SubmitOrder) for each in caught.unrepeated.only_made.values())


def test_an_input_that_an_actor_no_longer_takes_is_named_and_can_be_skipped(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 60))
    chain = life.tape.chain
    life.tape.abandon()
    found = load(tmp_path)
    with found.lock:
        with pytest.raises(InputFailed, match="ArithmeticError") as failed:
            catch_up(found, a_sequencer(Delicate()), recording=NoStrategies(), skip={})
        skip = {failed.value.seq: failed.value.difference}
        with pytest.raises(InputFailed) as next_one:  # it still stands at the twentieth quote
            catch_up(found, a_sequencer(Delicate()), recording=NoStrategies(), skip=skip)
        assert next_one.value.seq > failed.value.seq
        caught = catch_up(found, a_sequencer(), recording=NoStrategies(), skip=skip)
    assert caught.chain == chain
    assert caught.unrepeated is not None
    assert caught.unrepeated.differences[0] == failed.value.difference


def test_without_leave_to_go_on_the_first_difference_ends_the_run(tmp_path: Path) -> None:
    Life(tmp_path).begin().trade(range(1, 60)).tape.abandon()
    found = load(tmp_path)
    with found.lock, pytest.raises(ReplayDiffers, match=r"0\.01.*0\.02"):
        catch_up(found, a_sequencer(Trader(quantity="0.02")), recording=NoStrategies())
