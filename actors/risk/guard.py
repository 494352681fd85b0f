"""Loss limits: what trips holds its scope until an operator lifts it, confirmed by a second command."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import PositionChanged
from actors.messages.control import Flatten, LossDayDue, Scope, TradingState
from actors.model.money import to_decimal
from actors.risk.day import next_day_start
from actors.risk.gate import Gate, RiskAccount
from actors.risk.limits import LimitAction
from actors.risk.losses import Losses, LossState
from actors.risk.states import LOSS_CAUSES, Cause, LossCause
from actors.risk.stored_limits import LimitBook

_STATES: dict[LimitAction, TradingState] = {
    "reduce_only": "reduce_only", "pause": "paused", "flatten": "paused", "halt": "halted",
}  # fmt: skip


class LossDay(msgspec.Struct, frozen=True, array_like=True):
    """The day that daily losses of an account count in."""

    zone: str
    ends: int
    timer_id: int


class Watched(NamedTuple):
    """One loss limit and the figure it is compared with."""

    scope: Scope
    cause: LossCause
    limit: Decimal | None
    figure: float
    equity: float
    action: LimitAction


class GuardState(msgspec.Struct, array_like=True):
    """What losses are measured from, as checkpoints keep it."""

    losses: LossState = msgspec.field(default_factory=lambda: LossState({}, [], []))
    days: dict[str, LossDay] = {}
    flattens: int = 0


class LossGuard:
    """Watches every loss limit for the risk actor; sends through it."""

    def __init__(
        self, core: CoreActor, gate: Gate, accounts: Mapping[str, RiskAccount], limits: LimitBook
    ) -> None:
        self._core, self._accounts, self._limits = core, dict(accounts), limits
        self._states = gate.states
        currencies = {name: account.base_currency for name, account in accounts.items()}
        self.losses = Losses(currencies, gate.instruments, gate.exposure.holdings)
        self._days: dict[str, LossDay] = {}
        self._flattens = 0
        self._watched: dict[tuple[str, str | None], bool] = {}
        self._watched_since = -1

    def begin(self) -> None:
        """A process life begins: go on with the day, or begin one."""
        self.losses.begin(self._core.market)
        for account in self._accounts:
            self._begin_day(account)

    # days

    def _begin_day(self, account: str) -> None:
        day, zone = self._days.get(account), self._accounts[account].time_zone
        if day is not None and day.ends <= self._core.now:
            self.losses.begin_day(account)
        if day is None or day.ends <= self._core.now or day.zone != zone:
            if day is not None:
                self._core.cancel_timer(day.timer_id)
            self._set_day(account)

    def _set_day(self, account: str) -> None:
        zone = self._accounts[account].time_zone
        ends = next_day_start(self._core.now, zone)
        timer_id = self._core.set_timer(ends, LossDayDue(ts_event=ends, account=account))
        self._days[account] = LossDay(zone, ends, timer_id)

    def on_day(self, due: LossDayDue) -> None:
        """Daily losses count from what is owned now."""
        day = self._days.get(due.account)
        if day is None or due.account not in self._accounts or day.ends != due.ts_event:
            return
        self.losses.value(due.account, self._core.market)
        self.losses.begin_day(due.account)
        self._set_day(due.account)

    # losses

    def on_booking(self, change: PositionChanged) -> bool:
        """A fill is booked: look at its account and strategy; whether a limit tripped."""
        self.losses.take_position(change, self._core.market)
        if change.account not in self._accounts or not self._is_watched(change.account, change.strategy):
            return False
        if change.client_order_id is None:
            return False  # the transfer that it belongs to may not have been told yet
        self.losses.value(change.account, self._core.market, (change.strategy,))
        return self.check(change.account)

    def _is_watched(self, account: str, strategy: str | None) -> bool:
        """Whether a fill (or, without a strategy, a valuation) can trip anything; found once, asked often."""
        if self._watched_since != self._limits.changes:
            self._watched.clear()
            self._watched_since = self._limits.changes
        found = self._watched.get((account, strategy))
        if found is None:
            found = self._watched[account, strategy] = self._has_limit(account, strategy)
        return found

    def _has_limit(self, account: str, strategy: str | None) -> bool:
        if self._limits.account(account).can_trip:
            return True
        for scope in self._limits.scopes():
            if scope.account != account or scope.strategy is None or strategy not in (None, scope.strategy):
                continue
            own = self._limits.strategy(account, scope.strategy)
            if own is not None and own.can_trip:
                return True
        return False

    def on_valuation(self, account: str) -> bool:
        """Look at the account and all its strategies; whether a limit tripped."""
        if account not in self._accounts:
            return False
        self.losses.value(account, self._core.market)
        return self._is_watched(account, None) and self.check(account)

    def watched(self, account: str) -> list[Watched]:
        """Every loss limit of the account and its strategies with its figure, as last valued."""
        found: list[Watched] = []
        meter = self.losses.meter(account, None)
        if meter is None:
            return found
        limits, scope = self._limits.account(account), Scope(account=account)
        fraction = None if limits.drawdown_max is None else to_decimal(limits.drawdown_max)
        found.append(
            Watched(
                scope, "daily_loss", limits.daily_loss_max, meter.daily_loss, meter.value,
                limits.daily_loss_action,
            )
        )  # fmt: skip
        found.append(
            Watched(scope, "drawdown", fraction, meter.drawdown, meter.value, limits.drawdown_action)
        )
        for scope in self._limits.scopes():
            if scope.strategy is None or scope.account != account:
                continue
            own, meter = (
                self._limits.strategy(account, scope.strategy),
                self.losses.meter(account, scope.strategy),
            )
            if own is None or meter is None:
                continue
            daily, peak = own.daily_loss_max, own.peak_loss_max
            found.append(
                Watched(scope, "daily_loss", daily, meter.daily_loss, meter.value, own.daily_loss_action)
            )
            found.append(
                Watched(scope, "peak_loss", peak, meter.peak_loss, meter.value, own.peak_loss_action)
            )
        return found

    def check(self, account: str) -> bool:
        """Trip every limit that is exceeded and has not tripped yet; whether there was one."""
        exceeded = [
            each
            for each in self.watched(account)
            if each.limit is not None
            and to_decimal(each.figure) > each.limit
            and not self._states.has(each.scope, each.cause)
        ]
        for each in exceeded:
            self._trip(each)
        return bool(exceeded)

    def _trip(self, each: Watched) -> None:
        currency = self._accounts[each.scope.account or ""].base_currency
        word = "equity" if each.scope.strategy is None else "pnl"
        reason = (
            f"{each.cause.upper()}_EXCEEDS_MAX: {each.cause}={_short(each.figure)}, max={each.limit}, "
            f"{word}={_short(each.equity)}, currency={currency}"
        )
        self._states.hold(each.scope, _STATES[each.action], each.cause, reason)
        if each.action == "flatten":
            self._flattens += 1
            flatten_id = f"limit-{self._flattens}"
            self._core.send(
                Flatten(ts_event=self._core.now, scope=each.scope, command_id=flatten_id, by="limit")
            )

    def count_anew(self, scope: Scope, causes: list[Cause]) -> None:
        """What tripped was lifted: the limit counts from now on."""
        meter = self.losses.meter(scope.account or "", scope.strategy)
        if meter is None or not set(causes) & set(LOSS_CAUSES):
            return
        self.losses.value(scope.account or "", self._core.market)
        if "daily_loss" in causes:
            meter.day_start = meter.value
        if "drawdown" in causes or "peak_loss" in causes:
            meter.peak = meter.value

    # state

    def snapshot(self) -> GuardState:
        """State for the checkpoint."""
        return GuardState(self.losses.snapshot(), dict(self._days), self._flattens)

    def restore(self, state: GuardState) -> None:
        """Take a checkpoint's state."""
        self.losses.restore(state.losses)
        self._days, self._flattens = dict(state.days), state.flattens


def _short(figure: float) -> str:
    return f"{to_decimal(round(figure, 8)).normalize():f}"
