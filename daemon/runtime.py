"""The live loop: takes waiting inputs, runs each to its end, writes the tape, and then lets things leave.

    edges ─ offer ─► waiting inputs ─► sequencer ─► tape.append … flush ─► commands, answers
                                                              └─ sync ───► the same, for power-loss accounts

Everything here happens in callbacks of one asyncio loop; the only other thread runs `fdatasync`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic_ns, perf_counter
from typing import NamedTuple, Protocol

import structlog

from actors.core.intake import WaitingInputs
from actors.core.sequencer import ActorFailed, Sequencer
from actors.core.timers import NEVER
from actors.errors import TapeError
from actors.messages.base import Message
from actors.messages.control import CommandDone, OffLoopRequest, OperatorCommand, StepFailed, TimeReached
from actors.messages.margin import QueryMargin
from actors.messages.market import MARKET_DATA
from actors.messages.orders import CancelOrder, QueryAccount, QueryOrder, ReplaceOrder, SubmitOrder
from actors.venues.ports import Broker
from daemon.clock import Clock
from daemon.telemetry import Telemetry

log = structlog.get_logger(__name__)

INPUTS_PER_SLICE = 256
"""After so many inputs the loop gets its turn, so that sockets are read and heartbeats sent under load."""

_FOR_BROKERS = (SubmitOrder, CancelOrder, ReplaceOrder, QueryOrder, QueryAccount, QueryMargin)
_MARKET_DATA = frozenset(MARKET_DATA)
_LEAVING: frozenset[type[Message]] = frozenset({*_FOR_BROKERS, OffLoopRequest, CommandDone})


class Tape(Protocol):
    """What the loop needs of the tape."""

    def append(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> None:
        """Put a step into the buffer."""

    def flush(self) -> None:
        """Write the buffer; on return a crash of the process loses nothing of it."""

    def sync(self) -> int:
        """Make everything written durable and return its last seq; called from another thread."""


StepObserver = Callable[[int, int, Message, Sequence[Message]], None]
"""Follows the record: gets seq, ts_init, input and what its step sent, once that is in the tape's buffer."""


class _Step(NamedTuple):
    """An input on the tape, with what it sent."""

    seq: int
    ts_init: int
    message: Message
    sent: Sequence[Message]


class Runtime:
    """Drives one sequencer live."""

    def __init__(
        self,
        *,
        sequencer: Sequencer,
        clock: Clock,
        tape: Tape,
        observers: Sequence[StepObserver],
        telemetry: Telemetry,
        power_loss_accounts: frozenset[str] = frozenset(),
        run_off_loop: Callable[[OffLoopRequest], None],
        busy_poll: bool = False,
    ) -> None:
        self.sequencer = sequencer
        self.failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Gets the error after which nothing may be sent any more."""
        self.brokers: dict[str, Broker] = {}
        """Edge brokers by account; paper accounts have none, their venue is in the core."""
        self._clock, self._tape, self._observers, self._telemetry = clock, tape, tuple(observers), telemetry
        self._power_loss = power_loss_accounts
        self._run_off_loop = run_off_loop
        self._busy_poll = busy_poll
        self._loop = asyncio.get_running_loop()
        self._waiting = WaitingInputs()
        self._answers: dict[str, asyncio.Future[CommandDone]] = {}
        self._is_scheduled = self._is_closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = NEVER
        self._sync_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tape-sync")
        self._unsynced: list[Message] = []
        self._sync_began_ns: int | None = None
        self.last_slice_ns = monotonic_ns()
        """When the loop last took inputs, or last found none; the watchdog reads it."""

    # in

    def offer(self, message: Message) -> None:
        """Let a message wait for its turn; it becomes an input in this or the next turn of the loop."""
        self._waiting.put(message)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._run_slice)

    async def ask(self, command: OperatorCommand) -> CommandDone:
        """Give an operator's command to the core; returns once it has been taken and its step is durable."""
        answer: asyncio.Future[CommandDone] = self._loop.create_future()
        self._answers[command.command_id] = answer
        try:
            self.offer(command)
            return await answer
        finally:
            del self._answers[command.command_id]

    def pulse(self) -> None:
        """The watchdog's no-op: passes the loop like any input, and is neither numbered nor taped."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._run_slice)

    def oldest_wait_ns(self) -> int:
        """Age of the oldest write that is not durable yet; 0 when none waits."""
        return monotonic_ns() - self._sync_began_ns if self._sync_began_ns is not None else 0

    @property
    def waiting(self) -> int:
        """Inputs that wait for their turn."""
        return len(self._waiting)

    # through

    def begin(self, first: Sequence[Message]) -> None:
        """Run the first inputs of a process life; they stand in one write, and leave nothing for an edge.

        Raises:
            ActorFailed: The recovered state cannot go on.
            TapeError: The tape cannot be written.
        """
        steps = [self._record(message) for message in first]
        self._tape.flush()
        self._tape.sync()  # whatever the durability: ids of this epoch may not be used twice
        for step in steps:
            self._hand_over([each for each in step.sent if each.__class__ in _LEAVING])
            self._tell(step)
        self._arm_timer()
        if self._busy_poll:
            self._stay_awake()

    def _stay_awake(self) -> None:
        """The loop only glances at its sockets while something waits to be called: the core never idles."""
        if not self._is_closed:
            self._loop.call_soon(self._stay_awake)

    def _run_slice(self) -> None:
        self._is_scheduled = False
        if self._is_closed or self.failed.done():
            return
        try:
            for _ in range(INPUTS_PER_SLICE):
                message = self._waiting.take()
                if message is None:
                    break
                self._step(message)
            self._write()
        except Exception as error:  # whatever it is: what the core knows may no longer be what the tape says
            self.fail(error)
            return
        self.last_slice_ns = monotonic_ns()
        self._telemetry.conflated = self._waiting.conflated
        if len(self._waiting):
            self.pulse()
        else:
            self._arm_timer()

    def _step(self, message: Message) -> None:
        step = self._record(message)
        sent = step.sent
        if not sent and message.__class__ in _MARKET_DATA:
            return
        leaving = [each for each in sent if each.__class__ in _LEAVING]
        if leaving:
            self._write()
            self._let_go(leaving)
        self._tell(step)

    def _tell(self, step: _Step) -> None:
        for observer in self._observers:
            observer(*step)

    def _record(self, message: Message) -> _Step:
        """Run one input and put its step into the tape's buffer."""
        sequencer = self.sequencer
        try:
            sequencer.run(message, self._clock.now())
        except ActorFailed as error:
            failure = StepFailed(
                ts_event=sequencer.now, actor=error.actor, error=error.error_type, account=error.account
            )
            self._tape.append(sequencer.seq, sequencer.now, message, [failure])
            self._tape.flush()
            raise
        sent = sequencer.sent
        self._tape.append(sequencer.seq, sequencer.now, message, sent)
        self._telemetry.inputs += 1
        if sent:
            sequencer.sent = []
        return _Step(sequencer.seq, sequencer.now, message, sent)

    def _write(self) -> None:
        """Everything appended so far survives the process when this returns."""
        began = perf_counter()
        self._tape.flush()
        self._telemetry.tape_write.observe(perf_counter() - began)

    def _arm_timer(self) -> None:
        due = self.sequencer.timers.next_due
        if due == self._timer_due and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_due = due
        if due != NEVER:
            delay = max(0.0, (due - self._clock.now()) / 1e9)
            self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        """Number an input of the sequencer's own when a timer is due and nothing else waits."""
        self._timer = None
        if len(self._waiting) or self._is_closed or self.failed.done():
            return  # the next slice runs the timer before its input, and arms again
        now = self._clock.now()
        if self.sequencer.timers.next_due <= now:
            self._waiting.put(TimeReached(ts_event=now))
            self._run_slice()
        else:
            self._arm_timer()

    # out

    def _let_go(self, messages: Sequence[Message]) -> None:
        """The step of these messages is written: send them, or wait for the disk first."""
        if not self._power_loss:
            self._hand_over(messages)
            return
        self._hand_over([each for each in messages if not self._needs_sync(each)])
        self._unsynced += [each for each in messages if self._needs_sync(each)]
        self._start_sync()

    def _needs_sync(self, message: Message) -> bool:
        if isinstance(message, _FOR_BROKERS):
            return message.account in self._power_loss
        return True

    def _start_sync(self) -> None:
        if self._sync_began_ns is not None or not self._unsynced:
            return
        batch, self._unsynced = self._unsynced, []
        self._sync_began_ns = monotonic_ns()

        def synced(done: asyncio.Future[int]) -> None:
            began, self._sync_began_ns = self._sync_began_ns, None
            if (error := done.exception()) is not None:
                self.fail(error if isinstance(error, TapeError) else TapeError(f"fdatasync failed: {error}"))
                return
            self._telemetry.tape_sync.observe((monotonic_ns() - (began or 0)) / 1e9)
            self._hand_over(batch)
            self._start_sync()

        self._loop.run_in_executor(self._sync_thread, self._tape.sync).add_done_callback(synced)

    def _hand_over(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, _FOR_BROKERS):
                broker = self.brokers.get(message.account)
                if broker is not None:
                    broker.submit(message)
                    if isinstance(message, SubmitOrder):
                        self._telemetry.tick_to_order.observe((self._clock.now() - self.sequencer.now) / 1e9)
            elif isinstance(message, CommandDone):
                answer = self._answers.get(message.command_id)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            elif isinstance(message, OffLoopRequest):
                self._run_off_loop(message)

    def fail(self, error: Exception) -> None:
        """Nothing may leave any more: the process ends, and recovery rebuilds from the record."""
        log.error("trading stopped", error=str(error))
        if self._timer is not None:
            self._timer.cancel()
        if not self.failed.done():
            self.failed.set_result(error)

    def close(self) -> None:
        """Take no further inputs: what is offered from now on waits for ever."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sync_thread.shutdown(wait=True)


def accounts_with_power_loss(durabilities: Mapping[str, str]) -> frozenset[str]:
    """Accounts whose commands wait for the disk."""
    return frozenset(account for account, durability in durabilities.items() if durability == "power-loss")
