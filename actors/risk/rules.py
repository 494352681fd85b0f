"""The rules of the gate: each looks at one order and says nothing, or why not, with its figures.

What a purchase is counted at until it is booked: a limit order at its limit price; a stop order at its
trigger, a market order at the ask (else the mark), a trailing stop where it begins (or the ask and its
distance more, whichever is higher) and its limit's offset more, all
three made worse by `market_margin`. `order_notional_max`
alone takes a market order at the mid, so that a size computed from the mid is not refused for the spread.

A reduction shrinks the account's position and cannot flip it, whatever else is open. It needs no fresh price
and no allowed instrument. An order of a standing flatten goal is, besides, bound by no order size, collar or
rate.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

import msgspec

from actors.core.market import MarketBoard
from actors.messages.orders import OrderTerms, SpecialTerms
from actors.model.instrument import Instrument
from actors.model.money import ZERO, to_decimal
from actors.model.venue_rules import PLAIN_OFFER, Offer
from actors.risk.exposure import Exposure, Sides, worst_absolute
from actors.risk.limits import RiskLimits
from actors.views.special_terms import fault_in_offer

ONE = Decimal(1)
INFINITY = float("inf")


class Refusal(NamedTuple):
    """A stable code and what was compared."""

    code: str
    figures: str


class Bounds(NamedTuple):
    """What an account's orders are compared with, found and converted once."""

    limits: RiskLimits
    currency: str
    """The account's base currency."""
    instruments: tuple[str, ...]
    """Configured, and allowed by the limits."""
    collar: Decimal | None
    market_factor: Decimal
    """1 + `market_margin`."""
    rate_window_ns: int
    price_age_ns_max: int | None


def bounds_of(limits: RiskLimits, currency: str, instruments: tuple[str, ...]) -> Bounds:
    """Convert an account's limits."""
    age_max, allowed = limits.price_age_max_seconds, limits.allowed_instruments
    return Bounds(
        limits=limits,
        currency=currency,
        instruments=tuple([name for name in instruments if allowed is None or name in allowed]),
        collar=None if limits.price_collar is None else to_decimal(limits.price_collar),
        market_factor=ONE + to_decimal(limits.market_margin),
        rate_window_ns=int(limits.order_rate_seconds * 1e9),
        price_age_ns_max=None if age_max is None else int(age_max * 1e9),
    )


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An order (or the new terms of one) that asks for approval, and all that rules look at.

    With more than fifteen fields CPython would make a dictionary for each.
    """

    terms: OrderTerms
    instrument: Instrument
    bounds: Bounds
    open_quantity: Decimal
    """What it may still fill: of a replace its new total less what is booked. One of a group in which one
    cancels the others stands for all of them, and counts as the largest."""
    replaces: str | None
    """Open order in whose place it comes; not counted beside it."""
    mark: Decimal | None
    """Mark price; None before any, and for one that cannot be true."""
    price: Decimal | None
    """Worst price in quote; None while there is no price at all."""
    position: Decimal
    """The account's, signed."""
    sides: Sides
    """Open orders of the account and instrument without `replaces` and without the order's group."""
    is_reduction: bool
    is_flattening: bool
    orders_in_window: int
    now: int
    market: MarketBoard
    exposure: Exposure


Rule = Callable[[Candidate], Refusal | None]


def mark_of(instrument: str, market: MarketBoard) -> Decimal | None:
    """The mark as a figure one may compute with; None before any price, and for one that cannot be true."""
    mark = market.mark_price(instrument)
    return to_decimal(mark) if mark is not None and 0.0 < mark < INFINITY else None


def worst_price(
    terms: OrderTerms, mark: Decimal | None, market_factor: Decimal, market: MarketBoard
) -> Decimal | None:
    """What one unit may cost at worst, and what a sale is valued at; None without any price."""
    if terms.price is not None:
        return terms.price
    touch = terms.stop_price if terms.stop_price is not None else mark
    if touch is None or terms.side == "sell":
        return touch
    quote = market.quotes.get(terms.instrument)
    if terms.stop_price is None and quote is not None and isfinite(quote.ask_price):
        touch = max(touch, to_decimal(quote.ask_price))
    stop = touch + trail_distance(terms, touch)
    special = terms.special
    if special is not None and special.trail is not None:
        stop = max(stop, special.trail_start or ZERO) + (special.limit_offset or ZERO)
    return stop * market_factor


def trail_distance(terms: OrderTerms, price: Decimal) -> Decimal:
    """How far a trailing stop is from this price; 0 for every other order."""
    special = terms.special
    if special is None or special.trail is None:
        return ZERO
    return special.trail * price if special.trail_is_fraction else special.trail


def is_reduction(side: str, quantity: Decimal, position: Decimal, sides: Sides) -> bool:
    """Whether an order shrinks a position and cannot flip it even if every other reduction fills."""
    if side == "sell":
        return position > ZERO and quantity <= position - sides.sells
    return position < ZERO and quantity <= -position - sides.buys


def allow_list(c: Candidate) -> Refusal | None:
    """Only configured and allowed instruments; only while the venue trades them, or if the order can wait."""
    if c.terms.instrument not in c.bounds.instruments and not c.is_reduction:
        return Refusal("INSTRUMENT_NOT_ALLOWED", f"instrument={c.terms.instrument}")
    if c.market.definitions:
        update = c.market.definitions.get(c.terms.instrument)
        if update is not None and not update.is_trading and not waits_for_open(c.terms):
            return Refusal("INSTRUMENT_NOT_TRADING", f"instrument={c.terms.instrument}")
    return None


def waits_for_open(terms: OrderTerms) -> bool:
    """Whether an order rests until its exchange opens, or is meant for an auction; as its venue permits."""
    if terms.time_in_force in ("opg", "cls"):
        return True
    return terms.order_type != "market" and terms.time_in_force in ("gtc", "gtd")


def reduce_only(c: Candidate) -> Refusal | None:
    """A reduce-only order never opens or flips."""
    if not c.terms.reduce_only or c.is_reduction:
        return None
    open_reductions = c.sides.sells if c.terms.side == "sell" else c.sides.buys
    return Refusal(
        "REDUCE_ONLY_EXCEEDS_POSITION",
        f"side={c.terms.side}, quantity={c.open_quantity}, position={c.position}, "
        f"open_reductions={open_reductions}",
    )


def price_health(c: Candidate) -> Refusal | None:
    """New exposure needs a live feed and a fresh, possible, uncrossed price."""
    if c.is_reduction:
        return None
    name, market = c.terms.instrument, c.market
    status = market.statuses.get(name)
    if status is not None and status.status != "live":
        return Refusal("FEED_NOT_LIVE", f"status={status.status}, reason={status.reason}")
    age = market.age_ns(name, c.now)
    if age is None:
        return Refusal("PRICE_MISSING", f"instrument={name}")
    quote = market.quotes.get(name)
    if quote is not None:
        bid, ask = quote.bid_price, quote.ask_price
        if bid > ask:
            return Refusal("PRICE_CROSSED", f"bid={bid}, ask={ask}")
        if not 0.0 < bid <= ask < INFINITY:
            return Refusal("PRICE_INVALID", f"prices={bid}, {ask}")
    elif c.mark is None:
        return Refusal("PRICE_INVALID", f"prices={market.mark_price(name)}")
    age_max = c.bounds.price_age_ns_max
    if age_max is not None and age > age_max:
        figures = f"age_seconds={age / 1e9:.3f}, max={c.bounds.limits.price_age_max_seconds}"
        return Refusal("PRICE_STALE", figures)
    return None


def order_quantity(c: Candidate) -> Refusal | None:
    """Largest quantity of one order."""
    maximum = c.bounds.limits.order_quantity_max
    if maximum is None or c.is_flattening or c.terms.quantity <= maximum:
        return None
    return Refusal("ORDER_QUANTITY_EXCEEDS_MAX", f"quantity={c.terms.quantity}, max={maximum}")


def order_notional(c: Candidate) -> Refusal | None:
    """Largest value of one order."""
    maximum = c.bounds.limits.order_notional_max
    if maximum is None or c.is_flattening:
        return None
    price = c.terms.price if c.terms.price is not None else c.terms.stop_price
    if price is None:
        price = c.mark
    if price is None:  # only a reduction comes so far without one
        return None
    notional = c.terms.quantity * price * c.instrument.multiplier
    if notional <= maximum:
        return None
    return Refusal("ORDER_NOTIONAL_EXCEEDS_MAX", f"notional={_short(notional)}, max={maximum}")


def price_collar(c: Candidate) -> Refusal | None:
    """Limit and stop prices stay near the mid, and so do the stop and the limit that a trail begins with.

    A limit that closes what is held at a gain may wait anywhere beyond: it cannot fill at a bad price.
    """
    if c.terms.price is None and c.terms.stop_price is None and c.terms.special is None:
        return None
    collar, mid = c.bounds.collar, c.mark
    if collar is None or mid is None or c.is_flattening:
        return None
    special, worse = c.terms.special or SpecialTerms(), 1 if c.terms.side == "buy" else -1
    trailed = special.trail_start or mid + worse * trail_distance(c.terms, mid)
    for name, price in (
        ("price", c.terms.price), ("stop_price", c.terms.stop_price), ("trailed_stop", trailed),
        ("trailed_limit", trailed + worse * (special.limit_offset or ZERO)),
    ):  # fmt: skip
        if price is not None and abs(price - mid) > collar * mid and not _takes_profit(c, name, price, mid):
            return Refusal("PRICE_OUTSIDE_COLLAR", f"{name}={price}, mid={_short(mid)}, collar={collar}")
    return None


def _takes_profit(c: Candidate, name: str, price: Decimal, mid: Decimal) -> bool:
    special = c.terms.special
    is_exit = c.is_reduction or c.terms.reduce_only or (special is not None and special.parent is not None)
    is_beyond = price > mid if c.terms.side == "sell" else price < mid
    return name == "price" and c.terms.order_type == "limit" and is_exit and is_beyond


def order_rate(c: Candidate) -> Refusal | None:
    """Most orders in the sliding window."""
    maximum = c.bounds.limits.order_rate_max
    if maximum is None or c.is_flattening or c.orders_in_window < maximum:
        return None
    return Refusal(
        "ORDER_RATE_EXCEEDS_MAX",
        f"orders={c.orders_in_window + 1}, max={maximum}, seconds={c.bounds.limits.order_rate_seconds}",
    )


def position_size(c: Candidate) -> Refusal | None:
    """Largest position in the direction of the order, every open order of that side filled."""
    maximum = c.bounds.limits.position_max
    if maximum is None or c.is_reduction:
        return None
    if c.terms.side == "buy":
        worst = c.position + c.sides.buys + c.open_quantity
    else:
        worst = c.sides.sells + c.open_quantity - c.position
    if worst <= maximum:
        return None
    return Refusal("POSITION_EXCEEDS_MAX", f"position={worst}, max={maximum}")


def available_balance(c: Candidate) -> Refusal | None:
    """A cash account pays with, and sells, only what it holds and has not promised elsewhere."""
    units = c.open_quantity * c.instrument.multiplier
    account, without = c.terms.account, c.replaces
    beside = None if c.terms.special is None else c.terms.special.exclusive_group
    if c.terms.side == "sell":
        units -= c.exposure.brought(c.terms) * c.instrument.multiplier
        held = c.exposure.available(account, c.instrument.base, without=without, beside=beside)
        if units <= held:
            return None
        return Refusal("SHORT_ON_CASH_ACCOUNT", f"asset={c.instrument.base}, need={units}, available={held}")
    if c.price is None:
        return Refusal("PRICE_MISSING", f"instrument={c.terms.instrument}")
    free = c.exposure.available(account, c.instrument.quote, without=without, beside=beside)
    need = units * c.price
    if need <= free:
        return None
    figures = f"asset={c.instrument.quote}, need={_short(need)}, available={_short(free)}"
    return Refusal("BALANCE_INSUFFICIENT", figures)


def gross_exposure(c: Candidate) -> Refusal | None:
    """Largest sum of all exposures of the account."""
    maximum = c.bounds.limits.gross_exposure_max
    if maximum is None or c.is_reduction:
        return None
    added = Sides(c.open_quantity, ZERO) if c.terms.side == "buy" else Sides(ZERO, c.open_quantity)
    with_it = Sides(c.sides.buys + added.buys, c.sides.sells + added.sells)
    worst = worst_absolute(c.position, with_it)
    if worst <= worst_absolute(c.position, c.sides):
        return None
    gross, unpriced = c.exposure.gross(
        c.terms.account, c.bounds.currency, c.market, {c.terms.instrument: worst}
    )
    if unpriced is not None:
        return Refusal("EXPOSURE_NOT_PRICED", f"instrument={unpriced}")
    if gross <= maximum:
        return None
    return Refusal("GROSS_EXPOSURE_EXCEEDS_MAX", f"gross={_short(gross)}, max={maximum}")


RULES: tuple[Rule, ...] = (
    allow_list,
    reduce_only,
    price_health,
    order_quantity,
    order_notional,
    price_collar,
    order_rate,
    position_size,
    available_balance,
    gross_exposure,
)


def offered(offer: Offer) -> Rule:
    """Only orders that the venue has."""

    def refuse(c: Candidate) -> Refusal | None:
        fault = fault_in_offer(c.terms, offer, c.now)
        return None if fault is None else Refusal(*fault)

    return refuse


def rules_for(limits: RiskLimits, *, is_cash_account: bool, offer: Offer = PLAIN_OFFER) -> tuple[Rule, ...]:
    """All rules but those that these limits switch off, in their order; what the venue has comes first."""
    switches: dict[Rule, object] = {
        order_quantity: limits.order_quantity_max,
        order_notional: limits.order_notional_max,
        price_collar: limits.price_collar,
        order_rate: limits.order_rate_max,
        position_size: limits.position_max,
        available_balance: is_cash_account or None,
        gross_exposure: limits.gross_exposure_max,
    }
    return offered(offer), *(rule for rule in RULES if switches.get(rule, True) is not None)


def first_refusal(rules: tuple[Rule, ...], candidate: Candidate) -> Refusal | None:
    """What the first rule that objects says."""
    for rule in rules:
        refusal = rule(candidate)
        if refusal is not None:
            return refusal
    return None


def _short(figure: Decimal) -> str:
    """Without trailing zeros, never in scientific notation."""
    return f"{figure.normalize():f}"
