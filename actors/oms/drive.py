"""Drives the standing goals: cancels what is in their way, closes positions, says when they are met.

A drive runs at a timer, so nothing of an earlier step is still on its way and sizes are never counted twice.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor
from actors.messages.account import BalanceWithheld, PositionChanged
from actors.messages.control import GoalDue, GoalMet, Scope
from actors.messages.orders import OrderIntent, OrderTerms
from actors.model.money import ZERO
from actors.oms.book import OrderBook
from actors.oms.desk import Desk
from actors.oms.goals import (
    Closing,
    FlattenPlan,
    Goal,
    PositionKey,
    in_scope,
    pause_ns,
    plan_flatten,
    to_cancel,
)
from actors.oms.life import OrderLife
from actors.oms.order import Order


class GoalState(msgspec.Struct, array_like=True):
    """Goals and the positions they are sized from, as checkpoints keep them."""

    goals: list[Goal]
    own: list[tuple[PositionKey, Decimal]]
    net: list[tuple[tuple[str, str], Decimal]]
    withheld: list[tuple[tuple[str, str], Decimal]] = []


class GoalDriver:
    """All standing goals, in the order in which they were set."""

    def __init__(self, core: CoreActor, desk: Desk, book: OrderBook, life: OrderLife) -> None:
        self._core = core
        self._desk = desk
        self._book = book
        self._life = life
        self._goals: list[Goal] = []
        self._own: dict[PositionKey, Decimal] = {}
        self._net: dict[tuple[str, str], Decimal] = {}
        desk.holders = self._holders
        self._withheld: dict[tuple[str, str], Decimal] = {}
        """(account, asset) → what our books hold and the venue does not show."""

    def __len__(self) -> int:
        return len(self._goals)

    def latch(self, kind: str, scope: Scope) -> str:
        """Set a goal, or refresh the same one; returns what it found to do, in words."""
        goal = next((goal for goal in self._goals if (goal.kind, goal.scope) == (kind, scope)), None)
        if goal is None:
            goal = Goal(scope=scope, kind="flatten" if kind == "flatten" else "cancel", seq=self._desk.seq)
            self._goals.append(goal)
        goal.seq, goal.attempts = self._desk.seq, 0
        orders = self._cancel(goal)
        text = f"{kind} goal on {scope} stands: {len(orders)} orders to cancel"
        if goal.kind == "flatten":
            held = sum(1 for key, quantity in self._own.items() if quantity and scope.covers(*key))
            text += f", {held} positions to close"
        self._due(goal, self._desk.now)
        return text

    def on_due(self, scope: Scope) -> None:
        """Drive the goals of a scope on."""
        for goal in [goal for goal in self._goals if goal.scope == scope]:
            self._drive(goal)

    def on_position(self, change: PositionChanged) -> None:
        """Follow a booking; a position that changed in a goal's scope is progress."""
        self._own[change.account, change.strategy, change.instrument] = change.quantity
        self._net[change.account, change.instrument] = change.account_quantity
        for goal in self._goals:
            if goal.scope.covers(change.account, change.strategy, change.instrument):
                self._progress(goal)

    def _holders(self, account: str, instrument: str) -> dict[str, Decimal]:
        return {key[1]: held for key, held in self._own.items() if (key[0], key[2]) == (account, instrument)}

    def on_withheld(self, withheld: BalanceWithheld) -> None:
        """A position is closed only as far as both sides show it."""
        self._withheld[withheld.account, withheld.asset] = withheld.amount
        if not withheld.amount:
            del self._withheld[withheld.account, withheld.asset]

    def on_closed(self, order: Order) -> None:
        """An order ended. A closing order that brought nothing leaves its goal to the back-off."""
        for goal in self._goals:
            if in_scope(goal, order) and (order.filled or order.terms.client_order_id not in goal.closing):
                self._progress(goal)

    def on_reconciled(self, account: str) -> None:
        """An account can be worked on again."""
        for goal in self._goals:
            if goal.scope.account in (None, account):
                self._progress(goal)

    def _progress(self, goal: Goal) -> None:
        goal.attempts = 0
        self._due(goal, self._desk.now)

    def _due(self, goal: Goal, due: int) -> None:
        if goal.timer_id:
            self._core.cancel_timer(goal.timer_id)
        goal.timer_id = self._core.set_timer(due, GoalDue(ts_event=due, scope=goal.scope))

    def _drive(self, goal: Goal) -> None:
        goal.closing = [name for name in goal.closing if name in self._book.open]
        in_the_way = self._cancel(goal)
        is_met = not in_the_way
        if goal.kind == "flatten":
            plan = self._plan(goal)
            blocked = {
                (order.terms.account, order.terms.instrument): True
                for order in in_the_way
                if order.state != "unknown"
            }
            for closing in plan.closings:
                account = self._desk.accounts[closing.account]
                if account.reconciled and (closing.account, closing.instrument) not in blocked:
                    self._close(goal, closing)
            is_met = is_met and plan.is_flat and not goal.closing and self._all_reconciled(goal)
        if is_met:
            self._met(goal)
            return
        self._due(goal, self._desk.now + pause_ns(goal.attempts))
        goal.attempts += 1

    def _cancel(self, goal: Goal) -> list[Order]:
        """Have every order in the goal's way cancelled; returns those still open."""
        closing = {name: True for other in self._goals for name in other.closing}
        orders = to_cancel(goal, list(self._book.open.values()), closing)
        for order in orders:
            if not order.cancel_wanted or order.successor is not None:
                self._life.want_cancel(order)
        return orders

    def _plan(self, goal: Goal) -> FlattenPlan:
        marks = {key[2]: self._core.market.mark_price(key[2]) for key in self._own}
        orders = list(self._book.open.values())
        return plan_flatten(goal.scope, self._own, self._bounded(), orders, self._desk.instruments, marks)

    def _bounded(self) -> dict[tuple[str, str], Decimal]:
        """Net positions, long ones only as far as both our books and the venue show them."""
        if not self._withheld:
            return self._net
        bounded = {}
        for (account, name), held in self._net.items():
            instrument = self._desk.instruments.get(name)
            asset = instrument.base if instrument is not None else ""
            withheld = self._withheld.get((account, asset), ZERO)
            bounded[account, name] = max(held - withheld, ZERO) if held > ZERO else held
        return bounded

    def _close(self, goal: Goal, closing: Closing) -> None:
        terms = OrderTerms(
            client_order_id=self._core.new_order_id(),
            account=closing.account,
            strategy=closing.strategy,
            instrument=closing.instrument,
            side=closing.side,
            order_type="market",
            quantity=closing.quantity,
            reduce_only=True,
        )
        goal.closing.append(terms.client_order_id)
        mid_price = self._core.market.mark_price(closing.instrument)
        self._desk.send(OrderIntent(ts_event=self._desk.now, terms=terms, mid_price=mid_price))

    def _all_reconciled(self, goal: Goal) -> bool:
        return all(
            account.reconciled
            for name, account in self._desk.accounts.items()
            if goal.scope.account in (None, name)
        )

    def _met(self, goal: Goal) -> None:
        if goal.timer_id:
            self._core.cancel_timer(goal.timer_id)
        self._goals.remove(goal)
        self._desk.send(GoalMet(ts_event=self._desk.now, scope=goal.scope, goal=goal.kind))

    def snapshot(self) -> GoalState:
        """State for the checkpoint."""
        return GoalState(
            [msgspec.structs.replace(goal, closing=list(goal.closing)) for goal in self._goals],
            list(self._own.items()),
            list(self._net.items()),
            list(self._withheld.items()),
        )

    def restore(self, state: GoalState) -> None:
        """Take a checkpoint's goals."""
        self._goals = list(state.goals)
        self._own, self._net = dict(state.own), dict(state.net)
        self._withheld = dict(state.withheld)
