"""The process: the core with its tape in memory, dying at any boundary, starting from its record."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from actors.core.frames import (
    CHAIN_START,
    HEAD,
    INPUT,
    STEP,
    FrameWriter,
    Head,
    TornFrame,
    encode_frame,
    read_frames,
)
from actors.core.sequencer import ActorFailed
from actors.core.timers import NEVER
from actors.messages.account import AccountReconciled
from actors.messages.base import Message
from actors.messages.control import Started, TimeReached
from actors.messages.orders import (
    CancelOrder,
    NotSent,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    SubmitOrder,
)
from actors.store.rerun import Rerun, decode_snapshot, encode_snapshot
from actors.store.tape_file import LateStep
from daemon.graph import Core
from tests.chaos.twin.exchange import ACCOUNT
from tests.chaos.twin.variants import SAFE, Variant
from tests.chaos.twin.world import MS, Broken, Crash, World

_LEAVING = (SubmitOrder, CancelOrder, ReplaceOrder, QueryOrder, QueryAccount)
STORE_ID = "TWIN"


class Checkpoint(NamedTuple):
    """A whole state, and the chain up to it."""

    seq: int
    chain: bytes
    snapshot: bytes


class Part(NamedTuple):
    """One process life on the tape."""

    start: Checkpoint
    data: bytearray


class Process:
    """What one state folder goes through, life after life."""

    def __init__(self, world: World, variant: Variant = SAFE) -> None:
        self._world, self._variant = world, variant
        self.is_alive = False
        self.skew = 0
        """Our clock minus simulated time, this life."""
        self.parts: list[Part] = []
        self.checkpoints: list[Checkpoint] = []
        self.record: list[tuple[int, list[Message]]] = []
        """What steps sent, as the tape has it."""
        self.core: Core
        self._frames = FrameWriter()
        self._durable = (0, 0)
        """Offset in the current part, and seq, that survive the power."""
        self._unsynced: list[Any] = []
        self._syncing = False
        self._taken: Checkpoint | None = None
        self._fuse = 0
        self._last_ts = 0
        self._life = 0
        self._epoch = 0

    @property
    def now(self) -> int:
        """Our clock."""
        return self._world.now + self.skew

    @property
    def has_books(self) -> bool:
        """Whether the opening is on the part of the record that a crash leaves."""
        return any(
            isinstance(message, AccountReconciled)
            for seq, messages in self.record
            for message in messages
            if seq <= self._durable_seq
        )

    @property
    def _durable_seq(self) -> int:
        return self._durable[1] if self._world.weather.power_loss else self.core.sequencer.seq

    # boundaries

    def _boundary(self, label: str) -> None:
        """Between two effects: where the process may die."""
        if self._fuse:
            self._fuse -= 1
            if not self._fuse:
                raise Crash(label)

    def _new_fuse(self) -> int:
        every = self._world.weather.crash_every
        return 1 + int(self._world.random.expovariate(1 / every)) if every else 0

    def disarm(self) -> None:
        """The process dies no more."""
        self._fuse = 0

    def die(self, label: str) -> None:
        """Nothing but the record survives, and of that only what the system, or the disk, has."""
        world = self._world
        self.is_alive = False
        self._life += 1
        buffer = bytes(self._frames.buffer)
        if self.parts:
            data = self.parts[-1].data
            if label == "writing":
                data += buffer[: world.random.randrange(len(buffer) + 1)]
            if world.weather.power_loss and world.chance(0.5):
                label = f"{label} (power)"
                del data[self._durable[0] + world.random.randrange(len(data) - self._durable[0] + 1) :]
        self._cut_torn_end()
        world.counts["crashes"] += 1
        world.counts[f"crash: {label}"] += 1
        world.note("DIES", label)
        world.line.reset()
        world.after(world.random.choice((1, 100, 1_500, 20_000, 120_000)) * MS, self.start)

    def _cut_torn_end(self) -> None:
        while self.parts:
            part = self.parts[-1]
            end, has_input, last, has_step = 0, False, part.start.seq, True
            try:
                for frame in read_frames(bytes(part.data)):
                    end = frame.end
                    if frame.kind == INPUT:
                        has_input, last, has_step = True, frame.seq, False
                    elif frame.kind == STEP and frame.seq == last:
                        has_step = True
            except TornFrame:
                del part.data[end:]
            if has_input:
                keep = last if has_step else last - 1
                while self.record and self.record[-1][0] > keep:
                    self.record.pop()
                return
            self.parts.pop()  # the first write of a life is whole, or the life never began
            # what it settled of the life before is made again
            while self.record and self.record[-1][0] > part.start.seq:
                self.record.pop()

    # starting is recovering

    def start(self) -> None:
        """From the record to a running core, as a new part."""
        world = self._world
        if self.is_alive:
            return
        self._frames.buffer.clear()
        self._unsynced, self._syncing, self._taken = [], False, None
        self._fuse = self._new_fuse()
        if self.parts:
            # what was read back is made durable first
            self._durable = (len(self.parts[-1].data), self.record[-1][0] if self.record else 0)
        core = self.core = self._variant.core(STORE_ID)
        late, chain = self._caught_up(core) if self.parts else (None, CHAIN_START)
        self._boundary("recovered")
        if self.parts and world.chance(0.3):
            state = encode_snapshot(core.sequencer)
            core = self.core = self._variant.core(STORE_ID)
            core.sequencer.restore(decode_snapshot(state))
        self.skew = max(world.random.randrange(-200, 1_200) * MS, self._last_ts - world.now)
        self.is_alive = True
        self._begin_part(chain, late)
        for _ in range(2 if world.chance(0.1) else 1):
            world.after(world.random.choice((1, 50, 1_000)) * MS, world.line.connect, world.line.life)

    def _caught_up(self, core: Core) -> tuple[tuple[LateStep, list[Message]] | None, bytes]:
        starts = [*self.checkpoints, *(part.start for part in self.parts)]
        starts.sort(key=lambda each: each.seq)
        begin = starts[-1]
        if len(starts) > 1 and self._world.chance(0.25):
            begin = self._world.random.choice(starts)  # the newest cannot be read
        core.sequencer.restore(decode_snapshot(begin.snapshot))
        rerun = Rerun(core.sequencer, begin.chain)
        first = max(i for i, part in enumerate(self.parts) if part.start.seq <= begin.seq)
        for part in self.parts[first:]:
            rerun.feed(bytes(part.data), 0, is_checked=True)
        self._world.counts["inputs run again"] += rerun.inputs
        late = rerun.finish()
        return late, rerun.chain

    def _begin_part(self, chain: bytes, late: tuple[LateStep, list[Message]] | None) -> None:
        world, sequencer = self._world, self.core.sequencer
        self._epoch += 1
        state = Checkpoint(sequencer.seq, chain, encode_snapshot(sequencer))
        frames = self._frames = FrameWriter(chain)
        frames.buffer += encode_frame(HEAD, state.seq, self.now, msgspec.msgpack.encode(self._head(state)))
        first: list[Message] = [Started(ts_event=self.now, epoch=self._epoch)]
        if late is not None:
            step, messages = late
            world.counts["late steps"] += 1
            frames.buffer += encode_frame(STEP, step.seq, step.ts_init, step.chain + step.sent)
            self.record.append((step.seq, messages))
            first += never_sent(messages, self.now)
        self.parts.append(Part(state, bytearray()))
        self._durable = (0, state.seq)
        world.note("starts, epoch", self._epoch, "seq", state.seq)
        for message in first:
            self._step(message)
        self._write()

    def _head(self, state: Checkpoint) -> Head:
        return Head(
            store_id=STORE_ID, epoch=self._epoch, session="twin", part=len(self.parts) + 1, config={},
            strategy_hash="", versions={}, seed=0, schema="", previous_seq=state.seq,
            previous_chain=state.chain, snapshot=state.snapshot,
        )  # fmt: skip

    # running

    def timer_due(self) -> int:
        """When the next timer is due, in simulated time."""
        if not self.is_alive:
            return NEVER
        due = self.core.sequencer.timers.next_due
        return due if due == NEVER else due - self.skew

    def tick(self) -> None:
        """A timer is due and nothing else waits."""
        self.offer(TimeReached(ts_event=self.now))

    def offer(self, message: Message) -> None:
        """An input: taken at once, written now or with the next."""
        if not self.is_alive:
            return
        self._boundary("input taken")
        self._step(message)
        if not self._world.chance(0.2):
            self._write()

    def _step(self, message: Message) -> None:
        world, sequencer = self._world, self.core.sequencer
        try:
            sequencer.run(message, self.now)
        except ActorFailed as error:
            raise Broken(f"{error} (from {type(message).__name__})") from error
        sent, sequencer.sent = sequencer.sent, []
        self._last_ts = sequencer.now
        world.counts["inputs"] += 1
        if world.is_traced:
            world.note(
                f"#{sequencer.seq}", _shown(message), *("\n" + " " * 15 + _shown(each) for each in sent)
            )
        leaving = [each for each in sent if isinstance(each, _LEAVING)]
        if self._variant.sends_first:
            self._hand_over(leaving)
        self._boundary("step run")
        if self._variant.publishes_early:
            self._publish(self._checkpoint())
        self._frames.record(sequencer.seq, sequencer.now, message, sent)
        if sent:
            self.record.append((sequencer.seq, sent))
        if leaving and not self._variant.sends_first:
            self._write()
            self._let_go(leaving)
        if sent:
            world.judge_exposure()
        if world.chance(0.03):
            self._taken = self._checkpoint()
            self._write()
            self._sync()

    def _checkpoint(self) -> Checkpoint:
        sequencer = self.core.sequencer
        return Checkpoint(sequencer.seq, self._frames.chain, encode_snapshot(sequencer))

    def _publish(self, checkpoint: Checkpoint) -> None:
        self.checkpoints = [*self.checkpoints[-1:], checkpoint]

    # the tape

    def _write(self) -> None:
        buffer = self._frames.buffer
        if buffer:
            self._boundary("writing")
            self.parts[-1].data.extend(buffer)
            buffer.clear()
            self._boundary("written")

    def _let_go(self, leaving: list[Any]) -> None:
        if self._world.weather.power_loss:
            self._unsynced += leaving
            self._sync()
        else:
            self._hand_over(leaving)

    def _sync(self) -> None:
        if self._syncing:
            return
        self._syncing = True
        batch, self._unsynced = self._unsynced, []
        place = len(self.parts[-1].data), self.core.sequencer.seq
        pause = self._world.random.choice((1, 1, 5, 200)) * MS
        self._world.after(pause, self._synced, self._life, place, batch)

    def _synced(self, life: int, place: tuple[int, int], batch: list[Any]) -> None:
        if life != self._life or not self.is_alive:
            return
        self._boundary("syncing")
        self._syncing = False
        self._durable = place
        self._boundary("synced")
        taken = self._taken
        if taken is not None and taken.seq <= place[1]:
            self._taken = None
            self._publish(taken)
            self._boundary("checkpoint published")
        self._hand_over(batch)
        if self._unsynced:
            self._sync()

    def _hand_over(self, commands: list[Any]) -> None:
        for command in commands:
            self._boundary("command leaving")
            self._world.line.hand_over(command)
            self._boundary("command left")


def never_sent(messages: list[Message], now: int) -> list[NotSent]:
    """What is to be said of commands whose step was not recorded: not one byte of them has left."""
    words = {SubmitOrder: "submit", CancelOrder: "cancel", ReplaceOrder: "replace"}
    return [
        NotSent(
            ts_event=now, account=ACCOUNT, instrument=message.instrument, venue_order_id=None,
            client_order_id=message.client_order_id, reason="not recorded",
            command=words[type(message)],  # type: ignore[arg-type]
        )
        for message in messages
        if isinstance(message, SubmitOrder | CancelOrder | ReplaceOrder)
    ]  # fmt: skip


def _shown(message: Message) -> str:
    fields = msgspec.structs.asdict(message)
    hidden = ("ts_event", "account", "strategy", "instrument", "venue_timestamp_ms", "receive_window_ms")
    return f"{type(message).__name__} " + " ".join(
        f"{key}={value}" for key, value in fields.items() if key not in hidden and value is not None
    )
