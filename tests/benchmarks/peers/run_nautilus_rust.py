"""NautilusTrader's engine all in Rust, with a strategy in Python; bars fill at once."""

# mypy: ignore-errors
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version

from given import CASH, NOTIONAL, Columns, Given, Mean, given, measure
from nautilus_trader.core.nautilus_pyo3 import (
    AccountType,
    BacktestEngine,
    BacktestEngineConfig,
    Bar,
    BarType,
    BookType,
    Currency,
    CurrencyPair,
    CurrencyType,
    ExponentialMovingAverage,
    InstrumentId,
    LoggerConfig,
    LogLevel,
    Money,
    OmsType,
    OrderSide,
    Price,
    PriceType,
    Quantity,
    QuoteTick,
    SimpleMovingAverage,
    Strategy,
    StrategyConfig,
    Symbol,
    Venue,
)

VENUE = Venue("BINANCE")
FEE = Decimal("0.0001")
PERIOD_MAX = 1024
"""Of its averages; longer ones are kept in Python."""
Pairs = list[tuple[CurrencyPair, BarType]]


def instrument_of(name: str) -> CurrencyPair:
    """A spot pair with the fee of this benchmark."""
    symbol = name.partition("@")[0]
    base = Currency(symbol.removesuffix("USDT"), 8, 0, symbol, CurrencyType.CRYPTO)
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), VENUE), raw_symbol=Symbol(symbol), base_currency=base,
        quote_currency=Currency.from_str("USDT"), price_precision=2, size_precision=5,
        price_increment=Price(0.01, 2), size_increment=Quantity(1e-5, 5), maker_fee=FEE, taker_fee=FEE,
        ts_event=0, ts_init=0,
    )  # fmt: skip


class Asking(Strategy):
    """What both strategies share."""

    def __new__(cls, *_: object) -> Strategy:
        return super().__new__(cls, quiet())

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self.pairs, self.sent = pairs, 0


def quiet() -> StrategyConfig:
    """Without a line of log for each order."""
    return StrategyConfig(strategy_id=None, order_id_tag="001", log_events=False, log_commands=False)


class Cross(Asking):
    """Long while the fast mean is above the slow one, else flat."""

    def __init__(self, pairs: Pairs, lengths: tuple[int, int]) -> None:
        super().__init__(pairs)
        self.lengths, self.means, self.held = lengths, {}, {}

    def on_start(self) -> None:
        for pair, bar_type in self.pairs:
            if self.lengths[0]:
                self.means[str(bar_type)] = pair, *(self.mean(bar_type, length) for length in self.lengths)
            self.subscribe_bars(bar_type)
        self.only = self.means[str(self.pairs[0][1])] if self.means and len(self.pairs) == 1 else None

    def mean(self, bar_type: BarType, length: int) -> SimpleMovingAverage | Mean:
        """Its own, which it updates itself, where that is long enough."""
        if length > PERIOD_MAX:
            return Mean(length)
        mean = SimpleMovingAverage(length)
        self.register_indicator_for_bars(bar_type, mean)
        return mean

    def on_bar(self, bar: Bar) -> None:
        if not self.means:
            return
        pair, fast, slow = self.only or self.means[str(bar.bar_type)]
        if self.lengths[1] > PERIOD_MAX:
            slow.update(bar.close.as_double())
            if slow.value is None:
                return
        elif not slow.initialized:
            return
        wanted = fast.value > slow.value
        held = self.held.get(pair.id.value)
        if wanted and held is None:
            held = self.held[pair.id.value] = pair.make_qty(NOTIONAL / bar.close.as_double())
            self.order(pair, OrderSide.BUY, held)
        elif not wanted and held is not None:
            del self.held[pair.id.value]
            self.order(pair, OrderSide.SELL, held)

    def order(self, pair: CurrencyPair, side: OrderSide, quantity: Quantity) -> None:
        """Market, at once."""
        self.sent += 1
        self.submit_order(self.order_factory.market(pair.id, side, quantity))


class Resting(Asking):
    """A limit order below an average every 1,000 quotes, cancelled after 500."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        ((self.pair, _),) = pairs
        self.seen, self.last = 0, None
        self.average = ExponentialMovingAverage(20, PriceType.MID)

    def on_start(self) -> None:
        self.register_indicator_for_quote_ticks(self.pair.id, self.average)
        self.subscribe_quotes(self.pair.id)

    def on_quote(self, quote: QuoteTick) -> None:
        self.seen += 1
        place = self.seen % 1000
        if not place:
            self.sent += 1
            price = self.pair.make_price(self.average.value * 0.99)
            self.last = self.order_factory.limit(self.pair.id, OrderSide.BUY, self.pair.make_qty(0.01), price)
            self.submit_order(self.last)
        elif place == 500 and self.last is not None:
            self.cancel_order(self.last.client_order_id)


def quotes(pair: CurrencyPair, columns: Columns) -> Iterator[QuoteTick]:
    """Its own ticks."""
    names = ("ts", "bid_price", "ask_price", "bid_size", "ask_size")
    for ts, bid, ask, bid_size, ask_size in zip(*(columns[name] for name in names), strict=True):
        yield QuoteTick(
            pair.id, Price(bid, 2), Price(ask, 2), Quantity(bid_size, 5), Quantity(ask_size, 5), ts, ts
        )


def bars(bar_type: BarType, columns: Columns) -> Iterator[Bar]:
    """Its own bars."""
    names = ("ts", "open", "high", "low", "close", "volume")
    for ts, *prices, volume in zip(*(columns[name] for name in names), strict=True):
        yield Bar(bar_type, *(Price(price, 2) for price in prices), Quantity(volume, 5), ts, ts)


def prepare(data: Given) -> tuple[BacktestEngine, Asking]:
    """Engine, venue, data and strategy."""
    silence = LoggerConfig(stdout_level=LogLevel.OFF, bypass_logging=True)
    engine = BacktestEngine(BacktestEngineConfig(bypass_logging=True, run_analysis=False, logging=silence))
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.CASH, [Money(CASH, Currency.from_str("USDT"))],
        book_type=BookType.L1_MBP, bar_execution=data.kind == "bars",
    )  # fmt: skip
    pairs = []
    for name, columns in data.series.items():
        pair = instrument_of(name)
        engine.add_instrument(pair)
        bar_type = BarType.from_str(f"{pair.id}-1-MINUTE-LAST-EXTERNAL")
        pairs.append((pair, bar_type))
        made = list(quotes(pair, columns) if data.kind == "quotes" else bars(bar_type, columns))
        engine.add_data(made, sort=False)
    engine.sort_data()
    strategy = Resting(pairs) if data.kind == "quotes" else Cross(pairs, (data.fast, data.slow))
    engine.add_strategy(strategy)
    return engine, strategy


def run(prepared: tuple[BacktestEngine, Asking]) -> Asking:
    """All data through the engine."""
    prepared[0].run()
    return prepared[1]


if __name__ == "__main__":
    DATA = given()
    measure(DATA, version("nautilus_trader"), lambda: prepare(DATA), run, lambda strategy: strategy.sent)
