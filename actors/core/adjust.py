"""Market data on the other side of a split or dividend: the same market, in the prices that hold now."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from actors.messages.market import Bar, CorporateAction, Quote, Trade

Priced = TypeVar("Priced", Quote, Trade, Bar)


def adjusted(message: Priced, action: CorporateAction) -> Priced:
    """Newest prices from before the action as they would be quoted after it; sizes in new shares."""
    price, shares = action.price_after, float(action.shares_after) / float(action.shares_before)
    if isinstance(message, Quote):
        return replace(
            message,
            bid_price=price(message.bid_price),
            bid_size=message.bid_size * shares,
            ask_price=price(message.ask_price),
            ask_size=message.ask_size * shares,
        )
    if isinstance(message, Trade):
        return replace(message, price=price(message.price), size=message.size * shares)
    return replace(
        message,
        open=price(message.open),
        high=price(message.high),
        low=price(message.low),
        close=price(message.close),
        volume=message.volume * shares,
    )


def adjusted_history(bar: Bar, action: CorporateAction, last_close: float) -> Bar:
    """A bar of the past in today's shares, returns unchanged: prices by the factor of the last close before.

    Source:
        CRSP, "Data definitions and coding schemes": factor to adjust price, 1 − dividend / last price.
    """
    factor = action.price_after(last_close) / last_close if last_close else 1.0
    shares = float(action.shares_after) / float(action.shares_before)
    return replace(
        bar,
        open=bar.open * factor,
        high=bar.high * factor,
        low=bar.low * factor,
        close=bar.close * factor,
        volume=bar.volume * shares,
    )
