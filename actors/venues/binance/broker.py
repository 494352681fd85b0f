"""Binance Spot orders: the Broker port over the WebSocket API; REST for questions and while that is down.

Reads   SubmitOrder CancelOrder QueryOrder QueryAccount    from oms, once their step is on the tape
        answers, executionReport, balanceUpdate            from the venue
Writes  AcceptReport RejectReport FillReport CancelReport ExpiryReport StatusReport      to the sequencer
        NotSent OutcomeUnknownReport AccountEvidence CashTransferred                     to the sequencer
        BrokerStarted BrokerStopped ClockMeasured                                        to the sequencer
State   nothing that outlives it; what waits for an answer is told that none will come
Fails   reconnects by itself; a command is handed over once or not at all

The one source of fills is the account's trade history: live as executionReports, asked for as myTrades, both
under the same (instrument, order id, trade id). Answers to commands only accept or refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, assert_never

import msgspec

from actors.errors import ConfigError, OutcomeUnknown, VenueUnreachable
from actors.messages.margin import QueryMargin
from actors.messages.orders import (
    CancelOrder,
    Command,
    NotSent,
    OutcomeUnknownReport,
    QueryAccount,
    QueryOrder,
    RejectReport,
    ReplaceOrder,
    Report,
    SubmitOrder,
    VenueCommand,
)
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.venues.binance import translate_orders as translate
from actors.venues.binance.codes import Meaning, Refusal
from actors.venues.binance.limits import RateBudget
from actors.venues.binance.queries import KnownOrders, Queries
from actors.venues.binance.rest import NS_PER_S, NotHandedOver, RestClient
from actors.venues.binance.rules import BINANCE_RULES
from actors.venues.binance.session import Session, SessionSettings
from actors.venues.binance.signing import signed_params, signer_for
from actors.venues.binance.trading import refusal_of
from actors.venues.binance.transfers import TransferHistory
from actors.venues.binance.user_data import UserData
from actors.venues.binance.wire import CANCEL_ACK, ORDER_ACK, TradingFrame
from actors.venues.ports import BrokerCommand, Intake

ORDER_QUERIES_AT_ONCE = 4
WALLET_ATTEMPTS = 2
WALLET_PATIENCE_SECONDS = 1.0
"""The history of transfers is asked for with every statement until it has told; no statement waits long."""
Order = SubmitOrder | CancelOrder


class BinanceBroker:
    """Orders of one account."""

    def __init__(
        self,
        *,
        account: str,
        venue: str = "binance",
        rest_url: str,
        trading_url: str,
        api_key: str,
        api_secret: str,
        instruments: Sequence[Instrument],
        intake: Intake,
        clock: Callable[[], int],
        settings: SessionSettings | None = None,
        budget: RateBudget | None = None,
    ) -> None:
        """`clock` gives nanoseconds UTC, `budget` is shared with the feed.

        Raises:
            ConfigError: The secret cannot sign.
        """
        self.account = account
        self.rules: VenueRules = msgspec.structs.replace(BINANCE_RULES, venue=venue)
        settings = settings or SessionSettings()
        self._signer = signer_for(api_secret)
        self._api_key = api_key
        self._intake = intake
        self._clock = clock
        known = KnownOrders()
        self._rest = RestClient(
            url=rest_url,
            clock=clock,
            api_key=api_key,
            signer=self._signer,
            timeout_seconds=settings.timeout_seconds,
            budget=budget,
        )
        holder = translate.Account(
            account=account, venue=venue, instruments={i.symbol: i for i in instruments}
        )
        self._wallet_rest = self._rest.beside(
            attempts=WALLET_ATTEMPTS, patience_seconds=WALLET_PATIENCE_SECONDS
        )
        history = TransferHistory(rest=self._wallet_rest, venue=venue, account=account)
        self._queries = Queries(rest=self._rest, account=holder, known=known, clock=clock, transfers=history)
        self._user_data = UserData(account=holder, known=known, intake=intake)
        self._session = self._new_session(trading_url, settings)
        self._inbox: asyncio.Queue[BrokerCommand] = asyncio.Queue()
        self._order_queries = asyncio.Semaphore(ORDER_QUERIES_AT_ONCE)
        self._held_back = 0
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._statement_wanted: QueryAccount | None = None
        self._statement_due = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    async def account_id(self) -> str:
        """The venue's own id of the account behind the credentials.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: The credentials are refused.
        """
        try:
            return await self._queries.account_id()
        except Refusal as refusal:
            if refusal.is_repeatable:
                raise VenueUnreachable(f"account {self.account}: {refusal}") from refusal
            raise ConfigError(f"account {self.account}: {refusal}; check api_key and api_secret") from refusal

    def _new_session(self, url: str, settings: SessionSettings) -> Session:
        return Session(
            account=self.account,
            url=url,
            api_key=self._api_key,
            signer=self._signer,
            rest=self._rest,
            intake=self._intake,
            clock=self._clock,
            on_event=self._user_data.take,
            on_lost=self._drop_questions,
            settings=settings,
        )

    def submit(self, command: BrokerCommand) -> None:
        """Take a command whose step is on the tape."""
        self._inbox.put_nowait(command)

    def backlog(self) -> int:
        """Commands taken and not yet handed to the transport."""
        return self._inbox.qsize() + self._held_back

    async def run(self) -> None:
        """Connect, send, report until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._session.stay_connected(), name="binance trading")
                tasks.create_task(self._send_all(), name="binance commands")
                tasks.create_task(self._session.watch_clock(), name="binance clock")
                tasks.create_task(self._give_statements(), name="binance statements")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._tasks = None
            self._session.drop("broker ended")

    async def close(self) -> None:
        """Abort the connections; commands that were never handed over are reported so."""
        self._session.drop("broker closed")
        while not self._inbox.empty():
            command = self._inbox.get_nowait()
            if isinstance(command, VenueCommand) and not isinstance(command, QueryOrder):
                self._not_sent(command, "the broker was closed")
        await self._session.close()
        await self._rest.close()
        await self._wallet_rest.close()

    # commands

    async def _send_all(self) -> None:
        assert self._tasks is not None
        while True:
            command = await self._inbox.get()
            match command:
                case SubmitOrder() | CancelOrder():
                    await self._send(command)
                case QueryOrder():
                    self._ask(command, self._tasks)
                case QueryAccount():
                    self._statement_wanted = command
                    self._statement_due.set()
                case ReplaceOrder():
                    self._not_sent(command, "Binance changes no order in place")
                case VenueCommand() | QueryMargin():
                    raise TypeError(f"no broker command: {type(command).__name__}")
                case _:
                    assert_never(command)

    async def _send(self, command: Order) -> None:
        """Over the socket, or over REST while there is none; one of them, once."""
        assert self._tasks is not None
        blocked = self._rest.budget.blocked_for(self._clock() / NS_PER_S)
        if blocked:
            if self._rest.venue_now_ms() + blocked * 1000 > _acceptable_until_ms(command):
                self._not_sent(command, f"the venue refuses requests for another {blocked:.1f} s")
                return
            self._held_back = 1
            try:
                await asyncio.sleep(blocked)
            except asyncio.CancelledError:
                self._not_sent(command, "the broker was stopped")
                raise
            finally:
                self._held_back = 0
        try:
            params = (
                translate.place_params(command)
                if isinstance(command, SubmitOrder)
                else translate.cancel_params(command)
            )
        except translate.Impossible as error:
            self._not_sent(command, str(error))
            return
        socket = self._session.socket
        if socket is None or not socket.is_open:
            self._tasks.create_task(self._send_over_rest(command, params))
            return
        method = "order.place" if isinstance(command, SubmitOrder) else "order.cancel"
        signed = signed_params({**params, "apiKey": self._api_key}, self._signer)
        number, request = socket.prepare(method, signed)
        if why := self._too_late(command):
            self._not_sent(command, why)
            return
        await socket.hand_over(number, request, lambda frame, why: self._on_answer(command, frame, why))

    async def _send_over_rest(self, command: Order, params: translate.Params) -> None:
        verb = "POST" if isinstance(command, SubmitOrder) else "DELETE"
        try:
            body = await self._rest.send_once(
                verb, "/api/v3/order", params, refusal=lambda: self._too_late(command)
            )
            self._done(command, body)
        except NotHandedOver as error:
            self._not_sent(command, str(error))
        except Refusal as refusal:
            self._refused(command, refusal)
        except OutcomeUnknown as error:
            self._unknown(command, str(error))
        except asyncio.CancelledError:
            self._unknown(command, "broker ended")
            raise

    def _too_late(self, command: Order) -> str | None:
        """Asked directly before the first byte is handed over."""
        late = self._rest.venue_now_ms() - _acceptable_until_ms(command)
        return f"{late} ms past the receive window" if late > 0 else None

    # answers

    def _on_answer(self, command: Order, frame: TradingFrame | None, why: str) -> None:
        if frame is None:
            self._unknown(command, why)
        elif frame.status == 200:
            self._done(command, frame.result)
        else:
            self._refused(command, refusal_of(frame))

    def _done(self, command: Order, result: msgspec.Raw | bytes) -> None:
        try:
            report: Report
            if isinstance(command, SubmitOrder):
                report = translate.accept_of(ORDER_ACK.decode(result), command)
            else:
                cancelled = CANCEL_ACK.decode(result)
                if cancelled.status != "CANCELED":
                    self._unknown(command, f"the venue calls the order {cancelled.status}")
                    return
                report = translate.cancel_of(cancelled, command)
        except msgspec.MsgspecError as error:
            self._unknown(command, f"unreadable answer: {error}")
            return
        self._user_data.known.learn(report.client_order_id, report.venue_order_id)
        self._intake.offer(report)

    def _refused(self, command: Order, refusal: Refusal) -> None:
        if refusal.meaning is Meaning.CLOCK:
            self._session.doubt_clock()
        is_submit = isinstance(command, SubmitOrder)
        outcome = refusal.outcome_of_submit() if is_submit else refusal.outcome_of_cancel()
        if outcome == "unknown":
            self._unknown(command, str(refusal))
        else:
            code, text = str(refusal.code), refusal.text
            self._intake.offer(
                RejectReport(**self._about(command), command=_kind(command), code=code, text=text)
            )
        if refusal.meaning is Meaning.KEY:
            self._session.drop(str(refusal))

    def _unknown(self, command: Order, reason: str) -> None:
        self._intake.offer(
            OutcomeUnknownReport(**self._about(command), command=_kind(command), reason=reason)
        )

    def _not_sent(self, command: VenueCommand, reason: str) -> None:
        self._intake.offer(NotSent(**self._about(command), command=_kind(command), reason=reason))

    def _about(self, command: VenueCommand) -> dict[str, Any]:
        return {
            "ts_event": self._clock(),
            "account": self.account,
            "instrument": command.instrument,
            "client_order_id": command.client_order_id,
            "venue_order_id": getattr(command, "venue_order_id", None),
        }

    # questions

    def _ask(self, query: QueryOrder, tasks: asyncio.TaskGroup) -> None:
        """One question an order at a time; the core counts from the first that has no answer."""
        if query.client_order_id not in self._asking:
            task = tasks.create_task(self._answer_order(query))
            self._asking[query.client_order_id] = task
            task.add_done_callback(lambda done: self._asked(query.client_order_id, done))

    def _asked(self, client_order_id: str, task: asyncio.Task[None]) -> None:
        if self._asking.get(client_order_id) is task:
            del self._asking[client_order_id]

    def _drop_questions(self) -> None:
        # After the next BrokerStarted the core asks anew; an older answer would be taken for the newer one.
        for task in list(self._asking.values()):
            task.cancel()
        self._asking.clear()

    async def _answer_order(self, query: QueryOrder) -> None:
        async with self._order_queries:
            for report in await self._queries.order(query):
                self._intake.offer(report)

    async def _give_statements(self) -> None:
        """The newest question is answered; older ones that still wait are not worth their weight."""
        while True:
            await self._statement_due.wait()
            self._statement_due.clear()
            query, self._statement_wanted = self._statement_wanted, None
            if query is not None:
                self._intake.offer(await self._queries.statement(query))


def _kind(command: VenueCommand) -> Command:
    if isinstance(command, SubmitOrder):
        return "submit"
    return "replace" if isinstance(command, ReplaceOrder) else "cancel"


def _acceptable_until_ms(command: Order) -> int:
    """The venue's clock at which it stops taking the command."""
    return command.venue_timestamp_ms + command.receive_window_ms
