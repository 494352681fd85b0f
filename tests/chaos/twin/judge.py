"""The judge: what the venue has, against what the record says and the books show."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from actors.messages.account import DifferenceFound, ExternalFillMoved, ExternalFillShown
from actors.messages.base import Message
from actors.messages.control import Scope
from actors.messages.corrections import FillCorrected
from actors.messages.orders import (
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    SubmitOrder,
)
from actors.oms.order import Order
from tests.chaos.twin.exchange import ACCOUNT, BTC, INSTRUMENT, Exchange
from tests.chaos.twin.line import Line
from tests.chaos.twin.process import Process
from tests.chaos.twin.world import Broken

D = Decimal
NEVER_TRUE = ("foreign_order", "opening")
"""Differences that nobody but us can have caused here; one of a balance may be seen while a fill waits for
the answer that names its order, or a transfer for its notice, and must be gone at the end."""
QUIET = ("accepted", "partially_filled")


def check_exposure(process: Process, exchange: Exchange, line: Line) -> None:
    """At every moment: what may come of orders at the venue is within what risk counts."""
    exposure = process.core.risk._gate.exposure
    held = exposure.holdings.account_position(ACCOUNT, BTC)
    sides = exposure.open_sides(ACCOUNT, BTC)
    high = low = exchange.position
    untold = _untold(process, exchange)
    high, low = high - untold, low + untold
    for order in exchange.engine.open_orders(ACCOUNT):
        if not exchange.is_ours(order.client_order_id):
            continue
        if order.side == "buy":
            high += order.remaining
        else:
            low -= order.remaining
    for submit in line.flying.values():
        if exchange.now_ms <= submit.venue_timestamp_ms + submit.receive_window_ms:
            if submit.terms.side == "buy":
                high += submit.terms.quantity
            else:
                low -= submit.terms.quantity
    if held + sides.buys < high or held - sides.sells > low:
        raise Broken(f"risk counts {held - sides.sells} to {held + sides.buys}, the venue {low} to {high}")


def _untold(process: Process, exchange: Exchange) -> Decimal:
    """By how much executions were stated anew of which we cannot have heard yet."""
    if not exchange.corrected:
        return D(0)
    told = {each.report.trade_id: each.report.revision for each in process.core.oms.snapshot().booked}
    moved = (moved for name, (times, moved) in exchange.corrected.items() if told.get(name, 0) <= times)
    return sum(moved, D(0))


def check_end(process: Process, exchange: Exchange, line: Line) -> None:
    """After the trouble has ended and everything had its time."""
    sent = [message for _, messages in process.record for message in messages]
    _check_orders(process, exchange, line, sent)
    _check_fills(exchange, sent)
    _check_books(process, exchange)
    _check_states(process, sent)


def _check_orders(process: Process, exchange: Exchange, line: Line, sent: list[Message]) -> None:
    submitted = Counter(message.client_order_id for message in sent if isinstance(message, SubmitOrder))
    wire = Counter(message.client_order_id for message in line.wire)
    for name, count in (submitted + wire).items():
        if submitted[name] > 1 or wire[name] > 1:
            raise Broken(
                f"order id {name} was sent {wire[name]} times, recorded {submitted[name]} times ({count})"
            )
    if unrecorded := [name for name in wire if name not in submitted]:
        raise Broken(f"orders seen on the wire are not on the tape: {unrecorded}")
    if doubled := {name: ids for name, ids in exchange.accepted.items() if len(ids) > 1}:
        raise Broken(f"order ids carried two orders: {doubled}")
    _check_ids(exchange, sent)
    ends: Counter[str] = Counter()
    for message in sent:
        if isinstance(message, OrderRejected | OrderCancelled | OrderExpired):
            ends[message.client_order_id] += 1
            if isinstance(message, OrderRejected) and message.client_order_id in exchange.accepted:
                raise Broken(f"{message.client_order_id} was taken by the venue, to us it is {message.code}")
        elif isinstance(message, OrderFilled) and not message.remaining:
            ends[message.client_order_id] += 1
    ours: dict[str, Order] = {
        order.terms.client_order_id: order for order in process.core.oms.orders() if not order.is_closed
    }
    for name in submitted:
        if ends[name] + (name in ours) != 1:
            raise Broken(f"{name} has ended {ends[name]} times, and is{' ' if name in ours else ' not '}open")
    _check_open(ours, exchange)


def _check_ids(exchange: Exchange, sent: list[Message]) -> None:
    """What the venue calls an order is told, however little else was heard of it."""
    told = {m.client_order_id: m.venue_order_id for m in sent if isinstance(m, OrderAccepted)}
    for name, ids in exchange.accepted.items():
        if exchange.is_ours(name) and told.get(name) != ids[0]:
            raise Broken(f"{name} is {ids[0]} at the venue, and we have told {told.get(name)}")


def _check_open(ours: dict[str, Order], exchange: Exchange) -> None:
    theirs = {
        order.client_order_id: order
        for order in exchange.engine.open_orders(ACCOUNT)
        if exchange.is_ours(order.client_order_id)
    }
    if set(ours) != set(theirs):
        states = {name: order.state for name, order in ours.items() if name not in theirs}
        raise Broken(f"open to us only: {states}; open at the venue only: {sorted(set(theirs) - set(ours))}")
    for name, order in ours.items():
        if order.state not in QUIET or order.awaiting or order.asking:
            raise Broken(f"{name} is still {order.state}, awaiting {order.awaiting}, asking {order.asking}")
        if (order.filled, order.terms.quantity) != (theirs[name].filled_quantity, theirs[name].quantity):
            raise Broken(f"{name}: we have {order.filled} filled, the venue {theirs[name].filled_quantity}")


def _check_fills(exchange: Exchange, sent: list[Message]) -> None:
    stands = {each.trade_id: each.after for each in sent if isinstance(each, FillCorrected)}
    told = [each for each in sent if isinstance(each, OrderFilled)]
    orders = {each.trade_id: each.venue_order_id for each in sent if isinstance(each, FillCorrected)}
    orders |= {fill.trade_id: fill.venue_order_id for fill in told}
    figures = {fill.trade_id: fill for fill in told} | stands
    booked = Counter(
        (orders[name], name, now.quantity, now.price, now.fee)
        for name, now in figures.items()
        if now.quantity
    )
    there = Counter(
        (fill.venue_order_id, fill.trade_id, fill.quantity, fill.price, fill.fee)
        for fill in exchange.engine.fills(ACCOUNT)
        if exchange.is_ours(fill.client_order_id) and fill.quantity
    )
    if twice := [name for name, times in Counter(fill.trade_id for fill in told).items() if times > 1]:
        raise Broken(f"fills were told more than once: {twice}")
    if booked != there:
        raise Broken(f"fills not booked: {list(there - booked)}; too much: {list(booked - there)}")
    shown = Counter(message.trade_id for message in sent if isinstance(message, ExternalFillShown))
    moved = Counter(message.trade_id for message in sent if isinstance(message, ExternalFillMoved))
    if any(count - moved[trade_id] not in (0, 1) for trade_id, count in shown.items()):
        raise Broken(f"fills by hand were shown {dict(shown)}, taken back {dict(moved)}")
    ours = {
        fill.trade_id for fill in exchange.engine.fills(ACCOUNT) if exchange.is_ours(fill.client_order_id)
    }
    if wrong := sorted(ours & {trade_id for trade_id, count in shown.items() if count > moved[trade_id]}):
        raise Broken(f"our fills {wrong} are booked as somebody else's")


def _check_books(process: Process, exchange: Exchange) -> None:
    ledger = process.core.ledger
    if wrong := {asset: amount for asset, amount in ledger.trial_balance(ACCOUNT).items() if amount}:
        raise Broken(f"the trial balance is {wrong}")
    if wrong_balances := different_balances(process, exchange):
        raise Broken(wrong_balances)
    held = sum((position.quantity for position in ledger.positions(ACCOUNT)), D(0))
    if held != exchange.position:
        raise Broken(f"positions come to {held} {INSTRUMENT.base}, at the venue to {exchange.position}")


def count_needless(sent: list[Message]) -> int:
    """Differences of money or positions that were seen for a while."""
    return sum(isinstance(each, DifferenceFound) and each.kind in ("balance", "position") for each in sent)


def _check_states(process: Process, sent: list[Message]) -> None:
    for scope in (Scope(account=ACCOUNT), Scope(account=ACCOUNT, instrument=BTC)):
        state, reason = process.core.risk.state_of(scope)
        if state != "active":
            raise Broken(f"{scope} is {state}: {reason}")
    for message in sent:
        if isinstance(message, DifferenceFound) and message.kind in NEVER_TRUE:
            raise Broken(f"a difference was seen where there is none: {message}")
    if process.core.oms.unknown_since() is not None:
        raise Broken("an order's outcome is still unknown")


def different_balances(process: Process, exchange: Exchange) -> str | None:
    """Where our books and the venue do not agree to the last unit."""
    ours = {asset: total for asset, total in process.core.ledger.balances(ACCOUNT).items() if total}
    theirs = {asset: total for asset, total in exchange.totals().items() if total}
    return None if ours == theirs else f"balances by our books {ours}, at the venue {theirs}"


def unsettled(process: Process, exchange: Exchange, line: Line) -> str | None:
    """The first thing that is still open and that time alone should settle."""
    if not process.is_alive or not line.is_up:
        return "no connection"
    state, reason = process.core.risk.state_of(Scope(account=ACCOUNT))
    if state != "active":
        return f"the account is {state}: {reason}"
    for order in process.core.oms.orders():
        if not order.is_closed and (order.state not in QUIET or order.awaiting or order.asking):
            name = order.terms.client_order_id
            return f"{name} is {order.state}, awaiting {order.awaiting}, asking {order.asking}"
    return different_balances(process, exchange)
