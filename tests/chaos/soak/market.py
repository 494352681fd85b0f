"""Months of a market in simulated time: quotes and trades of two instruments, from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random

from actors.messages.market import MarketData, Quote, Trade
from actors.model.instrument import Instrument

SECOND_NS = 1_000_000_000
BEGIN_NS = 1_767_225_600 * SECOND_NS
GAP_NS = SECOND_NS // 5
TRADE_EVERY = 10
LOWEST, HIGHEST = 8_000, 12_000
"""Ticks between which the price walks."""
INSTRUMENTS = tuple(
    Instrument(
        id=f"{base}USDT@binance", symbol=f"{base}USDT", venue="binance", kind="spot", base=base, quote="USDT",
        tick_size=Decimal("0.01"), lot_size=Decimal("0.1"),
        quantity_min=Decimal("0.1"), notional_min=Decimal(5),
    )
    for base in ("BTC", "ETH")
)  # fmt: skip


def inputs(count: int, seed: int) -> Iterator[MarketData]:
    """So many messages, evenly spaced, never ending on a price the market cannot leave."""
    random = Random(seed)
    middles = {instrument.id: (LOWEST + HIGHEST) // 2 for instrument in INSTRUMENTS}
    names = list(middles)
    for number in range(1, count + 1):
        now, name = BEGIN_NS + number * GAP_NS, names[number & 1]
        draw = random.getrandbits(24)
        middle = middles[name] = min(HIGHEST, max(LOWEST, middles[name] + draw % 7 - 3))
        if number % TRADE_EVERY:
            yield Quote(
                ts_event=now,
                instrument=name,
                bid_price=(middle - 1) / 100,
                bid_size=(1 + (draw >> 3) % 400) / 10,
                ask_price=(middle + 1) / 100,
                ask_size=(1 + (draw >> 12) % 400) / 10,
            )
        else:
            yield Trade(
                ts_event=now,
                instrument=name,
                trade_id=str(number),
                price=middle / 100,
                size=(1 + (draw >> 3) % 400) / 10,
                aggressor="buy" if draw & 1 else "sell",
            )
