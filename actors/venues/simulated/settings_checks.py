"""What no single value of the settings can be wrong about."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from zoneinfo import available_timezones

from actors.errors import ConfigError
from actors.venues.simulated.accounts import schedule_of
from actors.venues.simulated.delays import Delay
from actors.venues.simulated.hours import own_hours
from actors.venues.simulated.margin_settings import margin_faults
from actors.venues.simulated.settings import MarketSettings, SimulatedVenueSettings, Slippage

Fault = tuple[tuple[str, ...], str]
"""Keys to what is wrong, and why it is."""


def account_faults(settings: SimulatedVenueSettings) -> Iterator[Fault]:
    """Everything wrong with an account's settings, in the order of the fields."""
    try:
        schedule_of(settings)
    except ConfigError as error:
        yield ("fees" if settings.fees is not None and not settings.charges else "charges",), str(error)
    for field in ("latency_ms", "report_latency_ms"):
        if getattr(settings, field) < 0:
            yield (field,), "must not be negative"
    for field in ("submit_delay", "cancel_delay", "report_delay", "market_data_delay"):
        for key, why in _delay_faults(getattr(settings, field)):
            yield (field, key), why
    if not 0 <= settings.fill_share_of_trade <= 1:
        yield ("fill_share_of_trade",), "must be between 0 and 1"
    if settings.settlement_days < 0:
        yield ("settlement_days",), "must not be negative"
    if settings.settlement_days and settings.account_type == "margin":
        yield ("settlement_days",), "is for cash accounts: a margin account may spend what is on its way"
    for keys, why in margin_faults(settings.margin):
        yield ("margin", *keys), why
    for asset, amount in settings.opening_balances.items():
        if amount < 0:
            yield ("opening_balances", asset), f"{amount} is negative"


def market_faults(settings: MarketSettings) -> Iterator[Fault]:
    """Everything wrong with a market's settings, in the order of the fields."""
    share = settings.bars.volume_share
    if share is not None and not 0 < share <= 1:
        yield ("bars", "volume_share"), f"{share} is not a fraction of the volume: write 0.25 for a quarter"
    slippage = settings.slippage
    for field in ("bps", "ticks", "spread_share", "impact", "impact_exponent"):
        value = getattr(slippage, field)
        if not isfinite(value) or value < 0:
            yield ("slippage", field), f"{value} is not 0 or more"
    if slippage.function is not None and not slippage.function.rpartition(":")[2].isidentifier():
        yield (
            ("slippage", "function"),
            f"{slippage.function!r} names no function: write package.module:function or file.py:function",
        )
    if settings.hours.zone not in available_timezones():
        yield ("hours", "zone"), f"{settings.hours.zone!r} is no time zone: write one such as Europe/Berlin"
        return
    try:
        own_hours(settings.hours)
    except ConfigError as error:
        yield ("hours",), str(error)


def account_doubts(settings: SimulatedVenueSettings) -> Iterator[Fault]:
    """What is allowed in an account's settings and probably not meant."""
    plain = SimulatedVenueSettings()
    if settings.fees is not None or settings.charges:
        for field in ("maker_fee", "taker_fee"):
            if getattr(settings, field) != getattr(plain, field):
                yield (field,), "is not charged: fees or charges are given, and take its place"


def market_doubts(settings: MarketSettings) -> Iterator[Fault]:
    """What is allowed in a market's settings and probably not meant."""
    if settings.bars.market_orders == "same_close" and settings.slippage == Slippage():
        why = "fills at a price that was past when the order was decided: give it some slippage"
        yield ("bars", "market_orders"), why
    if settings.bars.market_rest == "cancel" and settings.bars.volume_share is None:
        yield ("bars", "market_rest"), "has little to say without volume_share: a bar fills any size"


def _delay_faults(delay: Delay) -> Iterator[tuple[str, str]]:
    if delay.spread < 0:
        yield "spread", "must not be negative"
    if (delay.model == "recorded") != bool(delay.recorded_ms):
        yield "recorded_ms", 'model = "recorded" and recorded_ms = […] go together'
    if delay.model == "lognormal" and delay.ms <= 0:
        yield "ms", "is the median of a lognormal delay: give one above 0"
