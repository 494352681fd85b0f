"""A venue's statement against our orders: what is new in it, said the way live reports would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from actors.messages.account import AccountEvidence, OrdersEvidence, VenueFill, VenueOrder
from actors.messages.orders import StatusReport
from actors.model.ids import looks_like_tickerd
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.model.venue_rules import VenueRules
from actors.oms.book import OrderBook
from actors.oms.order import Order
from actors.oms.settle import still_acceptable_until_ms

LISTED_UNTIL_GONE = ("accepted", "partially_filled", "pending_cancel", "pending_replace", "unknown")


class Listed(NamedTuple):
    """An order of ours in the statement, and its line read as an answer about it."""

    order: Order
    line: VenueOrder
    report: StatusReport


class Findings(NamedTuple):
    """What the list of open orders means for ours."""

    listed: list[Listed]
    missing: list[Order]
    """Accepted before the question, open in our books, not in the list, and nothing asked of it is open."""
    foreign: list[VenueOrder]
    """Under an id as tickerd makes them that our books do not know."""
    by_hand: list[VenueOrder]
    """Of somebody else, or of the operator."""


OpeningSigns = Literal["orders", "holdings"]
"""What makes an account used: orders as tickerd makes them, or also holdings of what we trade."""


def newer_parts(
    evidence: AccountEvidence, orders_asked: tuple[int, int], fills_asked: tuple[int, int]
) -> AccountEvidence:
    """The statement without late or repeated parts.

    Args:
        orders_asked: When the newest list used was asked for, and the venue's time: a step may ask twice.
        fills_asked: The same of fills.
    """
    orders, fills, time_ms = evidence.orders, evidence.fills, evidence.venue_time_ms
    return msgspec.structs.replace(
        evidence,
        orders=orders if orders is not None and (orders.asked_seq, time_ms) > orders_asked else None,
        fills=fills if fills is not None and (fills.asked_seq, time_ms) > fills_asked else None,
    )


def is_complete(evidence: AccountEvidence, began_seq: int) -> bool:
    """Whether orders, fills and balances were all answered, to questions on the present line."""
    return all(
        part is not None and part.asked_seq >= began_seq
        for part in (evidence.orders, evidence.fills, evidence.balances)
    )


def compare_orders(evidence: AccountEvidence, orders: OrdersEvidence, book: OrderBook) -> Findings:
    """Match the statement's open orders with the book."""
    listed: list[Listed] = []
    foreign: list[VenueOrder] = []
    by_hand: list[VenueOrder] = []
    seen: dict[str, None] = {}
    for line in orders.orders:
        report = _report_of(evidence, line)
        order = book.find(report)
        if order is not None:
            seen[order.terms.client_order_id] = None
            # A list from before the order closed says nothing about it.
            if not order.is_closed or order.closed_seq < orders.asked_seq:
                listed.append(Listed(order, line, report))
        elif line.client_order_id is not None and looks_like_tickerd(line.client_order_id):
            foreign.append(line)
        else:
            by_hand.append(line)
    missing = [
        order
        for order in book.of_account(evidence.account)
        if order.terms.client_order_id not in seen
        and 0 < order.accepted_seq < orders.asked_seq
        and order.state in LISTED_UNTIL_GONE
        and not order.is_question_open
    ]
    return Findings(listed, missing, foreign, by_hand)


def opening_signs(
    evidence: AccountEvidence,
    book: OrderBook,
    instruments: Mapping[str, Instrument],
    asked_about: OpeningSigns,
) -> list[str]:
    """Why books that are new may not simply begin here: somebody, perhaps we, has traded here before."""
    signs: list[str] = []
    orders = evidence.orders.orders if evidence.orders else ()
    fills = evidence.fills.fills if evidence.fills else ()
    lines: list[VenueOrder | VenueFill] = [*orders, *fills]
    for line in lines:
        name = line.client_order_id
        if name is not None and looks_like_tickerd(name) and book.get(name) is None:
            signs.append(f"order {name} of {line.instrument}")
    for instrument_id, quantity in (evidence.positions.quantity if evidence.positions else {}).items():
        if quantity:
            signs.append(f"{quantity} {instrument_id}")
    held = evidence.balances.total if asked_about == "holdings" and evidence.balances else {}
    quotes = dict.fromkeys(instrument.quote for instrument in instruments.values())
    for instrument in instruments.values():
        total = held.get(instrument.base, ZERO)
        if instrument.base not in quotes and total >= max(instrument.lot_size, instrument.quantity_min):
            signs.append(f"{total} {instrument.base}")
    return list(dict.fromkeys(signs))


def _report_of(evidence: AccountEvidence, line: VenueOrder) -> StatusReport:
    return StatusReport(
        ts_event=evidence.ts_event,
        account=evidence.account,
        instrument=line.instrument,
        client_order_id=line.client_order_id,
        venue_order_id=line.venue_order_id,
        status=line.status,
        filled_quantity=line.filled_quantity,
        fills_complete=False,
    )


def replace_took_place(order: Order, line: VenueOrder, rules: VenueRules, venue_time_ms: int) -> bool | None:
    """What a listed order says of a replace without an answer; None while it might still take effect."""
    wanted = order.replacing
    if wanted is None:
        return None
    told = line.stop_price in (None, wanted.stop_price) and line.trail in (None, wanted.trail)
    if told and (line.quantity, line.price) == (wanted.quantity, wanted.price):
        return True
    return False if venue_time_ms > still_acceptable_until_ms(order, rules) else None
