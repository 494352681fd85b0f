"""What the exchange lists: instruments, their filters, and where their prices start."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.errors import UsageError
from actors.model.instrument import Instrument, instrument_id

VENUE = "binance"
QUOTES = ("USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR", "USD")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol with the figures of its filters."""

    instrument: Instrument
    start_price: float
    """Where the generator begins, quote per base."""
    price_max: Decimal = Decimal(1_000_000)
    market_quantity_max: Decimal = Decimal(1_000)
    """Base units in one market order."""
    percent_price: Decimal | None = Decimal(5)
    """A limit price may be this many times above or below the last price; None switches the filter off."""

    @property
    def symbol(self) -> str:
        """As the venue writes it."""
        return self.instrument.symbol


_KNOWN = {
    # symbol: tick, lot, start price
    "BTCUSDT": ("0.01", "0.00001", 60_000.0),
    "ETHUSDT": ("0.01", "0.0001", 3_000.0),
    "BNBUSDT": ("0.01", "0.001", 600.0),
    "SOLUSDT": ("0.01", "0.001", 150.0),
    "XRPUSDT": ("0.0001", "0.1", 0.6),
    "ADAUSDT": ("0.0001", "0.1", 0.5),
    "DOGEUSDT": ("0.00001", "1", 0.1),
    "ETHBTC": ("0.00001", "0.0001", 0.05),
}


def listing(symbol: str) -> Listing:
    """The venue's definition of a symbol; one we have no figures for gets usual ones.

    Raises:
        UsageError: The symbol ends with no quote asset we know.
    """
    quote = next((asset for asset in QUOTES if symbol.endswith(asset) and symbol != asset), None)
    if quote is None or not symbol.isalnum() or symbol != symbol.upper():
        raise UsageError(
            f"{symbol!r} is no symbol: write base and quote as in BTCUSDT (quotes: {', '.join(QUOTES)})"
        )
    tick, lot, price = _KNOWN.get(symbol, ("0.01", "0.001", 100.0))
    is_dear = price >= 1_000
    instrument = Instrument(
        id=instrument_id(symbol, VENUE),
        symbol=symbol,
        venue=VENUE,
        kind="spot",
        base=symbol.removesuffix(quote),
        quote=quote,
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        quantity_min=Decimal(lot),
        quantity_max=Decimal(9_000 if is_dear else 9_000_000),
        notional_min=Decimal(5) if quote.startswith(("USD", "FDUSD", "EUR")) else Decimal("0.0001"),
    )
    return Listing(
        instrument=instrument,
        start_price=price,
        market_quantity_max=Decimal(1_000 if is_dear else 1_000_000),
    )
