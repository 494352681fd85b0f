"""NautilusTrader: its compiled engine with a strategy in Python; bars fill at once."""

# mypy: ignore-errors
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version

from given import CASH, NOTIONAL, Columns, Given, given, measure
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage, SimpleMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import AccountType, CurrencyType, OmsType, OrderSide, PriceType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("BINANCE")
FEE = Decimal("0.0001")
Pairs = list[tuple[CurrencyPair, BarType]]


def instrument_of(name: str) -> CurrencyPair:
    """A spot pair with the fee of this benchmark."""
    symbol = name.partition("@")[0]
    base = Currency(symbol.removesuffix("USDT"), 8, 0, symbol, CurrencyType.CRYPTO)
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), VENUE), raw_symbol=Symbol(symbol), base_currency=base,
        quote_currency=USDT, price_precision=2, size_precision=5, price_increment=Price(0.01, 2),
        size_increment=Quantity(1e-5, 5), maker_fee=FEE, taker_fee=FEE, ts_event=0, ts_init=0,
    )  # fmt: skip


class Cross(Strategy):
    """Long while the fast mean is above the slow one, else flat."""

    def __init__(self, pairs: Pairs, lengths: tuple[int, int]) -> None:
        super().__init__()
        self.pairs, self.lengths, self.sent = pairs, lengths, 0
        self.means: dict = {}
        self.held: dict = {}

    def on_start(self) -> None:
        for _, bar_type in self.pairs:
            if self.lengths[0]:
                self.means[bar_type] = tuple(SimpleMovingAverage(length) for length in self.lengths)
                for mean in self.means[bar_type]:
                    self.register_indicator_for_bars(bar_type, mean)
            self.subscribe_bars(bar_type)
        self.by_type = {bar_type: pair for pair, bar_type in self.pairs}

    def on_bar(self, bar: Bar) -> None:
        means = self.means.get(bar.bar_type)
        if means is None or not means[1].initialized:
            return
        pair, wanted = self.by_type[bar.bar_type], means[0].value > means[1].value
        held = self.held.get(pair)
        if wanted and held is None:
            held = self.held[pair] = pair.make_qty(NOTIONAL / bar.close.as_double())
            self.order(pair, OrderSide.BUY, held)
        elif not wanted and held is not None:
            del self.held[pair]
            self.order(pair, OrderSide.SELL, held)

    def order(self, pair: CurrencyPair, side: OrderSide, quantity: Quantity) -> None:
        """Market, at once."""
        self.sent += 1
        self.submit_order(self.order_factory.market(pair.id, side, quantity))


class Resting(Strategy):
    """A limit order below an average every 1,000 quotes, cancelled after 500."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        ((self.pair, _),) = pairs
        self.sent, self.seen, self.last = 0, 0, None
        self.average = ExponentialMovingAverage(20, PriceType.MID)

    def on_start(self) -> None:
        self.register_indicator_for_quote_ticks(self.pair.id, self.average)
        self.subscribe_quote_ticks(self.pair.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.seen += 1
        place = self.seen % 1000
        if not place:
            self.sent += 1
            price = self.pair.make_price(self.average.value * 0.99)
            self.last = self.order_factory.limit(self.pair.id, OrderSide.BUY, self.pair.make_qty(0.01), price)
            self.submit_order(self.last)
        elif place == 500 and self.last is not None:
            self.cancel_order(self.last)


def quotes(pair: CurrencyPair, columns: Columns) -> Iterator[QuoteTick]:
    """Its own ticks."""
    rows = zip(
        *(columns[name] for name in ("ts", "bid_price", "bid_size", "ask_price", "ask_size")), strict=True
    )
    for ts, bid, bid_size, ask, ask_size in rows:
        yield QuoteTick(
            pair.id, Price(bid, 2), Price(ask, 2), Quantity(bid_size, 5), Quantity(ask_size, 5), ts, ts
        )


def bars(bar_type: BarType, columns: Columns) -> Iterator[Bar]:
    """Its own bars."""
    names = ("ts", "open", "high", "low", "close", "volume")
    for ts, *prices, volume in zip(*(columns[name] for name in names), strict=True):
        yield Bar(bar_type, *(Price(price, 2) for price in prices), Quantity(volume, 5), ts, ts)


def prepare(data: Given) -> tuple[BacktestEngine, Strategy]:
    """Engine, venue, data and strategy."""
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.CASH, [Money(CASH, USDT)], bar_execution=data.kind == "bars"
    )
    pairs, made = [], []
    for name, columns in data.series.items():
        pair = instrument_of(name)
        engine.add_instrument(pair)
        bar_type = BarType.from_str(f"{pair.id}-1-MINUTE-LAST-EXTERNAL")
        pairs.append((pair, bar_type))
        made += quotes(pair, columns) if data.kind == "quotes" else bars(bar_type, columns)
    made.sort(key=lambda each: each.ts_init)
    engine.add_data(made, sort=False)
    engine.sort_data()
    strategy = Resting(pairs) if data.kind == "quotes" else Cross(pairs, (data.fast, data.slow))
    engine.add_strategy(strategy)
    return engine, strategy


def run(prepared: tuple[BacktestEngine, Strategy]) -> Strategy:
    """All data through the engine."""
    prepared[0].run()
    return prepared[1]


if __name__ == "__main__":
    DATA = given()
    measure(DATA, version("nautilus_trader"), lambda: prepare(DATA), run, lambda strategy: strategy.sent)
