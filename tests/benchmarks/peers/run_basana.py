"""basana: an asynchronous event loop with decimal prices; no risk checks, no ledger of lots."""

# mypy: ignore-errors
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version

import basana as bs
from basana.backtesting import exchange, fees, liquidity
from given import CASH, FEE, NOTIONAL, Columns, Given, Mean, given, measure, unfit

MINUTE = timedelta(minutes=1)


class Cross:
    """Long while the fast mean is above the slow one, else flat."""

    def __init__(self, venue: exchange.Exchange, data: Given) -> None:
        self.venue, self.orders = venue, 0
        self.fast: dict = {}
        self.slow: dict = {}
        self.held: dict = {}
        self.lengths = data.fast, data.slow

    async def on_bar(self, event: bs.BarEvent) -> None:
        pair, close = event.bar.pair, float(event.bar.close)
        if not self.lengths[0]:
            return
        if pair not in self.fast:
            self.fast[pair], self.slow[pair] = Mean(self.lengths[0]), Mean(self.lengths[1])
        fast, slow = self.fast[pair], self.slow[pair]
        fast.update(close)
        slow.update(close)
        if slow.value is None:
            return
        wanted, held = fast.value > slow.value, self.held.get(pair)
        if wanted and held is None:
            self.held[pair] = Decimal(str(round(NOTIONAL / close, 5)))
            self.orders += 1
            await self.venue.create_market_order(bs.OrderOperation.BUY, pair, self.held[pair])
        elif not wanted and held is not None:
            del self.held[pair]
            self.orders += 1
            await self.venue.create_market_order(bs.OrderOperation.SELL, pair, held)


def prepare(data: Given) -> tuple[bs.BacktestingDispatcher, Cross]:
    """Everything but the run itself."""
    dispatcher = bs.backtesting_dispatcher()
    venue = exchange.Exchange(
        dispatcher,
        initial_balances={"USDT": Decimal(int(CASH))},
        liquidity_strategy_factory=liquidity.InfiniteLiquidity,
        fee_strategy=fees.Percentage(Decimal(str(FEE * 100))),
        bid_ask_spread=Decimal("0.000001"),
    )
    strategy = Cross(venue, data)
    for name, columns in data.series.items():
        pair = bs.Pair(name.partition("@")[0].removesuffix("USDT"), "USDT")
        venue.set_pair_info(pair, bs.PairInfo(8, 2))
        venue.add_bar_source(bs.FifoQueueEventSource(events=list(events(pair, columns))))
        venue.subscribe_to_bar_events(pair, strategy.on_bar)
    return dispatcher, strategy


def events(pair: bs.Pair, columns: Columns) -> Iterator[bs.BarEvent]:
    """Bars as basana has them: decimals."""
    prices = [
        [Decimal(repr(x)) for x in columns[name]] for name in ("open", "high", "low", "close", "volume")
    ]
    for ts, o, h, low, c, v in zip(columns["ts"], *prices, strict=True):
        end = datetime.fromtimestamp(ts // 10**9, UTC)
        yield bs.BarEvent(end, bs.Bar(end - MINUTE, pair, o, h, low, c, v, MINUTE))


def run(prepared: tuple[bs.BacktestingDispatcher, Cross]) -> Cross:
    """Dispatch all bars."""
    dispatcher, strategy = prepared
    asyncio.run(dispatcher.run())
    return strategy


if __name__ == "__main__":
    DATA = given()
    if DATA.workload == "C":
        unfit("it backtests bars, not quotes")
    measure(DATA, version("basana"), lambda: prepare(DATA), run, lambda strategy: strategy.orders)
