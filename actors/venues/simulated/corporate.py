"""Splits and dividends at a venue: what is held, what is quoted, and what open orders ask for.

Open orders follow the usual US rule (FINRA rule 5330, adjustment of orders): a dividend lowers the prices of
buy limits and of sell stops by its amount, to the tick below, unless it is less than a cent; a split changes
their price and quantity alike, to whole lots and the tick below; a reverse split cancels every order. The
rule leaves sell limits and buy stops alone: a dividend does so here, a split cancels them, as they would be
nowhere near the new price. A market order that waits for the open has no price to be wrong: it is scaled.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import msgspec

from actors.messages.clearing import PositionCharged, PositionSplit
from actors.messages.market import CorporateAction
from actors.messages.orders import SpecialTerms
from actors.model.instrument import ZERO, Instrument
from actors.model.money import round_to_lot, round_to_tick, to_decimal
from actors.model.splits import scaled, share_step
from actors.venues.simulated.accounts import Account
from actors.venues.simulated.charges import FEE_STEP
from actors.venues.simulated.desk import Desk
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.market import Market

CENT = Decimal("0.01")


class NewTerms(NamedTuple):
    """What an order asks for after the action."""

    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    special: SpecialTerms | None


def act(desk: Desk, market: Market, action: CorporateAction) -> list[PositionSplit | PositionCharged]:
    """Carry an action out for every account; what happens to orders goes to the desk's events.

    Dividends are paid at once, to who held at the ex time; that they are on their way for some weeks makes no
    difference to what an account is worth.
    """
    orders = [
        order
        for account in desk.accounts.values()
        for order in account.open.values()
        if order.instrument == market.instrument.id
    ]
    orders.sort(key=lambda order: order.priority)
    kept: list[VenueOrderState] = []
    for order in orders:
        market.detach(order)
        if _adjust(desk, order, market.instrument, action):
            kept.append(order)
        else:
            desk.expire(order, market.instrument, "CORPORATE_ACTION")
    market.on_corporate_action(action)
    said: list[PositionSplit | PositionCharged] = []
    for account in desk.accounts.values():
        said += entitle(account, market, action)
    for order in kept:
        desk.accounts[order.account].relock(order, market.instrument)
        market.place(order)
    market.refresh()
    return said


# orders


def _adjust(desk: Desk, order: VenueOrderState, instrument: Instrument, action: CorporateAction) -> bool:
    """Give an order its new terms; False when it must end."""
    policy = desk.accounts[order.account].settings.open_orders
    terms = None if policy == "cancel" else new_terms(order, instrument, action, by_rule=policy == "us")
    if terms is None:
        return False
    if order.trail_best is not None:
        order.trail_best = _after(order.trail_best, action)
    old = NewTerms(order.quantity, order.price, order.stop_price, order.special)
    if terms != old:
        order.quantity, order.price, order.stop_price, order.special = terms
        order.lock_price = terms.price or terms.stop_price or _after(order.lock_price, action)
        desk.adjusted(order)
    return True


def new_terms(
    order: VenueOrderState, instrument: Instrument, action: CorporateAction, *, by_rule: bool
) -> NewTerms | None:
    """What an open order asks for after an action; None when it is cancelled.

    Args:
        by_rule: As the US rule has it; else every order is adjusted, of both sides and in reverse splits.
    """
    waits = not order.is_triggered
    is_market = order.price is None and not waits
    falls = order.side == "buy" if not waits else order.side == "sell"
    price, stop = order.price, order.stop_price
    if falls and not is_market and (action.dividend >= CENT or not by_rule):
        price, stop = _lower(price, action, instrument), _lower(stop, action, instrument)
    quantity = order.quantity
    if action.is_split:
        is_reverse = action.shares_after < action.shares_before
        if by_rule and (is_reverse or not (falls or is_market)):
            return None
        remaining = scaled(order.remaining, action.shares_before, action.shares_after)
        whole = round_to_lot(remaining, instrument.lot_size)
        if not whole:
            return None
        quantity = order.filled_quantity + whole
        price, stop = _scale(price, action, instrument, falls), _scale(stop, action, instrument, falls)
    special = _scale_trail(order.special, action, instrument) if action.is_split else order.special
    trail = None if special is None else special.trail
    if any(each is not None and each <= ZERO for each in (price, stop, trail)):
        return None
    return NewTerms(quantity, price, stop, special)


def _scale_trail(
    special: SpecialTerms | None, action: CorporateAction, instrument: Instrument
) -> SpecialTerms | None:
    """What follows the market follows it as closely as before; a fraction of a price stays one."""
    if special is None or special.trail is None:
        return special
    figures = {"trail_start": special.trail_start, "limit_offset": special.limit_offset}
    if not special.trail_is_fraction:
        figures["trail"] = special.trail
    scaled_figures = {name: _scale(each, action, instrument, falls=True) for name, each in figures.items()}
    return msgspec.structs.replace(special, **scaled_figures)


def _lower(price: Decimal | None, action: CorporateAction, instrument: Instrument) -> Decimal | None:
    if price is None or not action.dividend:
        return price
    return round_to_tick(price - action.dividend, instrument.tick_size, "down")


def _scale(
    price: Decimal | None, action: CorporateAction, instrument: Instrument, falls: bool
) -> Decimal | None:
    if price is None:
        return None
    exact = scaled(price, action.shares_after, action.shares_before)
    return round_to_tick(exact, instrument.tick_size, "down" if falls else "up")


def _after(price: Decimal, action: CorporateAction) -> Decimal:
    return scaled(price, action.shares_after, action.shares_before)


# positions


def entitle(
    account: Account, market: Market, action: CorporateAction
) -> list[PositionSplit | PositionCharged]:
    """What one account's position brings it; the market is quoted without it already."""
    instrument, said = market.instrument, list[PositionSplit | PositionCharged]()
    held = account.position(instrument)
    if not held or instrument.is_derivative:
        return said
    if action.dividend:
        amount = (held * action.dividend).quantize(FEE_STEP, ROUND_HALF_EVEN)
        account.move(instrument.quote, amount)
        said.append(
            PositionCharged(
                ts_event=action.ts_event,
                account=account.name,
                instrument=instrument.id,
                kind="dividend",
                asset=instrument.quote,
                amount=amount,
                quantity=held,
                charge_id=action.action_id,
            )
        )
    if action.is_split:
        said.append(_split(account, market, held, action))
    return said


def _split(account: Account, market: Market, held: Decimal, action: CorporateAction) -> PositionSplit:
    instrument = market.instrument
    exact = scaled(held, action.shares_before, action.shares_after)
    whole = round_to_lot(exact, share_step(instrument))
    price = to_decimal(market.mark_price() or 0.0)
    cash = ((exact - whole) * price).quantize(CENT, ROUND_HALF_EVEN)
    account.move(instrument.base, whole - held)
    account.move(instrument.quote, cash)
    return PositionSplit(
        ts_event=action.ts_event,
        account=account.name,
        instrument=instrument.id,
        shares_before=action.shares_before,
        shares_after=action.shares_after,
        quantity=whole,
        price=price,
        cash_in_lieu=cash,
        action_id=action.action_id,
    )
