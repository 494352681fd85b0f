"""A broker and the network behind it: what travels, what gets lost, what is said then."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    CashTransferred,
    FillsEvidence,
    OrdersEvidence,
)
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured
from actors.messages.orders import (
    CancelOrder,
    FillReport,
    NotSent,
    OutcomeUnknownReport,
    QueryAccount,
    QueryOrder,
    Report,
    SubmitOrder,
)
from actors.venues.ports import BrokerCommand
from tests.chaos.twin.exchange import ACCOUNT, BTC, Command
from tests.chaos.twin.world import MS, SECOND, World

ANSWER_NS = 5 * SECOND
"""The broker waits so long for an answer."""


class Line:
    """Carries commands to the exchange, and whatever comes back to the process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.life = 0
        """Counts processes: what was meant for a dead one reaches nobody."""
        self.is_up = False
        self._connection = 0
        self._pending: dict[int, tuple[Command, bool]] = {}
        self._number = 0
        self._asking: dict[str, int] = {}
        self._wanted: QueryAccount | None = None
        self._is_reading = False
        self._offset_ms = 0
        self.wire: list[SubmitOrder] = []
        """Every submit whose first byte has left."""
        self.flying: dict[int, SubmitOrder] = {}
        """Submits under way to the venue."""

    def _delay(self) -> int:
        random, weather = self._world.random, self._world.weather
        if weather.slow and random.random() < weather.slow:
            return random.randrange(weather.slow_ms) * MS
        return random.randrange(1, 20) * MS

    def _offer(self, message: Message) -> None:
        self._world.process.offer(message)

    # connecting

    def reset(self) -> None:
        """The process is dead, and its sockets with it."""
        self.life += 1
        self.is_up = False
        self._connection += 1
        self._pending.clear()
        self._asking.clear()
        self._wanted, self._is_reading = None, False

    def connect(self, life: int) -> None:
        """A fresh connection: the clock is measured first."""
        world = self._world
        if life != self.life or self.is_up or not world.process.is_alive:
            return
        error = world.random.randint(-1, 1) * world.weather.clock_error_ms
        self._offset_ms = world.weather.offset_ms - world.process.skew // MS + error
        self._offer(ClockMeasured(ts_event=world.now, account=ACCOUNT, offset_ms=self._offset_ms))
        self.is_up = True
        world.note("line up")
        self._offer(BrokerStarted(ts_event=world.now, account=ACCOUNT))

    def cut(self) -> None:
        """The connection is lost; what waited on it learns that no answer will come."""
        world = self._world
        if not self.is_up or not world.process.is_alive or world.is_calm:
            return
        world.counts["disconnects"] += 1
        world.note("line cut")
        self.is_up = False
        self._connection += 1
        self._asking.clear()
        world.after(world.random.choice((50, 500, 4_000)) * MS, self.connect, self.life)
        lost = [number for number, (_, on_socket) in self._pending.items() if on_socket]
        for command in [self._pending.pop(number)[0] for number in lost]:
            self._unknown(command, "connection lost")
        self._offer(BrokerStopped(ts_event=world.now, account=ACCOUNT, reason="cut"))

    # commands

    def hand_over(self, command: BrokerCommand) -> None:
        """Take a command whose step is recorded."""
        if isinstance(command, QueryOrder):
            self._ask(command)
        elif isinstance(command, QueryAccount):
            self._wanted = command
            if not self._is_reading:
                self._read(self.life)
        elif isinstance(command, SubmitOrder | CancelOrder):
            self._send(command)

    def _send(self, command: Command) -> None:
        world, weather = self._world, self._world.weather
        venue_ms = world.process.now // MS + self._offset_ms
        too_late = venue_ms > command.venue_timestamp_ms + command.receive_window_ms
        if too_late or world.chance(weather.not_sent):
            world.counts["not sent"] += 1
            world.note("not sent", command.client_order_id)
            world.after(MS, self._say, self.life, self._about(NotSent, command, "held back"))
            return
        self._number += 1
        number = self._number
        self._pending[number] = (command, self.is_up)
        if isinstance(command, SubmitOrder):
            self.wire.append(command)
            world.counts["submits"] += 1
        world.after(ANSWER_NS, self._expire, self.life, number)
        if world.chance(weather.lose_request):
            world.counts["requests lost"] += 1
            world.note("lost on the way", type(command).__name__, command.client_order_id)
            return
        if isinstance(command, SubmitOrder):
            self.flying[number] = command
        world.after(self._delay(), self._arrive, self.life, self._connection, number, command)

    def _arrive(self, life: int, connection: int, number: int, command: Command) -> None:
        world = self._world
        self.flying.pop(number, None)
        answer = world.exchange.take(command)
        if world.is_traced:
            world.note("venue", type(command).__name__, command.client_order_id, "→", _short(answer))
        if answer is None or world.chance(world.weather.lose_reply):
            world.counts["replies lost"] += 1
            return
        world.after(self._delay(), self._reply, life, connection, number, answer)

    def _reply(self, life: int, connection: int, number: int, answer: Report) -> None:
        if life != self.life or number not in self._pending:
            return
        _, on_socket = self._pending.pop(number)
        if not on_socket or connection == self._connection:
            self._offer(answer)

    def _expire(self, life: int, number: int) -> None:
        if life != self.life or number not in self._pending:
            return
        command, _ = self._pending.pop(number)
        if not self._world.chance(self._world.weather.unheard):
            self._unknown(command, "no answer")

    def _unknown(self, command: Command, reason: str) -> None:
        self._offer(self._about(OutcomeUnknownReport, command, reason))

    def _about(self, kind: type[Any], command: Command, reason: str) -> Report:
        what: Literal["submit", "cancel"] = "submit" if isinstance(command, SubmitOrder) else "cancel"
        report: Report = kind(
            ts_event=self._world.now, account=ACCOUNT, instrument=BTC, command=what, reason=reason,
            client_order_id=command.client_order_id, venue_order_id=None,
        )  # fmt: skip
        return report

    def _say(self, life: int, report: Report) -> None:
        if life == self.life:
            self._offer(report)

    # the account's stream

    def stream(self, report: Report) -> None:
        """The venue tells of an event, to whoever is connected."""
        world, weather = self._world, self._world.weather
        if not self.is_up:
            return
        if world.chance(weather.lose_report):
            world.counts["reports lost"] += 1
            return
        if isinstance(report, FillReport) and world.chance(weather.unnamed):
            report = msgspec.structs.replace(report, client_order_id=None)
        for _ in range(2 if world.chance(weather.duplicate) else 1):
            world.after(self._delay(), self._streamed, self.life, self._connection, report)

    def notice(self, transfer: CashTransferred) -> None:
        """The stream tells of money; it is lost only with its connection, and never late."""
        if self.is_up:
            pause = self._world.random.randrange(1, 20) * MS
            self._world.after(pause, self._streamed, self.life, self._connection, transfer)

    def _streamed(self, life: int, connection: int, report: Message) -> None:
        if life == self.life and connection == self._connection:
            self._offer(report)

    # questions

    def _ask(self, query: QueryOrder) -> None:
        """One question an order at a time."""
        if query.client_order_id in self._asking:
            return
        self._number += 1
        number = self._asking[query.client_order_id] = self._number
        self._world.counts["order queries"] += 1
        if self._world.chance(self._world.weather.lose_answer):
            self._world.after(2 * ANSWER_NS, self._asked, query, number)
        else:
            self._world.after(self._delay(), self._look_up, query, number)

    def _look_up(self, query: QueryOrder, number: int) -> None:
        answers = self._world.exchange.order(query)
        self._world.after(self._delay(), self._asked, query, number, *answers)

    def _asked(self, query: QueryOrder, number: int, *answers: Report) -> None:
        if self._asking.get(query.client_order_id) != number:
            return
        del self._asking[query.client_order_id]
        for answer in answers:
            self._offer(answer)

    def _read(self, life: int) -> None:
        query, self._wanted = self._wanted, None
        self._is_reading = query is not None
        if query is not None:
            self._world.counts["statements asked"] += 1
            self._world.after(self._delay(), self._read_orders, life, query)

    def _has_part(self) -> bool:
        return not self._world.chance(self._world.weather.partial)

    def _read_orders(self, life: int, query: QueryAccount) -> None:
        if life == self.life:
            part = self._world.exchange.orders(query) if self._has_part() else None
            self._world.after(self._delay(), self._read_fills, life, query, part)

    def _read_fills(self, life: int, query: QueryAccount, orders: OrdersEvidence | None) -> None:
        if life == self.life:
            part = self._world.exchange.fills(query) if self._has_part() else None
            self._world.after(self._delay(), self._read_balances, life, query, orders, part)

    def _read_balances(
        self, life: int, query: QueryAccount, orders: OrdersEvidence | None, fills: FillsEvidence | None
    ) -> None:
        if life != self.life:
            return
        balances: BalancesEvidence | None = None
        if self._has_part():
            balances = self._world.exchange.balances(query)
        statement = self._world.exchange.statement(orders, fills, balances)
        self._world.after(self._delay(), self._stated, life, statement)

    def _stated(self, life: int, statement: AccountEvidence) -> None:
        if life != self.life:
            return
        if not self._world.chance(self._world.weather.lose_answer):
            self._offer(statement)
        if self._wanted is not None:
            self._read(life)
        else:
            self._is_reading = False


def _short(report: Report | None) -> str:
    return "nothing" if report is None else f"{type(report).__name__} {report.venue_order_id or ''}"
