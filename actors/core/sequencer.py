"""The sequencer: numbers every input, owns time and timers, and runs each input to its end.

Within one input all messages pass through one FIFO of (handler, message), subscribers in the order in which
the actors were given. So the order of inputs alone decides everything that follows, live, in a backtest, in
a replay. What a handler sends goes straight to the FIFO's end, and one handler runs at a time: nobody is
handed a message before its sender has returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from actors.core.actor import CoreActor, Handler, subscriptions
from actors.core.market import MarketBoard
from actors.core.timers import TimerEntry, Timers
from actors.errors import TradingError
from actors.messages import MESSAGES, any_message
from actors.messages.base import Message, account_of
from actors.messages.control import Started, Timer
from actors.messages.market import MARKET_DATA, CorporateAction, MarketData
from actors.model.ids import ClientOrderIds, IdState

_MARKET_DATA = frozenset(MARKET_DATA)
_ROUTED = tuple(kind for kind in MESSAGES if kind not in _MARKET_DATA and not issubclass(kind, Timer))
_ENCODER = msgspec.msgpack.Encoder()


class ActorFailed(TradingError):
    """A core actor raised: the core's state can no longer be trusted; nothing of the step may leave."""

    def __init__(self, actor: str, message: Message, error: BaseException) -> None:
        super().__init__(f"{actor} failed on {type(message).__name__}: {type(error).__name__}: {error}")
        self.actor, self.error_type = actor, type(error).__name__
        self.account = account_of(message)
        """Whose message it was; None when it names no account."""


class CoreSnapshot(msgspec.Struct, array_like=True, frozen=True):
    """The whole state of the core at one seq; equal states give equal bytes."""

    seq: int
    now: int
    ids: IdState
    last_timer_id: int
    timers: list[TimerEntry]
    market: list[msgspec.Raw]
    actors: dict[str, msgspec.Raw]
    """By actor name, in the order of the graph."""


class _MarketRoutes(dict[str, tuple[tuple[Handler, ...], dict[str, Any] | None, tuple[Handler, ...]]]):
    """Instrument → (handlers before the board, the board's table, handlers after), found once for each."""

    def __init__(self, sequencer: Sequencer, kind: type[MarketData]) -> None:
        self._sequencer, self._kind = sequencer, kind

    def __missing__(
        self, instrument: str
    ) -> tuple[tuple[Handler, ...], dict[str, Any] | None, tuple[Handler, ...]]:
        first = self._sequencer.handlers_for(self._sequencer.venues, self._kind, instrument)
        if self._kind is CorporateAction:  # who hears of it already sees the new prices
            first = (self._sequencer.market.on_corporate_action, *first)
        rest = self._sequencer.handlers_for(self._sequencer.actors, self._kind, instrument)
        route = self[instrument] = (first, self._sequencer.market.latest.get(self._kind), rest)
        return route


class Sequencer:
    """Runs core actors; `venues` see market input first, and their reports run to the end before the rest.

    `sent` collects what a step sent, market data left out, while `keep_sent` is on; the caller clears it.
    """

    __slots__ = (
        "_market_routes", "_routes", "_timer_handlers", "actors", "ids", "keep_sent", "market",
        "now", "queue", "sent", "seq", "timers", "venues",
    )  # fmt: skip

    def __init__(
        self,
        *,
        actors: Sequence[CoreActor],
        ids: ClientOrderIds,
        venues: Sequence[CoreActor] = (),
        keep_sent: bool = True,
    ) -> None:
        self.now = 0
        self.seq = 0
        self.ids = ids
        self.timers = Timers()
        self.market = MarketBoard()
        self.queue: list[Message] = []
        """What waits, each message for all of its handlers, in the order in which it was sent."""
        self.sent: list[Message] = []
        self.keep_sent = keep_sent
        self.venues = tuple(venues)
        self.actors = tuple(actors)
        everyone = (*self.venues, *self.actors)
        if len({actor.name for actor in everyone}) != len(everyone):
            raise ValueError(f"actor names must differ: {[actor.name for actor in everyone]}")
        for actor in everyone:
            actor.bind(self)
        heard = [(actor, subscriptions(type(actor))) for actor in everyone]
        self._routes: dict[type[Message], tuple[Handler, ...]] = {
            kind: tuple([getattr(actor, names[kind]) for actor, names in heard if kind in names])
            for kind in _ROUTED
        }
        self._routes |= dict.fromkeys(MARKET_DATA, (self._onto_board,))
        self._timer_handlers: dict[tuple[str, type[Message]], Handler] = {
            (actor.name, kind): getattr(actor, name)
            for actor, names in heard
            for kind, name in names.items()
            if issubclass(kind, Timer)
        }
        self._market_routes: dict[type[Message], _MarketRoutes] = {
            kind: _MarketRoutes(self, kind) for kind in MARKET_DATA
        }

    def handlers_for(
        self, actors: Iterable[CoreActor], kind: type[Message], instrument: str
    ) -> tuple[Handler, ...]:
        """Market-data handlers of these actors, in their order."""
        return tuple(handler for actor in actors for handler in actor.market_handlers(kind, instrument))

    def forget_routes(self) -> None:
        """Find market-data routes anew: an actor's subscriptions have changed."""
        for routes in self._market_routes.values():
            routes.clear()

    # running

    def run(self, message: Message, ts_init: int) -> None:
        """Carry one input to its end: first the timers due by then, each to its own end, then the input.

        `Started` alone comes before any timer: what fell due while no process ran finds every account
        `starting`, in the next input's step.

        Raises:
            ActorFailed: A handler raised; the core must be rebuilt from its record without this input.
        """
        if ts_init < self.now:
            ts_init = self.now
        self.seq += 1
        by_instrument = self._market_routes.get(message.__class__)
        if by_instrument is None:
            self._run_event(message, ts_init)
            return
        if self.timers.next_due <= ts_init:
            self._run_timers(ts_init)
        self.now = ts_init
        instrument: str = message.instrument  # type: ignore[attr-defined]  # only market data is keyed
        first, board, rest = by_instrument[instrument]
        queue, handler = self.queue, None
        try:
            for handler in first:
                handler(message)
            if queue:
                self._work_off()
            if board is not None:
                board[instrument] = message
            for handler in rest:
                handler(message)
        except ActorFailed:
            raise
        except Exception as error:
            raise self._failure(handler, message, error) from error
        if queue:
            self._work_off()

    def _run_event(self, message: Message, ts_init: int) -> None:
        """An input that is no market data."""
        if message.__class__ is Started:
            self.ids.begin(message.epoch)
        elif self.timers.next_due <= ts_init:
            self._run_timers(ts_init)
        self.now = ts_init
        self._deliver(self._routes.get(message.__class__, ()), message)

    def _run_timers(self, until: int) -> None:
        timers = self.timers
        while timers.next_due <= until:
            entry = timers.pop(until)
            if entry is None:
                return
            due, owner, message = entry
            if due > self.now:
                self.now = due
            self._deliver((self._timer_handlers[owner, message.__class__],), message)

    def _deliver(self, handlers: tuple[Handler, ...], message: Message) -> None:
        """Hand one message out, and everything that comes of it."""
        handler = None
        try:
            for handler in handlers:
                handler(message)
        except Exception as error:
            raise self._failure(handler, message, error) from error
        if self.queue:
            self._work_off()

    def _work_off(self) -> None:
        """Hand out everything that waits, and what comes of it: the queue grows while it is walked."""
        queue, routes = self.queue, self._routes
        handler: Handler | None = None
        message: Message | None = None
        try:
            for message in queue:
                for handler in routes[message.__class__]:
                    handler(message)
        except ActorFailed:
            raise
        except Exception as error:
            assert message is not None, "what raises is a handler with its message"
            raise self._failure(handler, message, error) from error
        if self.keep_sent:
            self.sent += self._but_market_data()
        queue.clear()

    def _failure(self, handler: Handler | None, message: Message, error: Exception) -> ActorFailed:
        """Nothing that waits counts any more."""
        self.queue.clear()
        return ActorFailed(getattr(getattr(handler, "__self__", None), "name", "core"), message, error)

    def _but_market_data(self) -> list[Message]:
        return [message for message in self.queue if message.__class__ not in _MARKET_DATA]

    def sent_so_far(self) -> int:
        """How many messages the running step has sent, market data left out."""
        return len(self.sent) + len(self._but_market_data())

    def _onto_board(self, message: Message) -> None:
        """Market data that an actor has made: from here on it is the newest, and goes to who wants it."""
        instrument: str = message.instrument  # type: ignore[attr-defined]  # only market data is keyed
        _, board, handlers = self._market_routes[message.__class__][instrument]
        if board is not None:
            board[instrument] = message
        handler = None
        try:
            for handler in handlers:
                handler(message)
        except Exception as error:
            raise self._failure(handler, message, error) from error

    def run_on(self, messages: Sequence[Message], now: int) -> None:
        """Carry messages that an actor is known to have sent at `now` to their end, within the last step.

        Raises:
            ActorFailed: A handler raised.
        """
        self.now, last = now, self.now
        self.queue.extend(messages)
        self._work_off()
        self.now = last

    # state

    def snapshot(self) -> CoreSnapshot:
        """Whole state between two inputs."""
        last_timer_id, timers = self.timers.snapshot(_ENCODER)
        return CoreSnapshot(
            seq=self.seq,
            now=self.now,
            ids=self.ids.snapshot(),
            last_timer_id=last_timer_id,
            timers=timers,
            market=[msgspec.Raw(_ENCODER.encode(message)) for message in self.market.snapshot().latest],
            actors={
                actor.name: msgspec.Raw(_ENCODER.encode(actor.snapshot()))
                for actor in (*self.venues, *self.actors)
            },
        )

    def restore(self, snapshot: CoreSnapshot) -> None:
        """Take a whole state; actors that the snapshot does not name keep the state they were made with."""
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(any_message())
        self.seq, self.now = snapshot.seq, snapshot.now
        self.ids.restore(snapshot.ids)
        self.timers.restore(snapshot.last_timer_id, snapshot.timers, decoder)
        self.market.restore(decoder.decode(raw) for raw in snapshot.market)
        for actor in (*self.venues, *self.actors):
            raw = snapshot.actors.get(actor.name)
            if raw is not None:
                actor.restore(actor.decode_state(raw))
        self.forget_routes()
