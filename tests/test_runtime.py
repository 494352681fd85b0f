"""The live loop: nothing leaves before its record, nothing after a failure; timers run by themselves."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.messages.base import Message
from actors.messages.control import (
    CommandDone,
    OffLoopRequest,
    OperatorCommand,
    Pause,
    Scope,
    StepFailed,
    StrategyTimer,
    TimeReached,
)
from actors.messages.market import Quote
from actors.messages.orders import QueryAccount
from actors.model.ids import ClientOrderIds
from actors.model.venue_rules import VenueRules
from actors.venues.ports import BrokerCommand
from daemon.clock import Clock
from daemon.runtime import Runtime
from daemon.telemetry import Telemetry
from tests.fakes.tapes import MemoryTape


class Asker(CoreActor):
    """Sends a command on every quote, answers the operator, and raises on a crossed quote."""

    name = "asker"

    def on_quote(self, quote: Quote) -> None:
        if quote.bid_price > quote.ask_price:
            self.send(a_query(self.now))
            raise ValueError("crossed")
        self.send(a_query(self.now))

    def on_pause(self, command: Pause) -> None:
        self.set_timer(
            self.now + 1_000_000, StrategyTimer(ts_event=self.now, strategy="s", key="k", every_ns=0)
        )
        self.send(CommandDone(ts_event=self.now, command_id=command.command_id, accepted=True, text="paused"))

    def on_timer(self, timer: StrategyTimer) -> None:
        self.send(a_query(self.now))


class ListedBroker:
    """Takes commands and says when."""

    account = "demo"
    rules = VenueRules(venue="x", native_replace=False, receive_window_ms=5000)

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.taken: asyncio.Queue[BrokerCommand] = asyncio.Queue()

    async def account_id(self) -> str:
        return "1"

    def submit(self, command: BrokerCommand) -> None:
        self.events.append("command")
        self.taken.put_nowait(command)

    def backlog(self) -> int:
        return self.taken.qsize()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is open."""


class Observed:
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def on_step(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        self.seqs.append(seq)


def a_query(now: int) -> QueryAccount:
    return QueryAccount(ts_event=now, account="demo", asked_seq=0, fills_after={})


def a_quote(bid: float = 1.0, ask: float = 2.0) -> Quote:
    return Quote(instrument="X@x", ts_event=1, bid_price=bid, bid_size=1.0, ask_price=ask, ask_size=1.0)


def a_pause() -> OperatorCommand:
    return Pause(ts_event=1, scope=Scope(), command_id="c1", by="uid=0")


class Rig:
    def __init__(self, *, power_loss: bool = False, busy_poll: bool = False) -> None:
        self.events: list[str] = []
        self.tape = MemoryTape(self.events)
        self.broker = ListedBroker(self.events)
        self.observed = Observed()
        self.off_loop: list[OffLoopRequest] = []
        clock = Clock()
        self.runtime = Runtime(
            sequencer=Sequencer(actors=[Asker()], ids=ClientOrderIds(store_id="0000", epoch=1)),
            clock=clock,
            tape=self.tape,
            observers=[self.observed.on_step],
            telemetry=Telemetry(now_ns=clock.now, version="0"),
            power_loss_accounts=frozenset({"demo"}) if power_loss else frozenset(),
            run_off_loop=self.off_loop.append,
            busy_poll=busy_poll,
        )
        self.runtime.brokers["demo"] = self.broker


@asynccontextmanager
async def a_rig(*, power_loss: bool = False) -> AsyncIterator[Rig]:
    rig = Rig(power_loss=power_loss)
    try:
        yield rig
    finally:
        rig.runtime.close()


async def test_a_command_leaves_only_after_the_write_that_holds_its_step() -> None:
    async with a_rig() as rig:
        rig.runtime.offer(a_quote())
        await rig.broker.taken.get()
        assert rig.events[:3] == ["append Quote", "flush", "command"]


class NotingSelector(selectors.DefaultSelector):
    """Notes how long the loop meant to sleep, each time it asked."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float | None] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.timeouts.append(timeout)
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        return found


@pytest.mark.parametrize("busy_poll", [False, True])
def test_a_loop_that_polls_busily_never_sleeps_until_it_is_closed(busy_poll: bool) -> None:
    selector = NotingSelector()

    async def main() -> None:
        rig = Rig(busy_poll=busy_poll)
        rig.runtime.begin([])
        selector.timeouts.clear()
        await asyncio.sleep(0.001)
        assert all(timeout == 0 for timeout in selector.timeouts) is busy_poll
        rig.runtime.close()
        await asyncio.sleep(0)
        selector.timeouts.clear()
        await asyncio.sleep(0.001)
        assert any(timeout != 0 for timeout in selector.timeouts), "it polls on after its end"

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main())


async def test_a_power_loss_account_waits_for_the_disk() -> None:
    async with a_rig(power_loss=True) as rig:
        gate = threading.Event()
        rig.tape.before_sync = lambda: gate.wait(10)
        rig.runtime.offer(a_quote())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "append Quote" in rig.events
        assert "command" not in rig.events
        gate.set()
        await rig.broker.taken.get()
        assert rig.events.index("sync") < rig.events.index("command")
        assert rig.runtime.oldest_wait_ns() == 0


async def test_steps_that_come_during_a_sync_wait_for_the_next_one_together() -> None:
    async with a_rig(power_loss=True) as rig:
        gate = threading.Event()
        rig.tape.before_sync = lambda: gate.wait(10)
        for _ in range(5):
            rig.runtime.offer(a_quote())
            await asyncio.sleep(0)
        gate.set()
        for _ in range(5):
            await rig.broker.taken.get()
        assert rig.events.count("sync") == 2


async def test_an_operator_is_answered_after_the_step_is_written() -> None:
    async with a_rig() as rig:
        answer = await rig.runtime.ask(a_pause())
        assert (answer.accepted, answer.text) == (True, "paused")
        assert rig.events[:2] == ["append Pause", "flush"]


async def test_a_timer_runs_by_an_input_of_the_sequencers_own() -> None:
    async with a_rig() as rig:
        await rig.runtime.ask(a_pause())
        await rig.broker.taken.get()
        kinds = [type(message) for _, message, _ in rig.tape.steps]
        assert kinds == [Pause, TimeReached]


async def test_nothing_of_a_step_that_failed_leaves_and_its_record_names_the_actor() -> None:
    async with a_rig() as rig:
        rig.runtime.offer(a_quote(bid=3.0, ask=2.0))
        rig.runtime.offer(a_quote())
        error = await rig.runtime.failed
        assert "asker" in str(error)
        assert "command" not in rig.events
        (_, _, sent), *later = rig.tape.steps
        assert later == []
        (failure,) = sent
        assert isinstance(failure, StepFailed)
        assert (failure.actor, failure.error) == ("asker", "ValueError")


async def test_nothing_leaves_when_the_tape_cannot_be_written() -> None:
    async with a_rig() as rig:
        rig.tape.is_full = True
        rig.runtime.offer(a_quote())
        error = await rig.runtime.failed
        assert "no space" in str(error)
        rig.runtime.offer(a_quote())
        await asyncio.sleep(0)
        assert "command" not in rig.events
        assert len(rig.tape.steps) == 1


async def test_nothing_leaves_when_the_disk_refuses_the_sync() -> None:
    async with a_rig(power_loss=True) as rig:

        def broken() -> None:
            raise OSError("input/output error")

        rig.tape.before_sync = broken
        rig.runtime.offer(a_quote())
        error = await rig.runtime.failed
        assert "input/output error" in str(error)
        assert "command" not in rig.events


async def test_the_store_follows_only_steps_that_are_written() -> None:
    async with a_rig() as rig:
        rig.runtime.offer(a_quote())
        await rig.broker.taken.get()
        assert rig.observed.seqs == [1]


async def test_a_pulse_passes_the_loop_without_a_number() -> None:
    async with a_rig() as rig:
        before = rig.runtime.last_slice_ns
        rig.runtime.pulse()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert rig.runtime.last_slice_ns > before
        assert rig.tape.steps == []
