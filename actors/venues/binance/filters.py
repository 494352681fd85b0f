"""`exchangeInfo` → our instruments, and the venue's own timeframes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches

from actors.errors import ConfigError
from actors.model.instrument import ONE, ZERO, Instrument, instrument_id
from actors.model.intervals import format_interval, parse_interval
from actors.venues.binance.wire import SymbolFilter, SymbolInfo

TRADING = "TRADING"

_NAMES = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
INTERVALS = {parse_interval(name): name for name in _NAMES}
"""Nanoseconds → the venue's name; its calendar month has no fixed length and is left out."""


def interval_name(interval_ns: int) -> str:
    """The venue's name of a timeframe.

    Raises:
        ConfigError: The venue publishes no such bars.
    """
    name = INTERVALS.get(interval_ns)
    if name is None:
        raise ConfigError(
            f"Binance publishes no {format_interval(interval_ns)} bars: take one of {', '.join(_NAMES)}, "
            "or have the bars built from smaller ones"
        )
    return name


def instrument_from(info: SymbolInfo, venue: str) -> Instrument:
    """Steps and limits of a symbol; where limit and market orders differ, the tighter holds for both."""
    price = _filter(info, "PRICE_FILTER")
    lots = [f for f in (_filter(info, "LOT_SIZE"), _filter(info, "MARKET_LOT_SIZE")) if f]
    notionals = [f for f in (_filter(info, "MIN_NOTIONAL"), _filter(info, "NOTIONAL")) if f]
    return Instrument(
        id=instrument_id(info.symbol, venue),
        symbol=info.symbol,
        venue=venue,
        kind="spot",
        base=info.base_asset,
        quote=info.quote_asset,
        tick_size=_tidy(price.tick_size) if price else ZERO,
        lot_size=max((_tidy(lot.step_size) for lot in lots), default=ZERO),
        quantity_min=max((_tidy(lot.min_qty) for lot in lots), default=ZERO),
        quantity_max=min((_tidy(lot.max_qty) for lot in lots if lot.max_qty), default=None),
        notional_min=max((_tidy(f.min_notional) for f in notionals), default=ZERO),
    )


def unlisted(symbols: Iterable[str], listed: Iterable[str]) -> ConfigError:
    """The error for symbols the venue does not know, with the nearest name of each."""
    names = list(listed)
    hints = []
    for symbol in symbols:
        near = get_close_matches(symbol.upper(), names, n=1, cutoff=0.6)
        hints.append(f"{symbol!r}" + (f" (did you mean {near[0]}?)" if near else ""))
    return ConfigError(
        f"Binance does not list {', '.join(hints)}: correct the instrument in the configuration"
    )


def _filter(info: SymbolInfo, kind: str) -> SymbolFilter | None:
    return next((f for f in info.filters if f.filter_type == kind), None)


def _tidy(number: Decimal | None) -> Decimal:
    """Without trailing zeros; absent and 0 both mean that the venue does not check."""
    if not number:
        return ZERO
    short = number.normalize()
    return short.quantize(ONE) if short >= ONE and short == short.to_integral_value() else short
