"""Goals: flatten and cancel-all stand until met, across restarts; what they need next is worked out here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from actors.messages.control import Scope
from actors.messages.orders import Side
from actors.model.instrument import Instrument
from actors.model.money import ZERO, round_to_lot, to_decimal
from actors.oms.order import Order

PAUSE_NS = 1_000_000_000
PAUSE_NS_MAX = 60_000_000_000

PositionKey = tuple[str, str, str]
"""Account, strategy, instrument."""


class Goal(msgspec.Struct, kw_only=True, array_like=True):
    """Something the operator wants done, however often it takes."""

    scope: Scope
    kind: Literal["flatten", "cancel"]
    seq: int
    """A cancel goal means the orders that were there when it was set."""
    attempts: int = 0
    """Drives without progress since the last one that made some."""
    closing: list[str] = []
    """Orders of ours that close positions for this goal."""
    timer_id: int = 0


class Closing(NamedTuple):
    """A reduction that a flatten goal needs now."""

    account: str
    strategy: str
    instrument: str
    side: Side
    quantity: Decimal


def pause_ns(attempts: int) -> int:
    """Back-off of a goal whose attempts lead nowhere."""
    return int(min(PAUSE_NS << min(attempts, 10), PAUSE_NS_MAX))


def in_scope(goal: Goal, order: Order) -> bool:
    """Whether the order falls into the goal's scope."""
    terms = order.terms
    return goal.scope.covers(terms.account, terms.strategy, terms.instrument)


def to_cancel(goal: Goal, orders: Iterable[Order], closing: Mapping[str, object]) -> list[Order]:
    """Open orders in the goal's way; orders that close positions for a goal are not."""
    return [
        order
        for order in orders
        if in_scope(goal, order)
        and order.terms.client_order_id not in closing
        and (goal.kind == "flatten" or order.created_seq <= goal.seq)
    ]


def tradable(quantity: Decimal, instrument: Instrument, mark_price: float | None) -> Decimal:
    """What of a quantity the venue would take as one market order; 0 when it is too small."""
    lots = round_to_lot(quantity, instrument.lot_size)
    if instrument.quantity_max is not None:
        lots = min(lots, round_to_lot(instrument.quantity_max, instrument.lot_size))
    if lots <= ZERO or lots < instrument.quantity_min:
        return ZERO
    if (
        mark_price is not None
        and lots * instrument.multiplier * to_decimal(mark_price) < instrument.notional_min
    ):
        return ZERO
    return lots


def reductions(orders: Iterable[Order], account: str, instrument: str, side: Side) -> Decimal:
    """What open and unknown orders of one side may still take from a position of the account."""
    return sum(
        (
            order.remaining
            for order in orders
            if (order.terms.account, order.terms.instrument, order.terms.side) == (account, instrument, side)
        ),
        ZERO,
    )


class FlattenPlan(NamedTuple):
    """Reductions to send now, and whether anything that could be traded is left at all."""

    closings: list[Closing]
    is_flat: bool


def plan_flatten(
    scope: Scope,
    own: Mapping[PositionKey, Decimal],
    net: Mapping[tuple[str, str], Decimal],
    orders: list[Order],
    instruments: Mapping[str, Instrument],
    marks: Mapping[str, float | None],
) -> FlattenPlan:
    """Close each strategy's position as far as it is part of the account's, less all reductions under way.

    A strategy's position against the account's net cannot be reduced: closing it would open one at the venue.
    """
    closings: list[Closing] = []
    is_flat = True
    free: dict[tuple[str, str], Decimal] = {}
    for key, quantity in own.items():
        account, strategy, instrument_id = key
        held = net.get((account, instrument_id), ZERO)
        if not quantity or not scope.covers(*key) or (quantity > ZERO) != (held > ZERO) or not held:
            continue
        instrument, mark = instruments.get(instrument_id), marks.get(instrument_id)
        if instrument is None or not tradable(min(abs(quantity), abs(held)), instrument, mark):
            continue
        is_flat = False
        side: Side = "sell" if held > ZERO else "buy"
        pair = (account, instrument_id)
        if pair not in free:
            free[pair] = abs(held) - reductions(orders, account, instrument_id, side)
        mine = [order for order in orders if order.terms.strategy == strategy]
        wanted = abs(quantity) - reductions(mine, account, instrument_id, side)
        size = tradable(min(wanted, free[pair]), instrument, mark)
        if size:
            free[pair] -= size
            closings.append(Closing(account, strategy, instrument_id, side, size))
    return FlattenPlan(closings, is_flat)
