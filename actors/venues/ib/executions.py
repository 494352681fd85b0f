"""Executions and their commissions, whichever comes first; corrections replace, repeats change nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.venues.ib.claims import Commission, Execution


class Booked(NamedTuple):
    """An execution with its cost."""

    execution: Execution
    commission: Commission | None
    """None when it was waited for in vain: the cost is not known, which is not nothing."""


class Corrected(NamedTuple):
    """A booked execution that the exchange has changed since."""

    before: Execution
    after: Execution


class Executions:
    """All executions of the account that this process has heard of."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Execution, float]] = {}
        """By key, with the time it came: no commission yet."""
        self._commissions: dict[str, Commission] = {}
        """By execution id."""
        self._booked: dict[str, Execution] = {}
        """By key, the newest revision."""
        self._first: dict[str, Booked] = {}
        """By key, as it was booked: what changed since was told as a correction."""
        self._without_cost: dict[str, Execution] = {}

    def take(self, execution: Execution, now: float) -> Booked | Corrected | None:
        """An execution, live or asked for."""
        key = execution.key
        booked = self._booked.get(key)
        if booked is not None:
            if execution.revision <= booked.revision:
                return None
            self._booked[key] = execution
            return Corrected(booked, execution)
        waiting = self._waiting.get(key)
        if waiting is not None:
            execution = _newer(waiting[0], execution)
        commission = self._commissions.get(execution.exec_id)
        if commission is None:
            self._waiting.setdefault(key, (execution, now))
            self._waiting[key] = execution, self._waiting[key][1]
            return None
        return self._book(execution, commission)

    def take_commission(self, commission: Commission) -> Booked | None:
        """The cost of an execution; -1 stands for one that is not known yet."""
        if commission.amount == -1:
            return None
        if commission.exec_id in self._commissions:
            return None
        self._commissions[commission.exec_id] = commission
        key = commission.exec_id.rpartition(".")[0]
        waiting = self._waiting.get(key)
        if waiting is not None and waiting[0].exec_id == commission.exec_id:
            return self._book(waiting[0], commission)
        return None

    def late_cost(self, commission: Commission) -> Execution | None:
        """The execution that was booked without this cost, once."""
        return self._without_cost.pop(commission.exec_id, None)

    def overdue(self, now: float, seconds: float) -> list[Execution]:
        """Executions that have waited so long for their commission."""
        return [execution for execution, since in self._waiting.values() if now - since >= seconds]

    def give_up(self, execution: Execution) -> Booked:
        """Book it with its cost unknown."""
        self._without_cost[execution.exec_id] = execution
        return self._book(execution, None)

    def all(self) -> list[Booked]:
        """Everything booked so far, in the order it was, without corrections."""
        return list(self._first.values())

    def waiting(self) -> list[Execution]:
        """Those not booked yet, because their commission has not come."""
        return [execution for execution, _ in self._waiting.values()]

    def filled(self, perm_id: int) -> Decimal:
        """Shares of one order, those that still wait included."""
        every = [*self._booked.values(), *self.waiting()]
        return sum((each.shares for each in every if each.perm_id == perm_id), Decimal(0))

    def _book(self, execution: Execution, commission: Commission | None) -> Booked:
        self._waiting.pop(execution.key, None)
        self._booked[execution.key] = execution
        booked = self._first[execution.key] = Booked(execution, commission)
        return booked


def _newer(held: Execution, said: Execution) -> Execution:
    """The newer revision; told as it happened if either was."""
    newest = said if said.revision > held.revision else held
    return msgspec.structs.replace(newest, is_live=held.is_live or said.is_live)
