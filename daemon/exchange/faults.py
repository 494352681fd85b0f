"""Scripted faults: what goes wrong next, how often, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import msgspec

from actors.errors import UsageError

FaultKind = Literal[
    "accept_and_lose",
    "lose_request",
    "delay_reply",
    "error_before",
    "error_after",
    "rate_limit_storm",
    "swallow_report",
    "duplicate_report",
    "reorder_reports",
    "hide_order",
    "stale_open_orders",
    "rename_on_cancel",
    "depth_gap",
    "stall",
    "drop",
    "refuse_connection",
    "clock_skew",
    "partial_fill_then_disconnect",
    "server_shutdown",
]
Target = Literal["streams", "ws_api", "user_data", "all"]

MEANING: dict[str, str] = {
    "accept_and_lose": "the request is carried out, its reply never sent (REST: the connection is cut)",
    "lose_request": "the request never arrives, no reply is sent (REST: the connection is cut)",
    "delay_reply": "the reply is sent `milliseconds` late",
    "error_before": "refused with `status` (503) and `code` (-1008) before anything happens",
    "error_after": "carried out, then answered with `status` (503) and `code` (-1007)",
    "rate_limit_storm": "429 with Retry-After of `milliseconds` or, without, until the next minute",
    "swallow_report": "an executionReport is never sent (`method` matches its x: NEW, TRADE, …)",
    "duplicate_report": "an executionReport is sent twice",
    "reorder_reports": "an executionReport is held back until the next one has been sent",
    "hide_order": "order.status answers -2013 until the order is `milliseconds` old",
    "stale_open_orders": "openOrders shows what was open `milliseconds` ago",
    "rename_on_cancel": "a cancelled order is only found by its id or by the id of its cancel",
    "depth_gap": "a depth event of the streams is lost",
    "stall": "connections of `target` say nothing for `milliseconds`, then everything at once",
    "drop": "connections of `target` are cut",
    "refuse_connection": "a WebSocket handshake is answered 503 (`method`: streams or ws_api)",
    "clock_skew": "the exchange's clock is `milliseconds` ahead from now on",
    "partial_fill_then_disconnect": "an order fills in part, then its account's connections are cut",
    "server_shutdown": "connections of `target` get serverShutdown and are closed soon after",
}
AT_ONCE = frozenset({"stall", "drop", "clock_skew", "server_shutdown"})
"""These happen when they are posted; all others wait for what they match."""


class Subject(NamedTuple):
    """What is about to happen, as far as a fault may ask."""

    symbol: str | None = None
    method: str | None = None
    account: str | None = None


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault as it is posted; fields that are None match everything."""

    kind: str
    count: int = 1
    """How often it will still happen."""
    symbol: str | None = None
    method: str | None = None
    """Name in the WebSocket API (`order.place`), whichever way the request came."""
    account: str | None = None
    milliseconds: int = 0
    status: int = 503
    code: int | None = None
    target: Target = "all"
    id: int = 0

    def matches(self, subject: Subject) -> bool:
        """Whether it is meant for this."""
        return (
            self.symbol in (None, subject.symbol)
            and self.method in (None, subject.method)
            and self.account in (None, subject.account)
        )


class FaultBook:
    """All faults that still wait, oldest first."""

    def __init__(self, meaning: Mapping[str, str] = MEANING, at_once: frozenset[str] = AT_ONCE) -> None:
        """`meaning` has the kinds of a protocol; those of `at_once` happen when they are posted."""
        self.meaning, self._at_once = meaning, at_once
        self._waiting: dict[int, Fault] = {}
        self._last_id = 0
        self.happened: dict[str, int] = {}

    def add(self, fault: Fault) -> Fault:
        """Let it wait for what it matches.

        Raises:
            UsageError: It can never happen.
        """
        if fault.kind not in self.meaning:
            raise UsageError(f"there is no fault {fault.kind!r}: GET /faults lists the kinds")
        if fault.count < 1:
            raise UsageError(f"count is {fault.count}: write 1 or more")
        self._last_id += 1
        fault.id = self._last_id
        if not self.is_at_once(fault):
            self._waiting[fault.id] = fault
        return fault

    def take(self, kind: str, subject: Subject, *, younger_ms: int | None = None) -> Fault | None:
        """The oldest fault of this kind that matches; it has happened once more.

        Args:
            younger_ms: Age of what it is about; only faults with more `milliseconds` than that match.
        """
        if not self._waiting:
            return None
        for fault in self._waiting.values():
            if younger_ms is not None and younger_ms >= fault.milliseconds:
                continue
            if fault.kind == kind and fault.matches(subject):
                fault.count -= 1
                if fault.count <= 0:
                    del self._waiting[fault.id]
                self.note(kind)
                return fault
        return None

    def is_at_once(self, fault: Fault) -> bool:
        """Whether it happens when it is posted."""
        return fault.kind in self._at_once

    def note(self, kind: str) -> None:
        """Count a fault that has happened."""
        self.happened[kind] = self.happened.get(kind, 0) + 1

    def waiting(self) -> list[Fault]:
        """Oldest first."""
        return list(self._waiting.values())

    def clear(self, fault_id: int | None = None) -> int:
        """Take back one fault, or all of them; how many there were."""
        if fault_id is not None:
            return 1 if self._waiting.pop(fault_id, None) else 0
        count = len(self._waiting)
        self._waiting.clear()
        return count


assert set(MEANING) == set(get_args(FaultKind))
