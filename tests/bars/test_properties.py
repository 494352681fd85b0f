from __future__ import annotations

import random

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.base import Message
from actors.messages.control import TimeReached
from actors.messages.market import Bar, Trade
from tests.bars.stage import (
    DAY,
    SECOND,
    START,
    Stage,
    line,
    of_bars,
    of_trades,
    trade,
)


def a_life(seed: int, count: int = 300) -> list[tuple[Message, int]]:
    """Trades, some of them late, with a line that goes down now and then."""
    chance = random.Random(seed)
    now = START
    inputs: list[tuple[Message, int]] = []
    for number in range(count):
        now += chance.randrange(12 * SECOND)
        if chance.random() < 0.03:
            status = line((now - START) / SECOND, chance.choice(["down", "live", "stale"]))
            inputs.append((status, now))
            continue
        event = now - chance.choice([0, 0, 0, 50_000_000, 400_000_000])
        price = 100 + chance.random()
        inputs.append((msgspec.structs.replace(trade(0, price), ts_event=event, trade_id=str(number)), now))
    return inputs


SPECS = (of_trades(), of_trades("30s"), of_bars("5m"))


@pytest.mark.parametrize("seed", [1, 2])
def test_stopped_after_any_input_and_restored_it_goes_on_as_if_nothing_had_been(seed: int) -> None:
    inputs = a_life(seed)
    whole = Stage(*SPECS)
    snapshots = []
    for message, ts in inputs:
        whole.run(message, ts)
        snapshots.append(msgspec.msgpack.encode(whole.sequencer.snapshot()))
    assert len(whole.recorder.bars) > 40
    for k in range(0, len(inputs), 7):
        again = Stage(*SPECS)
        again.sequencer.restore(msgspec.msgpack.decode(snapshots[k], type=CoreSnapshot))
        assert msgspec.msgpack.encode(again.sequencer.snapshot()) == snapshots[k]
        for message, ts in inputs[k + 1 :]:
            again.run(message, ts)
        assert msgspec.msgpack.encode(again.sequencer.snapshot()) == snapshots[-1], f"seed {seed}, k {k}"


def test_no_bar_knows_a_trade_that_came_after_it() -> None:
    inputs = a_life(3)
    known: list[Bar] = []
    for cut in (50, 100, 150, 200, 300):
        stage = Stage(*SPECS)
        for message, ts in inputs[:cut]:
            stage.run(message, ts)
        assert stage.recorder.bars[: len(known)] == known
        assert all(bar.ts_event <= stage.sequencer.now for bar in stage.recorder.bars)
        known = list(stage.recorder.bars)


def test_every_trade_is_in_one_bar_or_counted() -> None:
    inputs = [(m, ts) for m, ts in a_life(4) if isinstance(m, Trade)]
    stage = Stage(of_trades())
    for message, ts in inputs:
        stage.run(message, ts)
    stage.run(TimeReached(ts_event=inputs[-1][1] + DAY))
    booked = sum(bar.volume for bar in stage.take())
    assert booked + stage.actor.counts().late == len(inputs)
