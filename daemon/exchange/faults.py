"""Scripted faults: what goes wrong next, how often, and for whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from actors.errors import UsageError

Target = Literal["streams", "ws_api", "user_data", "all"]


class Kind(NamedTuple):
    """A kind of fault: what happens, and what may be said of it besides how often."""

    meaning: str
    fields: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """What `method` may name."""
    is_at_once: bool = False
    """It happens when it is posted; all others wait for what they match."""


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
    """What the protocol calls a request or a message: `order.place`, `placeOrder`."""
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

    def __init__(
        self, kinds: Mapping[str, Kind], *, symbols: Collection[str], accounts: Collection[str]
    ) -> None:
        """`kinds` are those of a protocol."""
        self.kinds = kinds
        self._known = {"symbol": symbols, "account": accounts}
        self._waiting: dict[int, Fault] = {}
        self._last_id = 0
        self.happened: dict[str, int] = {}

    def add(self, fault: Fault) -> Fault:
        """Let it wait for what it matches.

        Raises:
            UsageError: It can never happen.
        """
        kind = self.kinds.get(fault.kind)
        if kind is None:
            raise UsageError(f"there is no fault {fault.kind!r}: write one of {', '.join(self.kinds)}")
        if fault.count < 1:
            raise UsageError(f"count is {fault.count}: write 1 or more")
        for field, value in _said(fault):
            if field not in kind.fields:
                takes = ", ".join(("count", *kind.fields))
                raise UsageError(f"the fault {fault.kind} takes no {field}: it takes {takes}")
            known = kind.methods if field == "method" else self._known.get(field)
            if known is not None and value not in known:
                advice = ", ".join(known) or "none, there is none"
                raise UsageError(f"the fault {fault.kind} knows no {field} {value!r}: write one of {advice}")
        self._last_id += 1
        fault.id = self._last_id
        if not kind.is_at_once:
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
        return self.kinds[fault.kind].is_at_once

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


def _said(fault: Fault) -> Iterator[tuple[str, object]]:
    """What it says besides its kind and how often."""
    for field in msgspec.structs.fields(fault):
        value = getattr(fault, field.name)
        if field.name not in ("kind", "count", "id") and value != field.default:
            yield field.name, value
