"""Binance's public history, page by page: klines and funding by time, trades by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Literal

from actors.errors import BadDataFile, VenueUnreachable
from actors.messages.market import Bar, FundingRate, Trade
from actors.venues.binance import translate
from actors.venues.binance.codes import Refusal
from actors.venues.binance.filters import interval_name
from actors.venues.binance.rest import NS_PER_MS, Params, RestClient
from actors.venues.binance.wire import (
    AGGREGATE_ROWS,
    FUNDING_ROWS,
    KLINE_ROWS,
    SERVER_TIME,
    SINGLE_TRADE_ROWS,
)

PAGE = 1000
Market = Literal["spot", "usdm"]
PATHS: dict[Market, str] = {"spot": "/api/v3", "usdm": "/fapi/v1"}
ADDRESSES: dict[Market, str] = {"spot": "https://api.binance.com", "usdm": "https://fapi.binance.com"}


class BinanceHistory:
    """Questions to one address; `close` when done."""

    def __init__(
        self,
        *,
        rest_url: str,
        clock: Callable[[], int],
        timeout_seconds: float = 10.0,
        market: Market = "spot",
    ) -> None:
        self._path = PATHS[market]
        self._rest = RestClient(url=rest_url, clock=clock, timeout_seconds=timeout_seconds)

    @property
    def weight_used(self) -> int:
        """Of this minute, as the venue counts it."""
        return self._rest.budget.weight_used

    async def close(self) -> None:
        """Give the connections up."""
        await self._rest.close()

    async def now(self) -> int:
        """The venue's clock, ns: what is over by it will not change any more.

        Raises:
            VenueUnreachable: No answer.
        """
        return (await self._rest.read(f"{self._path}/time", SERVER_TIME)).time * NS_PER_MS

    async def bars(self, instrument: str, interval_ns: int, start: int, end: int) -> AsyncIterator[list[Bar]]:
        """Bars with start ≤ bar start and bar end ≤ end, oldest first.

        Raises:
            VenueUnreachable: No answer.
            BadDataFile: The venue does not know the symbol.
        """
        name, symbol = interval_name(interval_ns), instrument.rpartition("@")[0]
        next_ms, end_ms = -(-start // NS_PER_MS), end // NS_PER_MS
        while next_ms < end_ms:
            params: Params = {
                "symbol": symbol,
                "interval": name,
                "startTime": next_ms,
                "endTime": end_ms - 1,
                "limit": PAGE,
            }
            try:
                rows = await self._rest.read(f"{self._path}/klines", KLINE_ROWS, params)
            except Refusal as refusal:
                raise _refused(instrument, refusal) from refusal
            whole = [row for row in rows if row.close_time < end_ms and row.open_time >= next_ms]
            yield [translate.bar(row, instrument, interval_ns) for row in whole]
            if len(rows) < PAGE:
                return
            next_ms = rows[-1].open_time + 1

    async def trades(
        self, instrument: str, start: int, end: int, *, after_id: int | None = None
    ) -> AsyncIterator[list[Trade]]:
        """Aggregate trades with time < end: behind an id, else from `start` on; oldest first.

        Raises:
            VenueUnreachable: No answer.
            BadDataFile: The venue does not know the symbol.
        """
        symbol = instrument.rpartition("@")[0]
        end_ms = end // NS_PER_MS
        where: Params = (
            {"startTime": -(-start // NS_PER_MS)} if after_id is None else {"fromId": after_id + 1}
        )
        while True:
            params: Params = {"symbol": symbol, "limit": PAGE, **where}
            try:
                rows = await self._rest.read(f"{self._path}/aggTrades", AGGREGATE_ROWS, params)
            except Refusal as refusal:
                raise _refused(instrument, refusal) from refusal
            yield [
                _trade(instrument, row.number, row.time, row.price, row.quantity, row.buyer_is_maker)
                for row in rows
                if row.time < end_ms and row.quantity > 0
            ]
            if len(rows) < PAGE or rows[-1].time >= end_ms:
                return
            where = {"fromId": rows[-1].number + 1}

    async def single_trades(
        self, instrument: str, start: int, end: int, *, after_id: int | None = None
    ) -> AsyncIterator[list[Trade]]:
        """Every trade by itself with time < end: behind an id, else from `start` on; oldest first.

        The venue gives them by id alone: the first one is found as that of the first aggregate.

        Raises:
            VenueUnreachable: No answer.
            BadDataFile: The venue does not know the symbol, or wants a key.
        """
        symbol, end_ms = instrument.rpartition("@")[0], end // NS_PER_MS
        from_id = None if after_id is None else after_id + 1
        try:
            if from_id is None:
                first: Params = {"symbol": symbol, "startTime": -(-start // NS_PER_MS), "limit": 1}
                found = await self._rest.read(f"{self._path}/aggTrades", AGGREGATE_ROWS, first)
                if not found:
                    return
                from_id = found[0].first_trade
            while True:
                params: Params = {"symbol": symbol, "limit": PAGE, "fromId": from_id}
                rows = await self._rest.read(f"{self._path}/historicalTrades", SINGLE_TRADE_ROWS, params)
                yield [
                    _trade(instrument, row.id, row.time, row.price, row.quantity, row.is_buyer_maker)
                    for row in rows
                    if row.time < end_ms
                ]
                if len(rows) < PAGE or rows[-1].time >= end_ms:
                    return
                from_id = rows[-1].id + 1
        except Refusal as refusal:
            raise _refused(instrument, refusal) from refusal

    async def funding(self, instrument: str, start: int, end: int) -> AsyncIterator[list[FundingRate]]:
        """What a perpetual was funded at, start ≤ time < end, oldest first; of the `usdm` market alone.

        Raises:
            VenueUnreachable: No answer.
            BadDataFile: The venue does not know the symbol.
        """
        symbol = instrument.rpartition("@")[0]
        next_ms, end_ms = -(-start // NS_PER_MS), -(-end // NS_PER_MS)
        while next_ms < end_ms:
            params: Params = {"symbol": symbol, "startTime": next_ms, "endTime": end_ms - 1, "limit": PAGE}
            try:
                rows = await self._rest.read(f"{self._path}/fundingRate", FUNDING_ROWS, params)
            except Refusal as refusal:
                raise _refused(instrument, refusal) from refusal
            yield [
                FundingRate(
                    instrument=instrument,
                    ts_event=row.funding_time * NS_PER_MS,
                    rate=row.funding_rate,
                    mark_price=float(row.mark_price) if row.mark_price else None,
                )
                for row in rows
            ]
            if len(rows) < PAGE:
                return
            next_ms = rows[-1].funding_time + 1


def _trade(
    instrument: str, number: int, time_ms: int, price: float, size: float, buyer_is_maker: bool
) -> Trade:
    return Trade(
        instrument=instrument,
        ts_event=time_ms * NS_PER_MS,
        trade_id=str(number),
        price=price,
        size=size,
        aggressor="sell" if buyer_is_maker else "buy",
    )


def _refused(instrument: str, refusal: Refusal) -> Exception:
    if refusal.is_repeatable:
        return VenueUnreachable(f"no history of {instrument}: {refusal}")
    return BadDataFile(f"no history of {instrument}: {refusal}; check the symbol")
