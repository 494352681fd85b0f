"""What TWS says about the account when it is asked: whole lists or no answer; silence is not *nothing*."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec

from actors.errors import VenueUnreachable
from actors.model.instrument import ZERO
from actors.venues.ib.claims import AccountValue, CompletedOrder, OpenOrder, OrderStatus, Position
from actors.venues.ib.session import Session

CASH_TAG = "CashBalance"
BASE = "BASE"
"""What TWS calls the sum of all currencies."""


class Lists(msgspec.Struct):
    """Orders of the account as they were told together."""

    began: float
    """Loop time when the first question left."""
    open: dict[int, OpenOrder] = {}
    """By permanent id."""
    statuses: dict[int, OrderStatus] = {}
    completed: dict[int, CompletedOrder] = {}


class StatementReader:
    """Asks for one list at a time, and keeps what comes in between."""

    def __init__(self, session: Session, account: Callable[[], str]) -> None:
        self._session, self._account = session, account
        self._reading: Lists | None = None
        self._newest: Lists | None = None
        self._positions: dict[int, Position] | None = None
        self._lock = asyncio.Lock()

    # what comes

    def take(self, claim: object) -> None:
        """A claim about the account, asked for or not."""
        reading = self._reading
        if isinstance(claim, Position):
            if self._positions is not None and claim.account == self._account():
                self._positions[claim.con_id] = claim
        elif reading is not None:
            if isinstance(claim, OpenOrder) and claim.account == self._account():
                reading.open[claim.perm_id] = claim
            elif isinstance(claim, OrderStatus):
                reading.statuses[claim.perm_id] = claim
            elif isinstance(claim, CompletedOrder) and claim.account == self._account():
                reading.completed[claim.perm_id] = claim

    def on_down(self) -> None:
        """What was being read will not be told to its end."""
        self._newest = None

    # questions

    async def orders(self, *, not_before: float) -> Lists:
        """Executions, open and completed orders, read after `not_before` (loop time).

        Raises:
            VenueUnreachable: One of the three was not answered.
        """
        async with self._lock:
            if self._newest is not None and self._newest.began >= not_before:
                return self._newest
            lists = Lists(began=asyncio.get_running_loop().time())
            client = self._session.client
            self._reading = lists
            try:
                # Orders first: one that fills meanwhile is listed as open, and its execution is told later.
                await self._session.ask_list("openOrders", client.reqAllOpenOrders)
                await self._session.ask_list("completedOrders", lambda: client.reqCompletedOrders(False))
                await self.read_executions()
            finally:
                self._reading = None
            self._newest = lists
            return lists

    async def read_executions(self) -> None:
        """Executions since midnight with their commissions; they come as claims.

        Raises:
            VenueUnreachable: No answer.
        """
        client, library = self._session.client, self._session.library
        assert library is not None
        wanted = library.ExecutionFilter(acctCode=self._account())
        await self._session.ask(
            "executions", "execDetailsEnd", lambda number: client.reqExecutions(number, wanted)
        )

    async def positions(self) -> dict[int, Position]:
        """By contract.

        Raises:
            VenueUnreachable: No answer.
        """
        async with self._lock:
            self._positions = {}
            client = self._session.client
            try:
                await self._session.ask_list("positions", client.reqPositions)
                return self._positions
            finally:
                self._positions = None
                if self._session.is_up:
                    client.cancelPositions()

    async def cash(self) -> dict[str, Decimal]:
        """By currency.

        Raises:
            VenueUnreachable: No answer, or not one figure in it.
        """
        client, account = self._session.client, self._account()
        number = self._session.next_number()
        answers = await self._session.ask(
            "account values",
            "accountUpdateMultiEnd",
            lambda n: client.reqAccountUpdatesMulti(n, account, "", False),
            number=number,
        )
        client.cancelAccountUpdatesMulti(number)
        found: dict[str, Decimal] = {}
        for value in (values[0] for values in answers):
            assert isinstance(value, AccountValue)
            if value.tag == CASH_TAG and value.currency not in ("", BASE):
                found[value.currency] = Decimal(value.value)
        if not found:
            raise VenueUnreachable(f"TWS told no {CASH_TAG} of {account}")
        return {currency: amount for currency, amount in found.items() if amount != ZERO}
