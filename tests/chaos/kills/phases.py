"""Where in an order's life a kill fell: told from the tape it left behind and the exchange's own truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from actors.core.frames import CHAIN_BYTES, INPUT, STEP, Frame, StepReader, TornFrame, read_frames
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.orders import (
    CancelOrder,
    CancelReport,
    NotSent,
    OutcomeUnknownReport,
    QueryAccount,
    QueryOrder,
    RejectReport,
    Report,
    StatusReport,
    SubmitOrder,
)
from actors.store.layout import HEADER_BYTES, Part, list_parts, tape_folder
from daemon.exchange.truth import TrueAccount, Truth

IN_FLIGHT = ("submit under way", "submit at the venue, unanswered", "cancel unanswered")
"""Phases in which a command had left, or was about to, and its answer was not on the tape."""
QUIET = ("fill not on the tape yet", "question unanswered", "orders resting", "nothing open")
STARTING = ("starting, nothing written", "starting, part begun")
PHASES = (*IN_FLIGHT, *QUIET, *STARTING)
_STEPS = StepReader()
_KINDS: tuple[type[Message], ...] = (AccountEvidence, *Report.__subclasses__())
_REPORTS = tuple(msgspec.msgpack.encode(kind.__name__) for kind in _KINDS)


class TruthTail:
    """The exchange's truth, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self.sum = Truth()
        self.wire: list[str] = []
        """Client order ids of every submit that reached the exchange, refused or not."""
        self._placed: set[tuple[str, int]] = set()
        """At TWS the same number again is a change of an order."""

    def read_on(self) -> None:
        """Take the lines that are new and whole."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for raw in whole.splitlines():
            line: dict[str, Any] = msgspec.json.decode(raw)
            self.sum.take(line)
            if line["kind"] == "request":
                self._take_request(line)

    def _take_request(self, line: dict[str, Any]) -> None:
        if line["method"] == "order.place" and "params" in line:
            self.wire.append(line["params"]["newClientOrderId"])
        elif line["method"] == "placeOrder":
            placed = line["client_order_id"], line["order_id"]
            if placed not in self._placed:
                self._placed.add(placed)
                self.wire.append(placed[0])


def parts_of(state: Path) -> int:
    """How many parts the tape has."""
    return len(list_parts(tape_folder(state)))


def phase_of(state: Path, account: TrueAccount, *, was_active: bool, parts_before: int) -> str:
    """The most delicate thing that was going on when the newest life ended."""
    parts = list_parts(tape_folder(state))
    if not was_active:
        return STARTING[1] if len(parts) > parts_before else STARTING[0]
    open_commands, fills, asked, resting = _unanswered(parts[-1])
    accepted = {order.client_order_id for order in account.orders.values()}
    submits = [each for each in open_commands if isinstance(each, SubmitOrder)]
    if any(each.client_order_id not in accepted for each in submits):
        return IN_FLIGHT[0]
    if submits:
        return IN_FLIGHT[1]
    if open_commands:
        return IN_FLIGHT[2]
    ours = {each.client_order_id for each in resting}
    if any(t.client_order_id in ours and t.trade_id not in fills for t in account.trades):
        return QUIET[0]
    if asked:
        return QUIET[1]
    return QUIET[2] if resting else QUIET[3]


def _unanswered(
    part: Part,
) -> tuple[list[SubmitOrder | CancelOrder], set[str], bool, list[SubmitOrder]]:
    """Of a part: commands without an answer in it; trade ids; whether a question is open; submits."""
    submits: dict[str, SubmitOrder] = {}
    cancels: dict[str, CancelOrder] = {}
    sent: list[SubmitOrder] = []
    fills: set[str] = set()
    questions: set[str] = set()
    for message in _messages(part):
        match message:
            case SubmitOrder(client_order_id=name):
                submits[name] = message
                sent.append(message)
            case CancelOrder(client_order_id=name):
                cancels[name] = message
            case QueryOrder(client_order_id=name):
                questions.add(name)
            case QueryAccount():
                questions.add("")
            case AccountEvidence():
                questions.discard("")
            case Report(client_order_id=str(name)):
                submits.pop(name, None)
                if isinstance(message, StatusReport):
                    questions.discard(name)
                ends_cancel = CancelReport | NotSent | OutcomeUnknownReport | RejectReport | StatusReport
                if isinstance(message, ends_cancel):
                    cancels.pop(name, None)
                fills.add(getattr(message, "trade_id", ""))
    return [*submits.values(), *cancels.values()], fills, bool(questions), sent


def timed_messages(part: Part) -> Iterator[tuple[int, Message]]:
    """What steps of a part sent, and when, up to where it is whole."""
    for frame in _frames(part):
        if frame.kind == STEP:
            for message in _STEPS.messages(frame.payload[CHAIN_BYTES:]):
                yield frame.ts_init, message


def _messages(part: Part) -> Iterator[Message]:
    """Reports and commands of a part in order, up to where it is whole."""
    for frame in _frames(part):
        if frame.kind == STEP:
            yield from _STEPS.messages(frame.payload[CHAIN_BYTES:])
        elif frame.kind == INPUT and frame.payload.startswith(_REPORTS, 1):
            yield from _STEPS.messages(b"\x91" + frame.payload)


def _frames(part: Part) -> Iterator[Frame]:
    for segment in part.segments:
        try:
            yield from read_frames(segment.read(), HEADER_BYTES)
        except TornFrame:
            return


def orders_on_tape(state: Path) -> set[str]:
    """Client order ids of every submit on the tape, all parts."""
    return {
        message.client_order_id
        for part in list_parts(tape_folder(state))
        for message in _messages(part)
        if isinstance(message, SubmitOrder)
    }
