"""A strategy's order as it is called for → exact terms, checked before it leaves the call."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import isfinite
from typing import Literal, NamedTuple

from actors.core.market import MarketBoard
from actors.errors import UsageError
from actors.messages.orders import OcaKind, OrderTerms, OrderType, Side, SpecialTerms, TimeInForce, Urgency
from actors.model.instrument import Instrument
from actors.model.money import to_decimal
from actors.model.trailing import trailed_stop
from actors.views.terms import fault_in_bracket, fault_in_terms

Auction = Literal["open", "close"]
_AUCTIONS: dict[Auction, TimeInForce] = {"open": "opg", "close": "cls"}
_NO_TERMS = SpecialTerms()


class Bracket(NamedTuple):
    """Client order ids of an entry and its exits."""

    entry: str
    take_profit: str | None
    stop_loss: str | None


Exact = Decimal | int | str
"""A figure of an order as a strategy may write it."""


def terms_of(
    *,
    client_order_id: str,
    account: str,
    strategy: str,
    instrument: str,
    side: Side,
    order_type: OrderType,
    quantity: Exact,
    price: Exact | None = None,
    stop_price: Exact | None = None,
    time_in_force: TimeInForce = "gtc",
    on: Auction | None = None,
    good_till: int | None = None,
    trail: Exact | None = None,
    trail_is_fraction: bool = False,
    trail_start: Exact | None = None,
    limit_offset: Exact | None = None,
    oca: str | None = None,
    oca_kind: OcaKind | None = None,
    parent: str | None = None,
    more_follow: bool = False,
    outside_hours: bool = False,
    adaptive: Urgency | None = None,
    post_only: bool = False,
    reduce_only: bool = False,
    tag: str | None = None,
) -> OrderTerms:
    """Terms with exact figures; what only some venues have goes into a part of its own."""
    special: SpecialTerms | None = SpecialTerms(
        trail=exact_or_none("trail", trail), trail_is_fraction=trail_is_fraction,
        trail_start=exact_or_none("start", trail_start), good_till=good_till,
        limit_offset=exact_or_none("limit_offset", limit_offset), outside_hours=outside_hours,
        oca_group=oca, oca_kind=oca_kind, parent=parent, more_follow=more_follow, adaptive=adaptive,
    )  # fmt: skip
    return OrderTerms(
        client_order_id=client_order_id,
        account=account,
        strategy=strategy,
        instrument=instrument,
        side=side,
        order_type=order_type,
        quantity=exact("quantity", quantity),
        price=exact_or_none("price", price),
        stop_price=exact_or_none("stop_price", stop_price),
        time_in_force=in_force(time_in_force, on, good_till),
        post_only=post_only,
        reduce_only=reduce_only,
        tag=tag,
        special=None if special == _NO_TERMS else special,
    )


def in_force(given: TimeInForce, on: Auction | None, good_till: int | None) -> TimeInForce:
    """How long an order lives by what was asked for.

    Raises:
        UsageError: Two different answers.
    """
    if on is None and good_till is None:
        return given
    if on is not None and (good_till is not None or given not in ("gtc", "day", _AUCTIONS[on])):
        raise UsageError(f"an order on={on!r} ends with its auction: leave time_in_force and good_till out")
    if on is not None:
        return _AUCTIONS[on]
    if given not in ("gtc", "gtd"):
        raise UsageError(f"time_in_force={given!r} and good_till exclude each other: leave one of them out")
    return "gtd"


def check_exits(side: Side, price: Exact | None, take_profit: Exact | None, stop_loss: Exact | None) -> None:
    """The profit lies beyond the entry, the loss before it.

    Raises:
        UsageError: It does not, or there is no exit at all.
    """
    if take_profit is None and stop_loss is None:
        raise UsageError("a bracket needs take_profit=, stop_loss= or both; for a bare entry use ctx.limit")
    ascending = [
        (name, figure)
        for name, figure in (("stop_loss", stop_loss), ("price", price), ("take_profit", take_profit))
        if figure is not None
    ]
    if side == "sell":
        ascending.reverse()
    for (low_name, low), (high_name, high) in pairwise(ascending):
        if exact(low_name, low) >= exact(high_name, high):
            raise UsageError(
                f"a {side} bracket wants {low_name} below {high_name}: {low_name}={low}, {high_name}={high}"
            )


def check_special(
    terms: OrderTerms, children: tuple[OrderTerms, ...], instrument: Instrument, now: int
) -> None:
    """What no venue could take is refused where it is written.

    Raises:
        UsageError: Terms contradict each other, or are off the instrument's steps.
    """
    fault = fault_in_terms(terms, instrument, None) or fault_in_bracket(terms, children, instrument, None)
    till = None if terms.special is None else terms.special.good_till
    if fault is None and till is not None and till <= now:
        fault = "GOOD_TILL_PAST", f"good_till={till}, now={now}"
    if fault is not None:
        code, figures = fault
        raise UsageError(
            f"this {terms.order_type} order of {instrument.id} cannot exist, {code}: {figures}; "
            "round with ctx.round_price and ctx.round_quantity, or change what it asks for"
        )


def start_of_trail(
    side: Side, trail: Decimal, *, is_fraction: bool, instrument: Instrument, market: MarketBoard
) -> Decimal:
    """Where a stop with a limit begins when nothing else is said: its trail away from bid or ask, else mark.

    Raises:
        UsageError: No price of the instrument has come yet.
    """
    quote = market.quotes.get(instrument.id)
    if quote is not None:
        best: float | None = quote.bid_price if side == "sell" else quote.ask_price
    else:
        best = market.mark_price(instrument.id)
    if best is None or not isfinite(best):
        raise UsageError(
            f"no price of {instrument.id} has come yet for a trail to begin at: wait for one, or give start="
        )
    if not trail.is_finite():
        raise UsageError(f"a trail of {trail} begins nowhere: give a distance or a fraction above 0")
    return trailed_stop(
        to_decimal(best), trail, is_fraction=is_fraction, is_purchase=side == "buy", tick=instrument.tick_size
    )


def exact_or_none(what: str, number: Exact | None) -> Decimal | None:
    """The same for what may be left out."""
    return None if number is None else exact(what, number)


def exact(what: str, number: Exact) -> Decimal:
    """Orders are exact: a whole number, or one written out, is taken as it is; a `float` is not guessed at.

    Raises:
        UsageError: A `float`, or a text that is no number.
    """
    if type(number) is Decimal:
        return number
    if type(number) is int:
        return Decimal(number)
    rounder = "ctx.round_quantity" if what == "quantity" else "ctx.round_price"
    if type(number) is str:
        try:
            found = Decimal(number)
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite():
            return found
        raise UsageError(f"{what} {number!r} is no number: write it as '0.5', or use {rounder}(...)")
    raise UsageError(
        f"{what} {number!r} is a {type(number).__name__}, which is not exact: use {rounder}(...), or "
        "write it as a Decimal, an int or a text such as '0.5'"
    )
