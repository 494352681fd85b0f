"""Whether a market takes a new or changed order now: its state, the order's form, and the owner's money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from actors.messages.orders import OrderTerms, SpecialTerms
from actors.model.instrument import ZERO
from actors.venues.simulated import reject
from actors.venues.simulated.checks import refusal, replaced_terms
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.market import Market
from actors.venues.simulated.reject import Refusal


def submit_refusal(market: Market, terms: OrderTerms, worth: Decimal | None) -> Refusal | None:
    """First reason to refuse a new order, its owner's money aside; `worth` is the price it is valued at."""
    if not market.is_trading:
        return reject.MARKET_CLOSED, f"instrument={terms.instrument}"
    if market.hours.outside == "reject" and market.is_closed:
        return reject.MARKET_CLOSED, f"instrument={terms.instrument}, outside its hours"
    known = market.desk.accounts[terms.account].by_client.get(terms.client_order_id)
    if known is not None and known.is_open:
        return reject.DUPLICATE_ORDER, f"venue_order_id={known.venue_order_id} is open"
    if terms.special is not None:
        owner = market.desk.accounts[terms.account]
        parent = owner.by_client.get(terms.special.parent or "")
        refused = _special_refusal(terms, terms.special, owner.open.values(), parent, market.desk.now)
        if refused is not None:
            return refused
    return _terms_refusal(market, terms, worth)


def money_refusal(
    market: Market, order: VenueOrderState, *, already_locked: Decimal = ZERO
) -> Refusal | None:
    """Whether the owner has not what the order must hold back; an exit sells what its entry has left."""
    if order.special is not None and order.special.parent is not None:
        if order.is_held or market.desk.accounts[order.account].reducible(order, market.instrument) > ZERO:
            return None
        return reject.REDUCE_ONLY, f"side={order.side}, and nothing of that is held"
    return market.desk.accounts[order.account].refuses(order, market.instrument, already_locked)


def replace_refusal(
    market: Market,
    order: VenueOrderState,
    quantity: Decimal,
    price: Decimal | None,
    stop_price: Decimal | None,
) -> Refusal | None:
    """First reason to refuse a change."""
    if order.order_type == "market" or order.trails:
        return reject.BAD_TERMS, f"a {order.order_type} order cannot be changed: cancel it and place another"
    if quantity <= order.filled_quantity:
        return reject.BAD_TERMS, f"quantity={quantity}, filled={order.filled_quantity}"
    terms = replaced_terms(order, quantity, price, stop_price)
    refused = _terms_refusal(market, terms, price or stop_price)
    if refused is not None:
        return refused
    changed = market.desk.draft(terms, market.instrument, price or stop_price or ZERO)
    changed.filled_quantity = order.filled_quantity
    return money_refusal(market, changed, already_locked=order.locked)


def not_open(order: VenueOrderState | None) -> Refusal:
    """Why an order cannot be cancelled or changed."""
    text = "no such order" if order is None else f"the order is {order.status}"
    return reject.UNKNOWN_ORDER, text


def _terms_refusal(market: Market, terms: OrderTerms, worth: Decimal | None) -> Refusal | None:
    refused = refusal(terms, market.instrument, worth)
    if refused is not None:
        return refused
    if terms.post_only and terms.price is not None and market.would_take(terms.side, terms.price):
        return reject.WOULD_TAKE, f"price={terms.price}, market={market.reference(terms.side)}"
    return None


def _special_refusal(
    terms: OrderTerms,
    special: SpecialTerms,
    open_orders: Iterable[VenueOrderState],
    parent: VenueOrderState | None,
    now: int,
) -> Refusal | None:
    """What this venue has not, or what does not fit to the orders that are there."""
    if special.outside_hours or special.adaptive is not None:
        return reject.BAD_TERMS, "this venue has neither orders outside hours nor an adaptive algorithm"
    if special.good_till is not None and special.good_till <= now:
        return reject.BAD_TERMS, f"good_till={special.good_till}, now={now}"
    if special.parent is not None and (parent is None or not (parent.is_open or parent.filled_quantity)):
        return reject.BAD_TERMS, f"parent={special.parent} is not there to wait for"
    for other in open_orders if special.oca_group is not None else ():
        is_of_group = other.special is not None and other.special.oca_group == special.oca_group
        if is_of_group and other.instrument == terms.instrument and other.side != terms.side:
            return reject.BAD_TERMS, f"oca_group={special.oca_group} has orders of both sides"
        if is_of_group and other.special is not None and other.special.oca_kind != special.oca_kind:
            return reject.BAD_TERMS, f"oca_group={special.oca_group} has orders of another oca_kind"
    return None
