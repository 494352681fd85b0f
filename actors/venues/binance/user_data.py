"""User data events: each once, translated, handed on in the order in which they came."""

from __future__ import annotations

import msgspec
import structlog

from actors.messages.base import Message
from actors.venues.binance import translate_orders as translate
from actors.venues.binance.queries import KnownOrders
from actors.venues.binance.wire import BALANCE_UPDATE, EVENT_NAME, EXECUTION_REPORT
from actors.venues.ports import Intake

log = structlog.get_logger(__name__)

SEEN_MAX = 4096
"""Execution ids remembered: while a connection is renewed every event comes twice."""

ENDED = "eventStreamTerminated"
PASSED_OVER = ("outboundAccountPosition", "listStatus", "externalLockUpdate", "serverShutdown")
"""Balances are taken from statements, the rest concerns order kinds that we do not place."""


class UserData:
    """The account's event stream."""

    def __init__(self, *, account: translate.Account, known: KnownOrders, intake: Intake) -> None:
        self.known = known
        self.repeated_events = 0
        self.unknown_events = 0
        self._account = account
        self._intake = intake
        self._seen: dict[tuple[str, int, int], None] = {}

    def take(self, raw: msgspec.Raw) -> str:
        """Hand one event on; a text says why the stream cannot be relied on any more."""
        try:
            name = EVENT_NAME.decode(raw).event
            message = self._message(name, raw)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            log.error("unreadable user data", payload=bytes(raw)[:500].decode(errors="replace"))
            return f"unreadable user data: {type(error).__name__}"
        if message is not None:
            self._intake.offer(message)
        return "the venue ended the user data" if name == ENDED else ""

    def _message(self, name: str, raw: msgspec.Raw) -> Message | None:
        if name == "executionReport":
            return self._execution(raw)
        if name == "balanceUpdate":
            return translate.transfer_of(BALANCE_UPDATE.decode(raw), self._account)
        if name != ENDED and name not in PASSED_OVER:
            self._count_unknown(name)
        return None

    def _execution(self, raw: msgspec.Raw) -> Message | None:
        event = EXECUTION_REPORT.decode(raw)
        if event.execution_id >= 0:
            key = (event.symbol, event.order_id, event.execution_id)
            if key in self._seen:
                self.repeated_events += 1
                return None
            self._seen[key] = None
            if len(self._seen) > SEEN_MAX:
                del self._seen[next(iter(self._seen))]
        self.known.learn(translate.order_id_of(event), str(event.order_id))
        report = translate.report_of(event, self._account)
        if report is None:
            self._count_unknown(f"executionReport {event.execution} {event.status}")
        return report

    def _count_unknown(self, name: str) -> None:
        self.unknown_events += 1
        if self.unknown_events == 1:
            log.warning("unknown user data, counted from now on", name=name)
