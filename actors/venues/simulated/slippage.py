"""How much worse than the recorded market an order fills that takes from it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from actors.messages.orders import Side
from actors.model.money import Rounding, round_to_tick
from actors.venues.simulated.depth import Print
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.settings import Slippage

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


class Taking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a slippage function of the user's own is asked about."""

    instrument: str
    side: Side
    price: float
    """Of the market, quote per base."""
    quantity: float
    share: float
    """Of the volume of its bar or trade that our orders take with it; 0 where nobody knows the volume."""
    spread: float
    """Ask − bid, quote per base; 0 without quotes."""
    tick_size: float


SlippageFunction = Callable[[Taking], float]
"""How much worse the price gets, quote per base."""


class Slip:
    """The configured slippage."""

    __slots__ = ("_function", "_settings")

    def __init__(self, settings: Slippage, function: SlippageFunction | None = None) -> None:
        self._settings = settings
        self._function = function

    def price(self, market: Market, order: VenueOrderState, price: Decimal, quantity: Decimal) -> Decimal:
        """What the order gets instead of the market's price; never beyond its limit."""
        settings, is_buy = self._settings, order.side == "buy"
        worse = self._worse(market, order, price, quantity)
        slipped = float(price) + worse if is_buy else float(price) - worse
        bar = market.bar
        if settings.stays_in_bar and bar is not None and market.point is not None:
            slipped = min(slipped, bar.high) if is_buy else max(slipped, bar.low)
        tick = market.instrument.tick_size
        against: Rounding = "up" if is_buy else "down"
        rounding = against if settings.rounding == "against" else settings.rounding
        result = max(round_to_tick(slipped, tick, rounding), tick)
        if order.price is None:
            return result
        return min(result, order.price) if is_buy else max(result, order.price)

    def _worse(self, market: Market, order: VenueOrderState, price: Decimal, quantity: Decimal) -> float:
        settings, here, tick = self._settings, float(price), float(market.instrument.tick_size)
        quote = market.quote
        spread = 0.0 if quote is None else max(quote.ask_price - quote.bid_price, 0.0)
        share = _share(market, quantity)
        worse = here * settings.bps / 10_000 + tick * settings.ticks + spread * settings.spread_share
        if settings.impact:
            worse += here * settings.impact * share**settings.impact_exponent
        if self._function is not None:
            own = self._function(
                Taking(
                    instrument=order.instrument, side=order.side, price=here, quantity=float(quantity),
                    share=share, spread=spread, tick_size=tick,
                )
            )  # fmt: skip
            assert isfinite(own), f"{settings.function} says {own} for {order.instrument}"
            worse += own
        return worse


def _share(market: Market, quantity: Decimal) -> float:
    point = market.point
    if point is None:
        return 0.0
    taken = float(point.used + quantity)
    volume = _volume(market, point)
    return min(taken / volume, 1.0) if volume else 0.0


def _volume(market: Market, point: Print) -> float:
    """Of the bar or trade that the order takes from; 0 where it has none."""
    if market.has_trades:
        return float(point.used + point.quantity)
    return 0.0 if market.bar is None else market.bar.volume
