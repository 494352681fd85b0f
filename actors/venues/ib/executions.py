"""Executions and their commissions, whichever comes first; the newest revision stands."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.venues.ib.claims import Commission, Execution


class Booked(NamedTuple):
    """An execution with its cost, as far as TWS has told."""

    execution: Execution
    commission: Commission | None
    """None when it was waited for in vain: the cost is not known, which is not nothing."""

    @property
    def word(self) -> int:
        """Grows with every revision, and once more when its cost is there."""
        return 2 * self.execution.revision - (self.commission is None)


class Executions:
    """All executions of the account that this process has heard of."""

    def __init__(self) -> None:
        self._newest: dict[str, Execution] = {}
        """By key, the newest revision."""
        self._commissions: dict[str, Commission] = {}
        """By execution id."""
        self._waiting: dict[str, float] = {}
        """Keys whose newest revision has no commission yet, with the time it came."""
        self._told: dict[str, None] = {}
        """Keys of those that are complete, or were once, in the order they were."""

    def take(self, execution: Execution, now: float) -> Booked | None:
        """An execution, live or asked for; what is to be told of it.

        One that is new waits for its cost. A later revision of one that was told is told at once: what is
        held matters more than what it cost.
        """
        key, known = execution.key, self._newest.get(execution.key)
        if known is not None and execution.revision <= known.revision:
            return None
        if known is not None and key not in self._told:  # told as it happened, if either was
            is_live = known.is_live or execution.is_live
            execution = msgspec.structs.replace(execution, is_live=is_live)
        self._newest[key] = execution
        if execution.exec_id in self._commissions or not execution.shares:
            return self._tell(key)
        self._waiting.setdefault(key, now)
        return self._known(key) if key in self._told else None

    def take_commission(self, commission: Commission) -> Booked | None:
        """The cost of an execution; -1 stands for one that is not known yet."""
        if commission.amount == -1 or commission.exec_id in self._commissions:
            return None
        self._commissions[commission.exec_id] = commission
        key = commission.exec_id.rpartition(".")[0]
        newest = self._newest.get(key)
        if newest is None or newest.exec_id != commission.exec_id:
            return None
        return self._tell(key)

    def overdue(self, now: float, seconds: float) -> list[Execution]:
        """Executions that have waited so long for their commission."""
        return [self._newest[key] for key, since in self._waiting.items() if now - since >= seconds]

    def give_up(self, execution: Execution) -> Booked | None:
        """Wait no longer: tell it with its cost unknown, if it was not told."""
        was_told = execution.key in self._told
        told = self._tell(execution.key)
        return None if was_told else told

    def all(self) -> list[Booked]:
        """Everything told so far, in the order it was, by the newest revisions."""
        return [self._known(key) for key in self._told]

    def waiting(self) -> list[Execution]:
        """Those not told yet, because their commission has not come."""
        return [self._newest[key] for key in self._waiting if key not in self._told]

    def filled(self, perm_id: int) -> Decimal:
        """Shares of one order, those that still wait included."""
        return sum((each.shares for each in self._newest.values() if each.perm_id == perm_id), Decimal(0))

    def forget(self, keys: Iterable[str]) -> None:
        """Drop executions; one that TWS tells again is new here, and told by whoever keeps count of them."""
        for key in keys:
            self._commissions.pop(self._newest.pop(key).exec_id, None)
            self._told.pop(key, None)
            self._waiting.pop(key, None)

    def _known(self, key: str) -> Booked:
        newest = self._newest[key]
        return Booked(newest, self._commissions.get(newest.exec_id))

    def _tell(self, key: str) -> Booked:
        self._waiting.pop(key, None)
        self._told[key] = None
        return self._known(key)
