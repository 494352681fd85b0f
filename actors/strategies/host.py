"""Strategies: runs every strategy, keeps what it needs between calls, and fences each of them off.

Reads   Quote, Trade, Bar, books, CorporateAction  straight to the strategies that want them
        BackfillDone              bars that were missed are all there
        OrderEvent, FillCorrected, TradeClosed   from oms and ledger
        PositionChanged           from ledger: the fill is booked, `on_fill` may be called
        BalanceChanged, ContractsChanged   from ledger
        ApprovedOrder             from risk: orders made from signals, and successors of replaced ones
        StateChanged              from risk: who may be awake
        OffLoopResult, Stop, Started
Writes  Signal, OrderRequest      to portfolio
        CancelRequest             to oms
        ReplaceRequest            to risk
        OffLoopRequest            to the edge
        StrategyFailed            to risk and alerts
State   per strategy its own struct, bars, indicators, open orders, wishes, timers; holdings; trading states
Fails   only the strategy that raised: its messages are discarded and it pauses; the others trade on
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from actors.core.actor import CoreActor, Handler
from actors.messages.account import BalanceChanged, PositionChanged, TradeClosed
from actors.messages.base import Message
from actors.messages.clearing import ContractsChanged
from actors.messages.control import (
    BackfillDone,
    DayClose,
    OffLoopResult,
    Scope,
    Started,
    StateChanged,
    Stop,
    StrategyFailed,
    StrategyTimer,
)
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    ApprovedOrder,
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRecovered,
    OrderRejected,
    OrderReplaced,
)
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.instrument import Instrument
from actors.strategies.base import OrderUpdate
from actors.strategies.checkpoint import HostState
from actors.strategies.failure import failure_of
from actors.strategies.lanes import Lane, lane_handler, largest
from actors.strategies.runner import Runner, replacing
from actors.strategies.spec import StrategySpec
from actors.strategies.states import AWAKE, States
from actors.views.holdings import Holdings
from actors.views.valuation import Valuation

if TYPE_CHECKING:
    from actors.core.sequencer import Sequencer

FailureHook = Callable[[StrategyFailed, str], None]


class StrategyHost(CoreActor):
    """Runs strategies; `on_failure` gets each failure with its whole traceback, for the log."""

    name = "strategies"
    state_type = HostState

    def __init__(
        self,
        strategies: Sequence[StrategySpec],
        *,
        instruments: Mapping[str, Instrument],
        currencies: Mapping[str, str],
        calendars: Calendars = BUILT_IN,
        needs_backfill: Iterable[tuple[str, int]] = (),
        on_failure: FailureHook | None = None,
        changed: Container[str] = (),
    ) -> None:
        """
        Args:
            changed: Strategies whose code is not that of the checkpoints to come.
            currencies: Base currency of each account.
            needs_backfill: Instrument and interval of all bars whose history comes first; strategies with
                timeframes wait for those of their instruments, all others for interval 0 alone, the ticks.
        Raises:
            ConfigError: A strategy's parameters, instruments or `on_setup` are wrong.
        """
        self.instruments, self._calendars = dict(instruments), calendars
        self.holdings = Holdings()
        self.valuation = Valuation(self.instruments.values())
        self.on_failure = on_failure
        self.is_bound = False
        self._changed = changed
        self._currencies = dict(currencies)
        self._needs_backfill = tuple(needs_backfill)
        self._backfilled: dict[tuple[str, int], None] = {}
        self._states = States()
        self.last_request_id = 0
        self._runners: dict[str, Runner] = {}
        for spec in strategies:
            spec.check(self._runners, self._currencies, self.instruments)
            self._runners[spec.name] = Runner(self, spec)

    def bind(self, sequencer: Sequencer) -> None:
        """Called once by the sequencer before any message."""
        super().bind(sequencer)
        self.is_bound = True
        for runner in self._runners.values():
            runner.queue, runner.sequencer = sequencer.queue, sequencer

    def currency_of(self, account: str) -> str:
        """Base currency of an account."""
        return self._currencies[account]

    def warm_up_bars(self) -> dict[tuple[str, int], int]:
        """Bars of history that each instrument and interval should begin with."""
        return largest(pair for runner in self._runners.values() for pair in runner.warm_up_bars())

    def newest_bars(self) -> dict[tuple[str, int], int]:
        """End of the newest bar of each instrument and interval that has seen any."""
        return largest(pair for runner in self._runners.values() for pair in runner.newest_bars())

    # market data: straight to the lanes

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """Handlers of exactly those strategies that want this kind in this instrument."""
        return [
            handler
            for runner in self._runners.values()
            if (lane := runner.lanes.get(instrument)) is not None
            and (handler := lane_handler(runner, lane, kind)) is not None
        ]

    def on_backfill_done(self, done: BackfillDone) -> None:
        """The history of one subscription is complete."""
        self._backfilled[done.instrument, done.interval_ns] = None
        self._refresh_all()

    # trading states

    def on_started(self, started: Started) -> None:
        """A new process life: accounts are starting, off-loop work of the one before is lost."""
        self._backfilled.clear()
        for account in self._currencies:
            self._states.set(Scope(account=account), "starting")
        for runner in self._runners.values():
            runner.is_stopped = False
            runner.lose_requests(started.ts_event)
        self._refresh_all()

    def on_state_changed(self, change: StateChanged) -> None:
        """A scope's state decides who is awake."""
        self._states.set(change.scope, change.state)
        if change.state in AWAKE:
            for runner in self._runners.values():
                if change.scope == Scope(account=runner.spec.account, strategy=runner.spec.name):
                    runner.has_failed = False  # resumed; `halted` on top of the pause would not be that
        self._refresh_all()

    def on_stop(self, stop: Stop) -> None:
        """The process will end: the last word of every strategy."""
        for runner in self._runners.values():
            if runner.is_started and runner.hears_facts and not runner.is_stopped:
                runner.call("on_stop", runner.strategy.on_stop)
            runner.is_stopped = True
        self._refresh_all()

    def _refresh_all(self) -> None:
        for runner in self._runners.values():
            self._refresh(runner)

    def _refresh(self, runner: Runner) -> None:
        """Start the strategy when everything is there, and wake it or send it to sleep."""
        is_held = runner.is_started or runner.is_stopped or runner.has_failed
        begins = not is_held and self._may_start(runner.spec)
        runner.is_started = runner.is_started or begins
        self._recompute(runner)
        if begins:
            runner.call("on_start", runner.strategy.on_start)
        if runner.is_awake:
            self._catch_up(runner)

    def _recompute(self, runner: Runner) -> None:
        spec = runner.spec
        may_trade = self._states.may_trade(spec.account, spec.name)
        is_paused = runner.has_failed or "paused" in self._states.of(spec.account, spec.name)
        runner.is_awake = may_trade and runner.is_started and not (is_paused or runner.is_stopped)
        runner.hears_facts = runner.is_started and not is_paused
        for lane in runner.lanes.values():
            self.refresh_lane(runner, lane)

    def refresh_lane(self, runner: Runner, lane: Lane) -> None:
        """Decide whether market data of this lane reach the strategy."""
        spec = runner.spec
        may_trade = self._states.may_trade(spec.account, spec.name, lane.instrument)
        lane.is_awake = runner.is_awake and lane.is_warm and may_trade

    def _may_start(self, spec: StrategySpec) -> bool:
        if not self._states.is_active(spec.account, spec.name):
            return False
        wanted = (key for key in self._needs_backfill if key[0] in spec.instruments)
        return all(key in self._backfilled for key in wanted if spec.timeframes or not key[1])

    def _catch_up(self, runner: Runner) -> None:
        """Hand over what fell due while the strategy slept."""
        if not runner.has_day_timer and "on_day_close" in runner.defined:
            runner.has_day_timer = True
            self._set_day_timer(runner)
        while runner.is_awake and runner.answers:
            runner.answer(runner.answers.pop(0))
        while runner.is_awake and runner.missed:
            timer = runner.missed.pop(next(iter(runner.missed)))
            runner.call("on_timer", runner.strategy.on_timer, timer)
        if runner.is_awake and runner.missed_day is not None:
            day, runner.missed_day = runner.missed_day, None
            runner.call("on_day_close", runner.strategy.on_day_close, day)

    # orders and holdings

    def on_approved_order(self, order: ApprovedOrder | OrderRecovered) -> None:
        """Know orders made from signals, successors of replaced ones, and those only the record knew."""
        runner = self._runners.get(order.terms.strategy)
        if runner is not None:
            runner.orders.adopt(order.terms)

    def on_order_filled(self, fill: OrderFilled | FillCorrected) -> None:
        """Keep a fill, or other figures of one, until it is booked."""
        runner = self._runners.get(fill.strategy)
        if runner is not None:
            runner.orders.apply_fill(fill)
            runner.fills.append(fill)

    def on_position_changed(self, change: PositionChanged) -> None:
        """The fill is booked: now the strategy may know of it."""
        self.holdings.apply_position(change)
        runner = self._runners.get(change.strategy)
        if runner is None or change.client_order_id is None:
            return
        for place, fill in enumerate(runner.fills):
            if fill.client_order_id == change.client_order_id:
                del runner.fills[place]
                runner.tell_fill(fill)
                return

    def on_balance_changed(self, change: BalanceChanged) -> None:
        """Follow what accounts hold."""
        self.holdings.balance_of[change.account, change.asset] = change.total

    def on_contracts_changed(self, change: ContractsChanged) -> None:
        """Follow open derivatives."""
        self.holdings.apply_contracts(change)

    def on_trade_closed(self, trade: TradeClosed) -> None:
        """Hand a finished round trip on."""
        runner = self._runners.get(trade.strategy)
        if runner is not None and runner.hears_facts and "on_trade_closed" in runner.defined:
            runner.call("on_trade_closed", runner.strategy.on_trade_closed, trade)

    def on_order_status(self, update: OrderAccepted | OrderOutcomeUnknown | OrderReplaced) -> None:
        """The order goes on in another state."""
        runner = self._runners.get(update.strategy)
        if runner is not None:
            runner.orders.apply_status(update)
            self._tell(runner, update)

    def on_order_closed(self, update: OrderCancelled | OrderExpired | OrderRejected) -> None:
        """The order is over; a wish that ended this way may be sent again."""
        runner = self._runners.get(update.strategy)
        if runner is not None:
            order = runner.orders.drop(update.client_order_id)
            if order is not None and not order.is_request:
                runner.refused[update.instrument] = None
            self._tell(runner, update)

    def on_order_denied(self, denied: OrderDenied) -> None:
        """We refused an order ourselves, or the successor in a replace."""
        runner = self._runners.get(denied.strategy) or replacing(self._runners, denied)
        if runner is None:
            return
        order = runner.orders.drop(denied.client_order_id)
        if order is None and (replaced := runner.orders.replaced_by(denied.client_order_id)) is not None:
            runner.orders.answer(replaced.client_order_id)
        elif order is None or not order.is_request:
            runner.refused[denied.instrument] = None
        self._tell(runner, denied)

    def on_command_refused(self, refused: CommandRefused) -> None:
        """A cancel or replace came to nothing; the order goes on."""
        runner = self._runners.get(refused.strategy)
        if runner is not None:
            runner.orders.answer(refused.client_order_id)
            self._tell(runner, refused)

    def _tell(self, runner: Runner, update: OrderUpdate) -> None:
        if runner.hears_facts and "on_order" in runner.defined:
            runner.call("on_order", runner.strategy.on_order, update)

    # timers and slow work

    def start_timer(self, runner: Runner, key: str, due: int, every_ns: int) -> None:
        """Set a strategy's timer in the place of one with the same key."""
        self.end_timer(runner, key)
        timer = StrategyTimer(ts_event=due, strategy=runner.spec.name, key=key, every_ns=every_ns)
        runner.timers[key] = self.set_timer(due, timer)

    def end_timer(self, runner: Runner, key: str) -> None:
        """Forget a strategy's timer, also one that was missed."""
        timer_id = runner.timers.pop(key, None)
        if timer_id is not None:
            self.cancel_timer(timer_id)
        runner.missed.pop(key, None)

    def on_strategy_timer(self, timer: StrategyTimer) -> None:
        """Hand a timer on, or keep it until the strategy wakes; a periodic one goes on from now."""
        runner = self._runners.get(timer.strategy)
        if runner is None:
            return
        runner.timers.pop(timer.key, None)
        if timer.every_ns:
            passed = (self.now - timer.ts_event) // timer.every_ns
            self.start_timer(
                runner, timer.key, timer.ts_event + (passed + 1) * timer.every_ns, timer.every_ns
            )
        if runner.is_awake:
            runner.call("on_timer", runner.strategy.on_timer, timer)
        else:
            runner.missed[timer.key] = timer

    def on_day_close(self, day: DayClose) -> None:
        """Hand the end of a trading day on, and wait for the next."""
        runner = self._runners.get(day.strategy)
        if runner is None:
            return
        self._set_day_timer(runner)
        if runner.is_awake:
            runner.call("on_day_close", runner.strategy.on_day_close, day)
        else:
            runner.missed_day = day

    def _set_day_timer(self, runner: Runner) -> None:
        due = runner.spec.next_day_close(self.instruments, self._calendars, self.now)
        self.set_timer(due, DayClose(ts_event=due, strategy=runner.spec.name))

    def on_off_loop_result(self, result: OffLoopResult) -> None:
        """Hand an answer to the strategy that waits for it, or keep it for when that wakes."""
        runner = self._runners.get(result.strategy)
        if runner is not None and result.request_id in runner.requests:
            (runner.answer if runner.is_awake else runner.answers.append)(result)

    # failures

    def report_failure(self, runner: Runner, handler: str, error: Exception) -> None:
        """A handler raised: the strategy sleeps at once; risk keeps it paused until it is resumed."""
        spec = runner.spec
        failed, text = failure_of(spec, handler, error, self.now)
        runner.has_failed = True
        self._refresh(runner)
        self.send(failed)
        if self.on_failure is not None:
            self.on_failure(failed, text)

    # state

    def begin_anew(self, name: str) -> None:
        """A strategy with new code warms up and starts like a new one, with what it holds."""
        self._runners[name].begin_anew()
        self._recompute(self._runners[name])

    def snapshot(self) -> HostState:
        """State for the checkpoint."""
        return HostState(
            states=self._states.snapshot(),
            backfilled=list(self._backfilled),
            last_request_id=self.last_request_id,
            holdings=self.holdings.snapshot(),
            runners={name: runner.snapshot() for name, runner in self._runners.items()},
        )

    def restore(self, state: HostState) -> None:
        """Take a checkpoint's state; strategies it does not name begin anew."""
        self._states.restore(state.states)
        self._backfilled = dict.fromkeys(state.backfilled)
        self.last_request_id = state.last_request_id
        self.holdings.restore(state.holdings)
        for name, kept in state.runners.items():
            if (runner := self._runners.get(name)) is not None:
                (runner.restore_trading if name in self._changed else runner.restore)(kept)
        for runner in self._runners.values():
            self._recompute(runner)
