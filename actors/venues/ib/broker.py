"""Interactive Brokers' orders: the Broker port over TWS.

Reads   SubmitOrder CancelOrder ReplaceOrder QueryOrder QueryAccount    from oms, once on the tape
        QueryMargin                                                     from risk, once on the tape
        openOrder, orderStatus, execDetails, commissionReport, error    from TWS
Writes  AcceptReport RejectReport FillReport CancelReport ReplaceReport AdjustReport     to the sequencer
        StatusReport NotSent OutcomeUnknownReport AccountEvidence                        to the sequencer
        BrokerStarted BrokerStopped ClockMeasured MarginAnswered                         to the sequencer
State   nothing that outlives it: TWS tells order ids and executions anew on every line
Fails   the line reconnects by itself; a command is handed over once or not at all

Executions are the one source of fills, each once by its id without the revision: live ones are told as they
happen, those asked for only in the answer, because only the core knows what it was told by lives before. An
order is found by its reference, then by its permanent id; by its order id only within the line that told it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import msgspec
import structlog

from actors.core.effects import effect
from actors.errors import TradingError, VenueUnreachable
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured
from actors.messages.margin import MarginAnswered, QueryMargin
from actors.messages.orders import (
    CancelOrder,
    NotSent,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    SubmitOrder,
    VenueCommand,
)
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.venues.ib.claims import Claim
from actors.venues.ib.directory import Directory
from actors.venues.ib.opening import why_closed
from actors.venues.ib.orders import Impossible, Known, changed, known_from_terms, order_from
from actors.venues.ib.reading import StatementReader
from actors.venues.ib.reasons import check_account
from actors.venues.ib.reports import Reports, command_kind
from actors.venues.ib.rules import IB_RULES, SEND_WITHIN_MS
from actors.venues.ib.session import Session
from actors.venues.ib.statements import Statements
from actors.venues.ib.what_if import margin_of
from actors.venues.ports import BrokerCommand, Intake

log = structlog.get_logger(__name__)

FIRST_SECONDS = 20.0
SWEEP_SECONDS = 2.0
Order = SubmitOrder | CancelOrder | ReplaceOrder


class IbBroker:
    """Orders of one account."""

    def __init__(
        self,
        *,
        account: str,
        account_id: str | None,
        is_paper: bool,
        session: Session,
        directory: Directory,
        instruments: Sequence[Instrument],
        intake: Intake,
        clock: Callable[[], int],
    ) -> None:
        """`account_id` is TWS's name of the account; None where it manages only one."""
        self.account = account
        self.rules: VenueRules = msgspec.structs.replace(IB_RULES, venue=session.venue)
        self._wanted_id, self._is_paper = account_id, is_paper
        self._account_id = account_id or ""
        self._session, self._directory = session, directory
        self._symbols = [instrument.symbol for instrument in instruments]
        self._intake, self._clock = intake, clock
        self._reader = StatementReader(session, lambda: self._account_id)
        self._reports = Reports(
            account=account, session=session, directory=directory, intake=intake, clock=clock,
            account_id=lambda: self._account_id,
        )  # fmt: skip
        self._statements = Statements(
            account=account, reader=self._reader, reports=self._reports, directory=directory, clock=clock,
            session=session,
        )  # fmt: skip
        self._inbox: asyncio.Queue[BrokerCommand] = asyncio.Queue()
        self._held_back = 0
        self._is_started: bool | None = None
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._statement_wanted: QueryAccount | None = None
        self._statement_due = asyncio.Event()
        self._came_up = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    async def account_id(self) -> str:
        """TWS's own name of the account.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: TWS does not manage it, or it is not of the kind configured.
        """
        async with self._session.held():
            await self._session.wait_up(FIRST_SECONDS)
            return self._check_account()

    def submit(self, command: BrokerCommand) -> None:
        """Take a command whose step is on the tape."""
        self._inbox.put_nowait(command)

    def backlog(self) -> int:
        """Commands taken and not yet handed to the transport."""
        return self._inbox.qsize() + self._held_back

    async def run(self) -> None:
        """Connect, send, report until cancelled."""
        self._session.join(self)
        try:
            async with self._session.held(), asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                if self._session.is_up:
                    self.on_up()
                tasks.create_task(self._session.watch(), name="ib line watch")
                tasks.create_task(self._greet(), name="ib account")
                tasks.create_task(self._send_all(), name="ib commands")
                tasks.create_task(self._give_statements(), name="ib statements")
                tasks.create_task(self._sweep(), name="ib executions")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._tasks = None
            self._session.leave(self)
            self._down("broker ended")

    async def close(self) -> None:
        """No byte may outlive this; commands that were never handed over are reported so."""
        self._session.cut("broker closed")
        while not self._inbox.empty():
            command = self._inbox.get_nowait()
            if isinstance(command, VenueCommand) and not isinstance(command, QueryOrder):
                self._not_sent(command, "the broker was closed")

    # the line

    def on_up(self) -> None:
        """The account is checked before anything may be sent."""
        self._came_up.set()

    def on_down(self, reason: str) -> None:
        """What waits for an answer will get none."""
        self._down(reason)

    def on_claim(self, claim: Claim) -> None:
        """Something about orders, money or the line."""
        self._reader.take(claim)
        self._reports.take(claim)

    async def _greet(self) -> None:
        while True:
            await self._came_up.wait()
            self._came_up.clear()
            try:
                self._check_account()
                await self._directory.find(self._symbols)
            except VenueUnreachable as error:
                log.warning("account not checked", account=self.account, error=str(error))
                if self._session.is_up:  # the line holds, and nobody will say again that it is up
                    self._came_up.set()
                    await asyncio.sleep(self._session.settings.pause_seconds)
                continue
            if not self._session.is_up:
                continue
            now = self._clock()
            self._intake.offer(
                ClockMeasured(ts_event=now, account=self.account, offset_ms=self._session.offset_ms)
            )
            self._is_started = True
            self._intake.offer(BrokerStarted(ts_event=now, account=self.account))

    def _check_account(self) -> str:
        self._account_id = check_account(self._session.accounts, self._wanted_id, is_paper=self._is_paper)
        return self._account_id

    def _down(self, reason: str) -> None:
        self._reader.on_down()
        self._reports.on_down()
        for task in list(self._asking.values()):
            task.cancel()
        self._asking.clear()
        if self._is_started is not False:
            self._is_started = False
            log.warning("broker down", account=self.account, reason=reason)
            self._intake.offer(BrokerStopped(ts_event=self._clock(), account=self.account, reason=reason))

    # commands

    async def _send_all(self) -> None:
        while True:
            command = await self._inbox.get()
            match command:
                case SubmitOrder() | CancelOrder() | ReplaceOrder():
                    await self._send(command)
                case QueryOrder():
                    self._ask(f"order {command.client_order_id}", self._answer_order(command))
                case QueryMargin():
                    self._ask(f"margin {command.terms.client_order_id}", self._answer_margin(command))
                case QueryAccount():
                    self._statement_wanted = command
                    self._statement_due.set()
                case _:
                    raise TypeError(f"no broker command: {type(command).__name__}")

    async def _send(self, command: Order) -> None:
        while self._is_started and (pause := self._session.budget.pause_for_order()):
            self._held_back = 1
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError:
                self._not_sent(command, "the broker was stopped")
                raise
            finally:
                self._held_back = 0
        try:
            self._hand_over(command)
        except (Impossible, VenueUnreachable) as error:
            self._not_sent(command, str(error))

    def _hand_over(self, command: Order) -> None:
        """All checks, then all bytes, with nothing awaited in between.

        Raises:
            Impossible, VenueUnreachable: Not one byte has left.
        """
        late = self._clock() // 1_000_000 + self._session.offset_ms - command.venue_timestamp_ms
        if late > SEND_WITHIN_MS:
            raise Impossible(f"{late} ms old, nothing older than {SEND_WITHIN_MS} ms is sent")
        if not self._is_started:  # nor is it once the line has gone: `on_down` comes before all else
            raise VenueUnreachable("there is no line to IB")
        client = self._session.client
        match command:
            case SubmitOrder():
                known = known_from_terms(command.terms, self._parent_of(command))
                known.order_id, known.client_id = (
                    self._session.next_number(),
                    self._session.settings.client_id,
                )
                self._place(known, command)
                self._reports.sent(known)
            case ReplaceOrder():
                known = self._known(command)
                trail = known.trail if command.trail is None else command.trail
                wanted = command.quantity, command.price, command.stop_price, trail
                self._place(changed(known, wanted), command)
                known.pending_replace = wanted
            case CancelOrder():
                known = self._known(command)
                known.is_cancelling = True
                effect("tws.send cancel")
                client.cancelOrder(known.order_id)

    def _place(self, known: Known, command: SubmitOrder | ReplaceOrder) -> None:
        listed = self._directory.of(command.instrument.partition("@")[0])
        if listed is None:
            raise Impossible(f"{command.instrument} has no contract yet")
        closed = why_closed(known, listed, self._clock()) if isinstance(command, SubmitOrder) else None
        if closed is not None:
            raise Impossible(closed)
        library = self._session.library
        assert library is not None
        order = order_from(known, self._account_id, library)
        effect("tws.send order")
        self._session.client.placeOrder(known.order_id, listed.contract, order)

    def _parent_of(self, command: VenueCommand) -> Known | None:
        special = command.terms.special if isinstance(command, SubmitOrder) else None
        if special is None or special.parent is None:
            return None
        return self._reports.of(special.parent, None)

    def _known(self, command: CancelOrder | ReplaceOrder) -> Known:
        known = self._reports.of(command.client_order_id, command.venue_order_id)
        if known is None or not known.order_id:
            raise Impossible("TWS has not shown this order on the present line")
        return known

    def _not_sent(self, command: VenueCommand, reason: str) -> None:
        self._intake.offer(
            NotSent(
                ts_event=self._clock(), account=self.account, instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=getattr(command, "venue_order_id", None), command=command_kind(command),
                reason=reason,
            )
        )  # fmt: skip
        parent = self._parent_of(command)
        self._reports.take_back_family(0 if parent is None else parent.order_id)

    # questions

    def _ask(self, subject: str, answering: Coroutine[None, None, None]) -> None:
        """One question about a subject at a time."""
        assert self._tasks is not None
        if subject in self._asking:
            answering.close()
            return
        task = self._tasks.create_task(answering)
        self._asking[subject] = task
        task.add_done_callback(lambda done: self._asked(subject, done))

    def _asked(self, subject: str, task: asyncio.Task[None]) -> None:
        if self._asking.get(subject) is task:
            del self._asking[subject]

    async def _answer_margin(self, query: QueryMargin) -> None:
        """No order comes of it; why there is no answer is an answer too."""
        figures, text = None, ""
        try:
            figures, text = await margin_of(query.terms, self._session, self._directory, self._account_id)
        except (Impossible, TradingError) as error:
            text = str(error)
        self._intake.offer(
            MarginAnswered(
                ts_event=self._clock(), account=self.account, client_order_id=query.terms.client_order_id,
                figures=figures, text=text,
            )
        )  # fmt: skip

    async def _answer_order(self, query: QueryOrder) -> None:
        try:
            reports = await self._statements.order(query)
        except TradingError as error:
            log.warning("order query without answer", order=query.client_order_id, error=str(error))
            return
        for report in reports:
            self._intake.offer(report)

    async def _give_statements(self) -> None:
        """The newest question is answered."""
        while True:
            await self._statement_due.wait()
            self._statement_due.clear()
            query, self._statement_wanted = self._statement_wanted, None
            if query is not None:
                self._intake.offer(await self._statements.account(query))

    async def _sweep(self) -> None:
        """Executions whose commission does not come are asked for again, and booked without it at last."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self._session.settings.commission_seconds))
            if not self._session.is_up or not self._reports.needs_executions():
                continue
            try:
                await self._reader.read_executions()
            except TradingError as error:
                log.warning("executions not read", account=self.account, error=str(error))
            self._reports.give_up_overdue()
