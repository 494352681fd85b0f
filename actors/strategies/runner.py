"""One strategy at work: its market lanes, its orders and timers, and the fence around each handler call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from actors.errors import ConfigError, TradingError, UsageError
from actors.indicators.base import Indicator, ValueIndicator
from actors.messages.base import Message
from actors.messages.control import DayClose, OffLoopResult, StrategyTimer
from actors.messages.corrections import FillCorrected
from actors.messages.orders import Direction, OrderDenied, OrderFilled, OrderTerms, Signal
from actors.strategies.base import OffLoopAnswer, Strategy
from actors.strategies.checkpoint import FeedState, RunnerState
from actors.strategies.context import Context
from actors.strategies.lanes import Lane
from actors.strategies.orders import Order, Orders
from actors.strategies.spec import StrategySpec

if TYPE_CHECKING:
    from actors.core.sequencer import Sequencer
    from actors.strategies.host import StrategyHost

Action = Callable[[], object]
_MSGPACK = msgspec.msgpack.Encoder()


class Runner:
    """A strategy with everything the host keeps for it."""

    def __init__(self, host: StrategyHost, spec: StrategySpec) -> None:
        self.host = host
        self.spec = spec
        self.strategy = _made(spec)
        self.defined = _defined(spec.strategy)
        """Names of the handlers that the strategy has; the others need not be called."""
        self.queue: list[Message] | None = None
        """The sequencer's, once it is there."""
        self.sequencer: Sequencer | None = None
        self.undo: list[Action] = []
        """What takes back, last first, all that the running call has sent and begun, should it raise."""
        self.afterwards: list[Action] = []
        """What the running call wants done once it has returned."""
        self.orders = Orders()
        self.wishes: dict[str, tuple[Direction, float]] = {}
        self.refused: dict[str, None] = {}
        self.timers: dict[str, int] = {}
        self.missed: dict[str, StrategyTimer] = {}
        self.missed_day: DayClose | None = None
        self.has_day_timer = False
        self.requests: dict[int, None] = {}
        self.answers: list[OffLoopResult] = []
        self.fills: list[OrderFilled | FillCorrected] = []
        """Told once they are booked."""
        self.is_started = False
        self.is_stopped = False
        self.has_failed = False
        self.is_awake = False
        self.hears_facts = False
        self.lanes = {instrument: Lane(self, instrument) for instrument in spec.instruments}
        self._indicators: list[Indicator] = []
        self._is_set_up = False
        self._set_up()

    def _set_up(self) -> None:
        strategy, name = self.strategy, self.spec.name
        object.__setattr__(strategy, "ctx", Context(self))
        try:
            strategy.on_setup()
        except (TradingError, ValueError) as error:
            raise ConfigError(f"strategy {name}: {error}") from error
        except Exception as error:
            raise ConfigError(f"strategy {name}: on_setup raised {type(error).__name__}: {error}") from error
        strategy.seal()
        self._is_set_up = True

    def add_indicator(self, indicator: Indicator, instrument: str, interval: int, source: str) -> None:
        """Feed an indicator from now on.

        Raises:
            UsageError: After `on_setup`, twice, or a bar indicator on something else.
        """
        kind = type(indicator).__name__
        if self._is_set_up:
            raise UsageError(f"{kind} comes too late: indicators are made in on_setup")
        if indicator.count or any(known is indicator for known in self._indicators):
            raise UsageError(f"this {kind} is in use already: make one for each instrument and timeframe")
        lane = self.lanes[instrument]
        if source == "bars":
            feed = lane.feeds[interval]
            feed.warm_up = max(feed.warm_up, indicator.warm_up)
            feed.fresh.append((indicator, indicator.snapshot()))
            if self.strategy.adjusts_history:
                feed.bars = deque(maxlen=feed.warm_up)
        if not isinstance(indicator, ValueIndicator):
            if source != "bars":
                raise UsageError(f"{kind} needs bars, it cannot follow {source}")
            feed.bar_updates = (*feed.bar_updates, indicator.take_bar)
        elif source == "bars":
            feed.close_updates = (*feed.close_updates, indicator.update)
        elif source == "quotes":
            lane.quote_updates = (*lane.quote_updates, indicator.update)
        else:
            lane.trade_updates = (*lane.trade_updates, indicator.update)
        lane.indicators.append(indicator)
        lane.is_warm = False
        self._indicators.append(indicator)

    def warm_up_bars(self) -> list[tuple[tuple[str, int], int]]:
        """How many closed bars each instrument and interval should begin with."""
        return [
            ((lane.instrument, interval), feed.warm_up)
            for lane in self.lanes.values()
            for interval, feed in lane.feeds.items()
        ]

    def newest_bars(self) -> list[tuple[tuple[str, int], int]]:
        """End of the newest bar of each instrument and interval that has seen any."""
        return [
            ((lane.instrument, interval), feed.last_end)
            for lane in self.lanes.values()
            for interval, feed in lane.feeds.items()
            if feed.last_end
        ]

    # calling

    def call(self, name: str, handler: Callable[..., None], *arguments: Any) -> None:
        """Call a handler: what it sends counts only if it returns."""
        try:
            handler(*arguments)
        except Exception as error:
            self.fail(name, error)
        if self.undo:
            self.commit()

    def tell_fill(self, fill: OrderFilled | FillCorrected) -> None:
        """It is booked: hand it on."""
        if not self.hears_facts:
            return
        if isinstance(fill, FillCorrected):
            if "on_fill_corrected" in self.defined:
                self.call("on_fill_corrected", self.strategy.on_fill_corrected, fill)
        elif "on_fill" in self.defined:
            self.call("on_fill", self.strategy.on_fill, fill)

    def commit(self) -> None:
        """The call has returned: its messages stand, and what it asked for beyond them is carried out."""
        self.undo.clear()
        if self.afterwards:
            actions = self.afterwards.copy()
            self.afterwards.clear()
            for action in actions:
                action()

    def fail(self, handler: str, error: Exception) -> None:
        """The call has raised: take back what it sent and began, and pause."""
        for take_back in reversed(self.undo):
            take_back()
        self.undo.clear()
        if handler == "on_start":
            self.is_started = False  # nothing came of it, so it is due again once the strategy is resumed
        self.host.report_failure(self, handler, error)

    # what a strategy asks for by way of its context

    def send(self, message: Message) -> None:
        """Put a message behind those already sent."""
        queue = self.queue
        if queue is None:
            raise UsageError("nothing can be sent in on_setup: wait for on_start")
        queue.append(message)
        self.undo.append(queue.pop)

    def want(self, instrument: str, direction: Direction, strength: float, tag: str | None = None) -> None:
        """Send a signal unless exactly this is wanted already."""
        wish, last = (direction, strength), self.wishes.get(instrument)
        if last == wish:
            return
        self.send(
            Signal(
                ts_event=self.host.now,
                strategy=self.spec.name,
                instrument=instrument,
                direction=direction,
                strength=strength,
                tag=tag,
            )
        )
        self.undo.append(partial(self._restore_wish, instrument, last))
        self.wishes[instrument] = wish

    def forget_wish(self, instrument: str) -> None:
        """The next wish here is sent whatever it is."""
        if instrument in self.wishes:
            self.undo.append(partial(self._restore_wish, instrument, self.wishes.pop(instrument)))

    def _restore_wish(self, instrument: str, wish: tuple[Direction, float] | None) -> None:
        if wish is None:
            self.wishes.pop(instrument, None)
        else:
            self.wishes[instrument] = wish

    def forget_refused(self, instrument: str) -> None:
        """A bar has passed since a wish was refused: if it is still wanted it may be sent again."""
        if instrument in self.refused:
            del self.refused[instrument]
            self.wishes.pop(instrument, None)

    def add_request(self, terms: OrderTerms) -> None:
        """Know an own order from its wish on."""
        self.orders.add(terms, is_request=True)
        self.undo.append(partial(self.orders.drop, terms.client_order_id))

    def change_order(self, order: Order, change: Literal["cancel", "replace"], successor: str = "") -> None:
        """A cancel or replace of an open order is under way."""
        self.orders.ask(order.client_order_id, change, successor)
        self.undo.append(partial(self.orders.put, order))

    def set_timer(self, key: str, due: int, every_ns: int) -> None:
        """Set a timer once the call has returned."""
        self._after_call(partial(self.host.start_timer, self, key, due, every_ns))

    def cancel_timer(self, key: str) -> None:
        """Forget a timer once the call has returned."""
        self._after_call(partial(self.host.end_timer, self, key))

    def _after_call(self, action: Action) -> None:
        self.afterwards.append(action)
        self.undo.append(self.afterwards.pop)

    def open_request(self) -> int:
        """A fresh id for off-loop work."""
        self.host.last_request_id += 1
        request_id = self.host.last_request_id
        self.requests[request_id] = None
        self.undo.append(partial(self.requests.pop, request_id, None))
        return request_id

    def answer(self, result: OffLoopResult) -> None:
        """Hand the strategy an answer it still waits for."""
        if result.request_id in self.requests:
            del self.requests[result.request_id]
            value = msgspec.msgpack.decode(result.value) if result.value is not None else None
            answer = OffLoopAnswer(request_id=result.request_id, value=value, error=result.error)
            self.call("on_result", self.strategy.on_result, answer)

    def lose_requests(self, ts_event: int) -> None:
        """The process that ran off-loop work is gone; the strategy is told so when it wakes."""
        self.answers = [
            OffLoopResult(
                ts_event=ts_event, request_id=request, strategy=self.spec.name, value=None, error="LOST"
            )
            for request in self.requests
        ]

    # state

    def snapshot(self) -> RunnerState:
        """State for the checkpoint."""
        return RunnerState(
            is_started=self.is_started,
            is_stopped=self.is_stopped,
            has_failed=self.has_failed,
            state=msgspec.Raw(_MSGPACK.encode(self.strategy.state)),
            feeds=[
                FeedState(lane.instrument, interval, feed.last_end, list(feed.bars))
                for lane in self.lanes.values()
                for interval, feed in lane.feeds.items()
            ],
            indicators=[indicator.snapshot() for indicator in self._indicators],
            orders=self.orders.snapshot(),
            wishes=[(instrument, *wish) for instrument, wish in self.wishes.items()],
            refused=list(self.refused),
            timers=list(self.timers.items()),
            missed=list(self.missed.values()),
            missed_day=self.missed_day,
            has_day_timer=self.has_day_timer,
            requests=list(self.requests),
            answers=list(self.answers),
            fills=list(self.fills),
        )

    def restore(self, state: RunnerState) -> None:
        """Take a checkpoint's state.

        Raises:
            ConfigError: The strategy's code no longer fits the checkpoint.
        """
        name = self.spec.name
        if len(state.indicators) != len(self._indicators):
            raise ConfigError(
                f"strategy {name} has other indicators than its checkpoint: its code has changed"
            )
        try:
            own = msgspec.msgpack.decode(state.state, type=type(self.strategy.state))
        except msgspec.ValidationError as error:
            raise ConfigError(f"strategy {name} has another State than its checkpoint: {error}") from None
        self.strategy.__dict__["state"] = own
        self._restore_bars(state.feeds)
        for indicator, values in zip(self._indicators, state.indicators, strict=True):
            indicator.restore(values)
        for lane in self.lanes.values():
            lane.is_warm = all(indicator.is_warm for indicator in lane.indicators)
        self.restore_trading(state)

    def _restore_bars(self, feeds: list[FeedState]) -> None:
        for kept in feeds:
            lane = self.lanes.get(kept.instrument)
            feed = lane.feeds.get(kept.interval_ns) if lane is not None else None
            if feed is not None:
                feed.bars = deque(kept.bars, feed.bars.maxlen)
                feed.last_end = kept.last_end

    def restore_trading(self, state: RunnerState) -> None:
        """Take of a checkpoint what does not depend on the strategy's code."""
        self.is_started, self.is_stopped = state.is_started, state.is_stopped
        self.has_failed = state.has_failed
        self.orders.restore(state.orders)
        self.wishes = {i: (direction, strength) for i, direction, strength in state.wishes}
        self.refused = dict.fromkeys(state.refused)
        self.timers = dict(state.timers)
        self.missed = {timer.key: timer for timer in state.missed}
        self.missed_day, self.has_day_timer = state.missed_day, state.has_day_timer
        self.requests, self.answers = dict.fromkeys(state.requests), list(state.answers)
        self.fills = list(state.fills)

    def begin_anew(self) -> None:
        """Be a strategy that has not started yet, with the orders and positions it has."""
        self.is_started = False
        for key in list(self.timers):
            self.host.end_timer(self, key)
        self.missed.clear()
        self.missed_day = None
        self.wishes.clear()
        self.refused.clear()
        self.requests.clear()
        self.answers.clear()


def _defined(kind: type[Strategy]) -> frozenset[str]:
    return frozenset(
        name
        for name in dir(Strategy)
        if name.startswith("on_") and getattr(kind, name) is not getattr(Strategy, name)
    )


def _made(spec: StrategySpec) -> Strategy:
    try:
        return spec.strategy(**spec.parameters)
    except ConfigError as error:
        raise ConfigError(f"strategy {spec.name}: {error}") from None


def replacing(runners: Mapping[str, Runner], denied: OrderDenied) -> Runner | None:
    """Whose replace was denied; risk names nobody when it does not know the order to be replaced any more."""
    asked = (each for each in runners.values() if each.orders.replaced_by(denied.client_order_id))
    return next(asked, None)
