"""Projections: the rows that a step's messages become. Pure: messages in, named statements with values out.

Every statement may run twice for the same step and leave the same rows, so what was applied up to some seq
can be applied again from an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from actors.messages import MESSAGES
from actors.messages.account import (
    AccountSnapshot,
    BalanceChanged,
    CashTransferred,
    DifferenceFound,
    PositionChanged,
    TradeClosed,
)
from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.base import Message
from actors.messages.clearing import MarginCalled, PositionCharged
from actors.messages.control import (
    BooksRestored,
    CommandDone,
    HealthReported,
    KillFileSeen,
    LimitChanged,
    OperatorCommand,
    StateChanged,
    StepFailed,
    StrategyFailed,
)
from actors.messages.corrections import FillCorrected
from actors.messages.margin import OrderHeld
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    ReplaceRequest,
    SpecialTerms,
    SubmitOrder,
)
from actors.store.alerts import notice_of

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_17 = ", ".join("?" * 17)
_UPDATED = "seq_updated = ?, ts_updated = ?"
_NEW_TRAIL = "CASE WHEN ? IS NULL THEN special ELSE json_set(special, '$.trail', ?) END"

STATEMENTS: dict[str, str] = {
    "order_made": (
        "INSERT INTO orders (client_order_id, account, strategy, instrument, side, order_type, quantity,"
        " price, stop_price, time_in_force, replaces, special, status, seq_created, ts_created, seq_updated,"
        " ts_updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (client_order_id) DO UPDATE SET status = excluded.status,"
        " seq_updated = excluded.seq_updated, ts_updated = excluded.ts_updated"
    ),
    "replace_wanted": (
        "INSERT INTO orders (client_order_id, account, strategy, instrument, side, order_type, quantity,"
        " price, stop_price, time_in_force, replaces, special, status, seq_created, ts_created, seq_updated,"
        " ts_updated) SELECT ?, account, strategy, instrument, side, order_type, ?, ?, ?, time_in_force,"
        f" client_order_id, {_NEW_TRAIL}, 'wanted', ?, ?, ?, ? FROM orders WHERE client_order_id = ?"
        " ON CONFLICT (client_order_id) DO NOTHING"
    ),
    "replace_approved": "DELETE FROM orders WHERE client_order_id = ? AND status IN ('wanted', 'held')",
    "order_denied": (
        "INSERT INTO orders (client_order_id, account, strategy, instrument, status, reason,"
        " seq_created, ts_created, seq_updated, ts_updated) VALUES (?, ?, ?, ?, 'denied', ?, ?, ?, ?, ?)"
        " ON CONFLICT (client_order_id) DO UPDATE SET status = 'denied', reason = excluded.reason,"
        " seq_updated = excluded.seq_updated, ts_updated = excluded.ts_updated"
    ),
    "order_accepted": (
        f"UPDATE orders SET venue_order_id = ?, {_UPDATED},"
        " status = CASE WHEN filled = '0' THEN 'accepted' ELSE 'partially_filled' END"
        " WHERE client_order_id = ?"
    ),
    "order_status": f"UPDATE orders SET status = ?, reason = ?, {_UPDATED} WHERE client_order_id = ?",
    "order_ended": (
        f"UPDATE orders SET status = ?, reason = ?, filled = ?, {_UPDATED} WHERE client_order_id = ?"
    ),
    "order_filled": (
        f"UPDATE orders SET status = ?, filled = exact_minus(quantity, ?), venue_order_id = ?, {_UPDATED}"
        " WHERE client_order_id = ?"
    ),
    "order_replaced": (
        f"UPDATE orders SET quantity = ?, price = ?, stop_price = ?, special = {_NEW_TRAIL}, {_UPDATED}"
        " WHERE client_order_id = ?"
    ),
    "order_corrected": f"UPDATE orders SET filled = ?, {_UPDATED} WHERE client_order_id = ?",
    "fill": f"INSERT OR IGNORE INTO fills VALUES ({_17})",
    "fill_corrected": f"INSERT OR REPLACE INTO fills VALUES ({_17})",
    "correction": f"INSERT OR REPLACE INTO corrections VALUES ({_17})",
    "position": "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "balance": "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?, ?)",
    "trade": "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "equity": "INSERT OR REPLACE INTO equity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "transfer": "INSERT OR IGNORE INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?)",
    "alert": "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?)",
    "approval_asked": "INSERT OR REPLACE INTO approvals VALUES (?, ?, 'pending', ?, NULL, ?, ?)",
    "approval_settled": "UPDATE approvals SET status = ?, settled_by = ? WHERE approval_id = ?",
    "audit": "INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


class Row(NamedTuple):
    """One statement and its values."""

    statement: str
    values: tuple[Any, ...]


class At(NamedTuple):
    """Where a message stands: input, its time, and the message's place in the step (0 is the input)."""

    seq: int
    ts: int
    n: int


def exact_minus(a: str | None, b: str | None) -> str | None:
    """a − b of decimal texts, for use in SQL."""
    return None if a is None or b is None else _text(_EXACT.subtract(Decimal(a), Decimal(b)))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else "0" if not value else format(_EXACT.normalize(value), "f")


def _special(special: SpecialTerms | None) -> str | None:
    """What an order has that not every venue knows, as JSON."""
    return None if special is None else msgspec.json.encode(special.said()).decode()


def _made(status: str) -> Callable[[Any, At], Iterator[Row]]:
    def rows(m: OrderIntent | OrderHeld | ApprovedOrder | SubmitOrder, at: At) -> Iterator[Row]:
        t = m.terms
        yield Row(
            "order_made",
            (
                t.client_order_id, t.account, t.strategy, t.instrument, t.side, t.order_type,
                _text(t.quantity), _text(t.price), _text(t.stop_price), t.time_in_force, t.replaces,
                _special(t.special), status, at.seq, at.ts, at.seq, at.ts,
            ),
        )  # fmt: skip

    return rows


def _replace_wanted(m: ReplaceRequest, at: At) -> Iterator[Row]:
    """Its terms, in case it is denied: approved, it becomes new terms of the order or an order of its own."""
    prices = (_text(m.price), _text(m.stop_price), *[_text(m.trail)] * 2)
    new = (m.new_client_order_id, _text(m.quantity), *prices)
    yield Row("replace_wanted", (*new, at.seq, at.ts, at.seq, at.ts, m.client_order_id))


def _replace_approved(m: ApprovedReplace, at: At) -> Iterator[Row]:
    yield Row("replace_approved", (m.new_client_order_id,))


def _denied(m: OrderDenied, at: At) -> Iterator[Row]:
    where = (m.client_order_id, m.account, m.strategy, m.instrument)
    yield Row("order_denied", (*where, m.reason, at.seq, at.ts, at.seq, at.ts))


def _accepted(m: OrderAccepted, at: At) -> Iterator[Row]:
    yield Row("order_accepted", (m.venue_order_id, at.seq, at.ts, m.client_order_id))


def _rejected(m: OrderRejected, at: At) -> Iterator[Row]:
    yield Row("order_status", ("rejected", f"{m.code}: {m.text}", at.seq, at.ts, m.client_order_id))


def _unknown(m: OrderOutcomeUnknown, at: At) -> Iterator[Row]:
    yield Row("order_status", ("unknown", f"{m.command}: {m.reason}", at.seq, at.ts, m.client_order_id))
    yield from _noted(m, at)


def _ended(m: OrderCancelled | OrderExpired, at: At) -> Iterator[Row]:
    status, reason = ("expired", m.reason) if isinstance(m, OrderExpired) else ("cancelled", "")
    yield Row("order_ended", (status, reason, _text(m.filled_quantity), at.seq, at.ts, m.client_order_id))


def _replaced(m: OrderReplaced, at: At) -> Iterator[Row]:
    terms = (_text(m.quantity), _text(m.price), _text(m.stop_price), *[_text(m.trail)] * 2)
    yield Row("order_replaced", (*terms, at.seq, at.ts, m.client_order_id))


def _filled(m: OrderFilled, at: At) -> Iterator[Row]:
    status = "partially_filled" if m.remaining else "filled"
    order = (status, _text(m.remaining), m.venue_order_id, at.seq, at.ts, m.client_order_id)
    yield Row("order_filled", order)
    yield Row(
        "fill",
        (
            m.account, m.instrument, m.venue_order_id, m.trade_id, m.client_order_id, m.strategy, m.side,
            _text(m.quantity), _text(m.price), _text(m.fee), m.fee_currency, m.liquidity, m.mid_price,
            m.ts_event, at.seq, m.revision, int(m.fee_known),
        ),
    )  # fmt: skip
    if not m.fee_known:
        yield from _noted(m, at)


def _corrected(m: FillCorrected, at: At) -> Iterator[Row]:
    about = (m.account, m.instrument, m.venue_order_id, m.trade_id, m.client_order_id, m.strategy)
    was, is_ = m.before, m.after
    figures = (_text(is_.quantity), _text(is_.price), _text(is_.fee), is_.fee_currency)
    yield Row("order_corrected", (_text(m.filled_quantity), at.seq, at.ts, m.client_order_id))
    known = (m.liquidity, m.mid_price, m.ts_filled, at.seq, m.revision, int(m.fee_known))
    yield Row("fill_corrected", (*about, m.side, *figures, *known))
    former = map(_text, (was.quantity, was.price, was.fee))
    yield Row("correction", (at.seq, at.n, *about, m.revision, *former, *figures, at.ts))
    yield from _noted(m, at)


def _position(m: PositionChanged, at: At) -> Iterator[Row]:
    amounts = (m.quantity, m.entry_price_average, m.realised_pnl, m.account_quantity)
    yield Row("position", (m.account, m.strategy, m.instrument, *map(_text, amounts), at.ts, at.seq))


def _balance(m: BalanceChanged, at: At) -> Iterator[Row]:
    yield Row("balance", (m.account, m.asset, _text(m.total), at.ts, at.seq))


def _trade(m: TradeClosed, at: At) -> Iterator[Row]:
    amounts = map(_text, (m.quantity, m.entry_price, m.exit_price, m.realised_pnl, m.fees))
    where = (at.seq, at.n, m.account, m.strategy, m.instrument, m.direction)
    yield Row("trade", (*where, *amounts, m.ts_opened, m.ts_event))


def _equity(m: AccountSnapshot, at: At) -> Iterator[Row]:
    figures = (m.equity, m.cash, m.unrealised_pnl, m.realised_pnl, m.fees, m.drawdown)
    yield Row("equity", (at.seq, at.n, m.account, m.currency, *figures, at.ts))


def _transfer(m: CashTransferred, at: At) -> Iterator[Row]:
    yield Row("transfer", (m.account, m.transfer_id, m.asset, _text(m.amount), m.reason, at.ts, at.seq))


def _charge(m: PositionCharged, at: At) -> Iterator[Row]:
    charge_id = f"{m.kind}:{m.instrument or m.asset}:{m.charge_id}"
    yield Row("transfer", (m.account, charge_id, m.asset, _text(m.amount), m.kind, at.ts, at.seq))


def _noted(m: Message, at: At) -> Iterator[Row]:
    notice = notice_of(m)
    if notice is not None and notice.severity != "info":
        yield Row("alert", (at.seq, at.n, *notice, at.ts))


def _command(m: OperatorCommand, at: At) -> Iterator[Row]:
    yield _audit(at, type(m).__name__, m.by, m.command_id, str(m.scope), _arguments(m))


def _arguments(m: OperatorCommand) -> str:
    """What a command says beyond who, where and when."""
    own = [name for name in m.__struct_fields__ if name not in ("ts_event", "scope", "command_id", "by")]
    return ", ".join(f"{name}={getattr(m, name)}" for name in own)


def _command_done(m: CommandDone, at: At) -> Iterator[Row]:
    text = m.text if m.accepted else f"refused: {m.text}"
    yield _audit(at, "CommandDone", "core", m.command_id, "", text)


def _state(m: StateChanged, at: At) -> Iterator[Row]:
    yield _audit(at, "StateChanged", "core", "", str(m.scope), f"{m.state}: {m.reason}")
    yield from _noted(m, at)


def _approval_asked(m: ApprovalAsked, at: At) -> Iterator[Row]:
    yield Row("approval_asked", (m.approval_id, m.what, m.asked_by, at.ts, at.seq))
    yield _audit(at, "ApprovalAsked", m.asked_by, m.approval_id, "", m.what)


def _approval_settled(m: ApprovalSettled, at: At) -> Iterator[Row]:
    status = "approved" if m.is_granted else "refused"
    yield Row("approval_settled", (status, m.by, m.approval_id))
    yield _audit(at, "ApprovalSettled", m.by, m.approval_id, "", f"{status}: {m.text}")


def _limit(m: LimitChanged, at: At) -> Iterator[Row]:
    text = f"{m.limit} is {m.value}, was {m.former}: {m.reason}"
    yield _audit(at, "LimitChanged", "core", "", str(m.scope), text)


def _kill_file(m: KillFileSeen, at: At) -> Iterator[Row]:
    yield _audit(at, "KillFileSeen", "file", "", "all", "is there" if m.is_there else "is gone")


def _restored(m: BooksRestored, at: At) -> Iterator[Row]:
    yield _audit(at, "BooksRestored", "recovery", "", "all", f"from a backup of store {m.store_id}")


def _audit(at: At, kind: str, by: str, command_id: str, scope: str, text: str) -> Row:
    return Row("audit", (at.seq, at.n, kind, by, command_id, scope, text, at.ts))


_ROWS: dict[type[Message], Callable[[Any, At], Iterator[Row]]] = {
    OrderIntent: _made("requested"),
    OrderHeld: _made("held"),
    ApprovedOrder: _made("approved"),
    SubmitOrder: _made("submitted"),
    ReplaceRequest: _replace_wanted,
    ApprovedReplace: _replace_approved,
    OrderDenied: _denied,
    OrderAccepted: _accepted,
    OrderRejected: _rejected,
    OrderOutcomeUnknown: _unknown,
    OrderCancelled: _ended,
    OrderExpired: _ended,
    OrderReplaced: _replaced,
    OrderFilled: _filled,
    FillCorrected: _corrected,
    PositionChanged: _position,
    BalanceChanged: _balance,
    TradeClosed: _trade,
    AccountSnapshot: _equity,
    CashTransferred: _transfer,
    PositionCharged: _charge,
    MarginCalled: _noted,
    DifferenceFound: _noted,
    StrategyFailed: _noted,
    StepFailed: _noted,
    HealthReported: _noted,
    CommandDone: _command_done,
    StateChanged: _state,
    ApprovalAsked: _approval_asked,
    ApprovalSettled: _approval_settled,
    LimitChanged: _limit,
    KillFileSeen: _kill_file,
    BooksRestored: _restored,
    **{kind: _command for kind in MESSAGES if issubclass(kind, OperatorCommand)},
}

INPUT_KINDS = frozenset(
    kind
    for kind in _ROWS
    if issubclass(kind, OperatorCommand | CashTransferred | HealthReported | KillFileSeen | BooksRestored)
)
"""Inputs that become rows themselves; of all others only what their step sent does."""


def audit_hash(previous: bytes, values: Sequence[Any]) -> bytes:
    """Hash of an audit row and, through the row before, of all before it."""
    return blake2b(previous + msgspec.msgpack.encode(list(values)), digest_size=16).digest()


class Projector:
    """Turns steps into rows; keeps the newest audit hash, which the next audit row continues."""

    def __init__(self, audit_end: bytes = b"") -> None:
        self.audit_end = audit_end

    def rows(self, seq: int, ts_init: int, message: Message, sent: Sequence[Message]) -> list[Row]:
        """Rows of one step, in order."""
        found: list[Row] = []
        if message.__class__ in INPUT_KINDS:
            found.extend(_ROWS[message.__class__](message, At(seq, ts_init, 0)))
        for n, each in enumerate(sent, 1):
            make = _ROWS.get(each.__class__)
            if make is not None:
                found.extend(make(each, At(seq, ts_init, n)))
        return [self._chained(row) if row.statement == "audit" else row for row in found]

    def _chained(self, row: Row) -> Row:
        self.audit_end = audit_hash(self.audit_end, row.values)
        return Row(row.statement, (*row.values, self.audit_end))
