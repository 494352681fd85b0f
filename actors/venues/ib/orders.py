"""Orders: our terms → the library's order, TWS's claims → our reports. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from actors.messages.orders import OrderTerms, Side, VenueStatus
from actors.model.instrument import ZERO
from actors.venues.ib.claims import OpenOrder
from actors.venues.ib.library import Library

TYPES = {"market": "MKT", "limit": "LMT", "stop": "STP", "stop_limit": "STP LMT"}
TIMES_IN_FORCE = {"gtc": "GTC", "day": "DAY", "ioc": "IOC", "fok": "FOK"}
ACCEPTED = frozenset({"PreSubmitted", "Submitted", "PendingCancel"})
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
    parent_id: int = 0
    order_id: int = 0
    client_id: int = 0
    perm_ids: list[int] = []
    """More than one is an order that lives twice."""
    is_accepted: bool = False
    is_done: bool = False
    filled: Decimal = ZERO
    pending_replace: tuple[Decimal, Decimal | None, Decimal | None] | None = None
    is_cancelling: bool = False

    @property
    def perm_id(self) -> int | None:
        """IB's own id; None until it has said so."""
        return self.perm_ids[-1] if self.perm_ids else None


class Impossible(Exception):
    """A command that IB has no form for."""


def known_from_terms(terms: OrderTerms) -> Known:
    """Before it is sent.

    Raises:
        Impossible: IB has no such order.
    """
    if terms.post_only:
        raise Impossible("IB has no post-only orders")
    return Known(
        client_order_id=terms.client_order_id,
        instrument=terms.instrument,
        side=terms.side,
        order_type=TYPES[terms.order_type],
        time_in_force=TIMES_IN_FORCE[terms.time_in_force],
        quantity=terms.quantity,
        limit_price=terms.price,
        stop_price=terms.stop_price,
    )


def known_from_claim(claim: OpenOrder, instrument: str) -> Known:
    """An order of ours that TWS shows and we have not sent in this life."""
    is_stop = claim.order_type.startswith("STP")
    return Known(
        client_order_id=claim.order_ref,
        instrument=instrument,
        side=side_of(claim.action),
        order_type=claim.order_type,
        time_in_force=claim.time_in_force,
        quantity=claim.quantity,
        limit_price=claim.limit_price if claim.order_type in ("LMT", "STP LMT", "LOC") else None,
        stop_price=claim.aux_price if is_stop else None,
        outside_hours=claim.outside_hours,
        oca_group=claim.oca_group,
        parent_id=claim.parent_id,
        order_id=claim.order_id,
        client_id=claim.client_id,
    )


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
        transmit=True,
        outsideRth=known.outside_hours,
        ocaGroup=known.oca_group,
        parentId=known.parent_id,
    )
    if known.limit_price is not None:
        order.lmtPrice = float(known.limit_price)
    if known.stop_price is not None:
        order.auxPrice = float(known.stop_price)
    return order


def side_of(text: str) -> Side:
    """`BUY`, `BOT`, `SELL`, `SLD`, `SSHORT`."""
    return "buy" if text in ("BUY", "BOT") else "sell"


def status_of(text: str, filled: Decimal) -> VenueStatus:
    """What a status of TWS means; quantities come from executions."""
    if text in CANCELLED:
        return "cancelled"
    if text == "Inactive":
        return "rejected" if not filled else "cancelled"
    if text == "Filled":
        return "filled"
    return "partially_filled" if filled else "accepted"


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
