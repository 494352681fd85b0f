"""Orders: our terms → the library's order, TWS's claims → our reports. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.messages.orders import OcaKind, OrderTerms, Side, SpecialTerms, TimeInForce, Urgency, VenueStatus
from actors.model.instrument import ZERO
from actors.venues.ib.claims import OpenOrder
from actors.venues.ib.library import Library

TYPES = {
    "market": "MKT", "limit": "LMT", "stop": "STP", "stop_limit": "STP LMT", "trailing_stop": "TRAIL",
    "trailing_stop_limit": "TRAIL LIMIT",
}  # fmt: skip
AT_THE_CLOSE = {"market": "MOC", "limit": "LOC"}
"""IB has types of their own for the closing auction."""
TIMES_IN_FORCE: dict[TimeInForce, str] = {
    "gtc": "GTC", "day": "DAY", "ioc": "IOC", "fok": "FOK", "gtd": "GTD", "opg": "OPG", "cls": "DAY",
}  # fmt: skip
HAVE_LIMIT = ("LMT", "STP LMT", "LOC")
HAVE_STOP = ("STP", "STP LMT")
TRAIL_LIMIT = "TRAIL LIMIT"
HAVE_TRAIL = ("TRAIL", TRAIL_LIMIT)
"""TWS moves their stop and limit prices by itself; neither is a term of ours."""
ADAPTIVE: dict[Urgency, str] = {"patient": "Patient", "normal": "Normal", "urgent": "Urgent"}
OCA_TYPES: dict[OcaKind, int] = {"cancel": 1, "reduce": 2, "reduce_unblocked": 3}
"""Of the first two kinds only one order is exposed at once."""
OCA_REDUCING = (2, 3)
Terms = tuple[Decimal, Decimal | None, Decimal | None, Decimal | None]
"""Quantity, limit price, stop price and trail: what a change may change."""
ACCEPTED = frozenset({"PreSubmitted", "Submitted", "PendingCancel"})
LOCATE = "locate"
"""Why a short sale is held: it works on once the shares are found."""
CANCELLED = frozenset({"Cancelled", "ApiCancelled"})


class Known(msgspec.Struct, kw_only=True):
    """What this process knows of one order at TWS; lost with it and told anew by TWS."""

    client_order_id: str
    instrument: str
    side: Side
    order_type: str
    time_in_force: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    outside_hours: bool = False
    oca_group: str = ""
    oca_type: int = 0
    parent_id: int = 0
    trail: Decimal | None = None
    trail_is_fraction: bool = False
    trail_stop: Decimal | None = None
    """Where the stop is to begin; once TWS has shown the order, where it stood then."""
    limit_offset: Decimal | None = None
    good_till: str = ""
    adaptive: str = ""
    transmit: bool = True
    order_id: int = 0
    client_id: int = 0
    perm_ids: list[int] = []
    """More than one is an order that lives twice."""
    is_accepted: bool = False
    is_done: bool = False
    filled: Decimal = ZERO
    pending_replace: Terms | None = None
    is_cancelling: bool = False

    @property
    def perm_id(self) -> int | None:
        """IB's own id; None until it has said so."""
        return self.perm_ids[-1] if self.perm_ids else None


class Impossible(Exception):
    """A command that IB has no form for."""


def known_from_terms(terms: OrderTerms, parent: Known | None = None) -> Known:
    """Before it is sent; `parent` is the order that its terms name.

    Raises:
        Impossible: IB has no such order, or its parent is not there to wait for.
    """
    if terms.post_only:
        raise Impossible("IB has no post-only orders")
    special = terms.special or SpecialTerms()
    if special.parent is not None and (parent is None or parent.is_done or not parent.order_id):
        raise Impossible(f"its parent {special.parent} is not at TWS")
    types = AT_THE_CLOSE if terms.time_in_force == "cls" else TYPES
    return Known(
        client_order_id=terms.client_order_id,
        instrument=terms.instrument,
        side=terms.side,
        order_type=types[terms.order_type],
        time_in_force=TIMES_IN_FORCE[terms.time_in_force],
        quantity=terms.quantity,
        limit_price=terms.price,
        stop_price=terms.stop_price,
        outside_hours=special.outside_hours,
        oca_group=special.oca_group or "",
        oca_type=0 if special.oca_group is None else OCA_TYPES[special.oca_kind or "cancel"],
        parent_id=0 if parent is None else parent.order_id,
        trail=special.trail,
        trail_is_fraction=special.trail_is_fraction,
        trail_stop=special.trail_start,
        limit_offset=special.limit_offset,
        good_till="" if special.good_till is None else good_till_text(special.good_till),
        adaptive="" if special.adaptive is None else ADAPTIVE[special.adaptive],
        transmit=not special.more_follow,
    )


def changed(known: Known, terms: Terms) -> Known:
    """The order as a change wants it; a change is sent on at once.

    A stop that trails without a limit is not told again where it begins: TWS knows where it stands. With a
    limit it must be told, for TWS reckons the limit from it.
    """
    quantity, limit_price, stop_price, trail = terms
    return msgspec.structs.replace(
        known, quantity=quantity, limit_price=limit_price, stop_price=stop_price, trail=trail, transmit=True,
        trail_stop=known.trail_stop if known.order_type == TRAIL_LIMIT else None,
    )  # fmt: skip


def terms_in(claim: OpenOrder, known: Known) -> Terms:
    """What TWS says of the terms that a change may change; junk in the others is passed over."""
    trail = None
    if known.order_type in HAVE_TRAIL:
        percent = claim.trailing_percent
        trail = claim.aux_price if not known.trail_is_fraction else None if percent is None else percent / 100
    return (
        claim.quantity,
        claim.limit_price if known.order_type in HAVE_LIMIT else None,
        claim.aux_price if known.order_type in HAVE_STOP else None,
        trail,
    )


def good_till_text(good_till_ns: int) -> str:
    """`20261120-15:30:00`, which TWS takes for UTC; whole seconds, never later than asked for."""
    return datetime.fromtimestamp(good_till_ns // 1_000_000_000, UTC).strftime("%Y%m%d-%H:%M:%S")


def known_from_claim(claim: OpenOrder, instrument: str) -> Known:
    """An order of ours that TWS shows and we have not sent in this life."""
    known = Known(
        client_order_id=claim.order_ref,
        instrument=instrument,
        side=side_of(claim.action),
        order_type=claim.order_type,
        time_in_force=claim.time_in_force,
        quantity=claim.quantity,
        limit_price=None,
        stop_price=None,
        outside_hours=claim.outside_hours,
        oca_group=claim.oca_group,
        oca_type=claim.oca_type if claim.oca_group else 0,
        parent_id=claim.parent_id,
        trail_is_fraction=claim.order_type in HAVE_TRAIL and claim.trailing_percent is not None,
        trail_stop=claim.trail_stop,
        limit_offset=claim.limit_offset if claim.order_type == TRAIL_LIMIT else None,
        good_till=claim.good_till,
        adaptive=claim.adaptive,
        order_id=claim.order_id,
        client_id=claim.client_id,
    )
    _, known.limit_price, known.stop_price, known.trail = terms_in(claim, known)
    return known


def order_from(known: Known, account: str, library: Library) -> Any:
    """A clean order with all fields that are ours; what TWS has filled in itself is never sent back."""
    order = library.Order(
        orderId=known.order_id,
        action="BUY" if known.side == "buy" else "SELL",
        totalQuantity=_number(known.quantity),
        orderType=known.order_type,
        tif=known.time_in_force,
        account=account,
        orderRef=known.client_order_id,
        transmit=known.transmit,
        outsideRth=known.outside_hours,
        ocaGroup=known.oca_group,
        parentId=known.parent_id,
        goodTillDate=known.good_till,
    )
    if known.oca_group:
        order.ocaType = known.oca_type
    if known.adaptive:
        order.algoStrategy = "Adaptive"
        order.algoParams = [library.TagValue("adaptivePriority", known.adaptive)]
    if known.trail is not None and known.trail_is_fraction:
        order.trailingPercent = float(known.trail * 100)
    elif known.trail is not None:
        order.auxPrice = float(known.trail)
    if known.trail_stop is not None:
        order.trailStopPrice = float(known.trail_stop)
    if known.limit_offset is not None:
        order.lmtPriceOffset = float(known.limit_offset)
    if known.limit_price is not None:
        order.lmtPrice = float(known.limit_price)
    if known.stop_price is not None:
        order.auxPrice = float(known.stop_price)
    return order


def side_of(text: str) -> Side:
    """`BUY`, `BOT`, `SELL`, `SLD`, `SSHORT`."""
    return "buy" if text in ("BUY", "BOT") else "sell"


def status_of(text: str, filled: Decimal, why_held: str = "") -> VenueStatus:
    """What a status of TWS means; quantities come from executions."""
    if text in CANCELLED:
        return "cancelled"
    if text == "Inactive" and why_held != LOCATE:
        return "rejected" if not filled else "cancelled"
    if text == "Filled":
        return "filled"
    return "partially_filled" if filled else "accepted"


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
