from __future__ import annotations

import csv
import math
import random
import statistics
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from actors.errors import ConfigError
from actors.indicators import (
    ADX,
    ATR,
    EMA,
    MACD,
    OBV,
    RSI,
    SMA,
    VWAP,
    WMA,
    BarIndicator,
    BollingerBands,
    Donchian,
    Hurst,
    Indicator,
    Keltner,
    LinearRegression,
    RollingVolatility,
    Stochastic,
    Supertrend,
    ValueIndicator,
    VolatilityRegime,
    ZScore,
)
from actors.messages.market import Bar


def walk(seed: int, count: int = 400) -> list[float]:
    chance = random.Random(seed)
    price, prices = 100.0, []
    for _ in range(count):
        price *= math.exp(chance.gauss(0, 0.01))
        prices.append(price)
    return prices


def bars(seed: int) -> list[Bar]:
    chance = random.Random(seed)
    return [
        Bar(
            ts_event=n, instrument="X@y", interval_ns=1, open=close, high=close + chance.random(),
            low=close - chance.random(), close=close, volume=float(chance.randint(0, 9)),
        )
        for n, close in enumerate(walk(seed))
    ]  # fmt: skip


def sma(prices: list[float], length: int) -> list[float]:
    return [statistics.fmean(prices[n - length : n]) for n in range(length, len(prices) + 1)]


def ema(prices: list[float], length: int) -> list[float]:
    values = [statistics.fmean(prices[:length])]
    for price in prices[length:]:
        values.append((2 * price + (length - 1) * values[-1]) / (length + 1))
    return values


def wilder(numbers: list[float], length: int) -> list[float]:
    values = [statistics.fmean(numbers[:length])]
    for number in numbers[length:]:
        values.append((values[-1] * (length - 1) + number) / length)
    return values


def rsi(prices: list[float], length: int) -> list[float]:
    changes = [after - before for before, after in pairwise(prices)]
    gains = wilder([max(change, 0.0) for change in changes], length)
    losses = wilder([max(-change, 0.0) for change in changes], length)
    return [100 - 100 / (1 + gain / loss) for gain, loss in zip(gains, losses, strict=True)]


def volatility(prices: list[float], length: int) -> list[float]:
    returns = [math.log(after / before) for before, after in pairwise(prices)]
    return [statistics.stdev(returns[n - length : n]) for n in range(length, len(returns) + 1)]


REFERENCES: list[tuple[Callable[[int], ValueIndicator], Callable[[list[float], int], list[float]], int]] = [
    (SMA, sma, 10),
    (SMA, sma, 1),
    (EMA, ema, 12),
    (RSI, rsi, 14),
    (RollingVolatility, volatility, 20),
    (BollingerBands, sma, 20),
]


@pytest.mark.parametrize(("indicator", "reference", "length"), REFERENCES)
def test_it_equals_its_definition_written_out(
    indicator: Callable[[int], ValueIndicator],
    reference: Callable[[list[float], int], list[float]],
    length: int,
) -> None:
    prices = walk(7)
    made = indicator(length)
    values = made.over(prices)
    assert all(math.isnan(value) for value in values[: made.warm_up - 1])
    expected = reference(prices, length)
    assert values[made.warm_up - 1 :] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_atr_equals_its_definition_written_out() -> None:
    series = bars(3)
    ranges = [series[0].high - series[0].low] + [
        max(bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close))
        for before, bar in pairwise(series)
    ]
    assert ATR(14).over(series)[13:] == pytest.approx(wilder(ranges, 14), rel=1e-12)


def test_bollinger_bands_are_population_deviations_around_the_average() -> None:
    prices, bands = walk(5), BollingerBands(20, 2.5)
    for n, price in enumerate(prices, 1):
        bands.update(price)
        if n >= 20:
            spread = 2.5 * statistics.pstdev(prices[n - 20 : n])
            middle = statistics.fmean(prices[n - 20 : n])
            assert (bands.lower, bands.upper) == pytest.approx((middle - spread, middle + spread), rel=1e-12)


ALL: list[Callable[[], Indicator]] = [
    lambda: SMA(5),
    lambda: EMA(5),
    lambda: RSI(5),
    lambda: ATR(5),
    lambda: RollingVolatility(5),
    lambda: BollingerBands(5),
    lambda: WMA(5),
    lambda: MACD(3, 6, 4),
    lambda: Stochastic(5, 3, 2),
    lambda: ADX(4),
    lambda: Donchian(5),
    lambda: Keltner(5, 2.0, 7),
    lambda: Supertrend(5, 1.0),
    VWAP,
    lambda: VWAP(5),
    OBV,
    lambda: ZScore(5),
    lambda: LinearRegression(5),
    lambda: Hurst(16),
    lambda: VolatilityRegime(4, 10),
]


@pytest.mark.parametrize("make", ALL)
def test_bar_by_bar_and_over_an_array_give_the_same_to_the_last_bit(make: Callable[[], Indicator]) -> None:
    series = bars(11)
    one, values = make(), []
    for bar in series:
        one.take_bar(bar)
        values.append(one.value)
    two = make()
    if isinstance(two, ValueIndicator):
        over = two.over(bar.close for bar in series)
    else:
        assert isinstance(two, BarIndicator)
        over = two.over(series)
    assert str(over) == str(values)


@pytest.mark.parametrize("make", ALL)
def test_restored_after_any_number_it_goes_on_the_same(make: Callable[[], Indicator]) -> None:
    series = bars(13)[:40]
    one = make()
    for k, bar in enumerate(series):
        kept = msgspec.msgpack.encode(one.snapshot())
        two = make()
        two.restore(msgspec.msgpack.decode(kept))
        assert msgspec.msgpack.encode(two.snapshot()) == kept
        for later in series[k:]:
            two.take_bar(later)
        one.take_bar(bar)
        if k == 0:
            last = msgspec.msgpack.encode(two.snapshot())
        assert msgspec.msgpack.encode(two.snapshot()) == last
        assert one.is_warm == (k + 1 >= one.warm_up)


def test_rounding_errors_do_not_pile_up() -> None:
    average, prices = SMA(10), [1e9, *walk(1, 200)]
    assert average.over(prices)[-1] == pytest.approx(statistics.fmean(prices[-10:]), rel=1e-14)
    flat = BollingerBands(10)
    flat.over([1e9, 3.0, *([100.0] * 60)])
    assert (flat.lower, flat.value, flat.upper) == (100.0, 100.0, 100.0)


def test_what_never_moves_has_a_middling_rsi_and_one_that_only_rises_a_full_one() -> None:
    assert RSI(3).over([5.0] * 6)[-1] == 50.0
    assert RSI(3).over([1.0, 2.0, 3.0, 4.0])[-1] == 100.0


@pytest.mark.parametrize("make", [lambda: SMA(0), lambda: EMA(-1), lambda: RollingVolatility(1)])
def test_a_length_without_meaning_is_refused(make: Callable[[], Indicator]) -> None:
    with pytest.raises(ConfigError, match="needs a length of at least"):
        make()


def test_a_used_indicator_cannot_be_run_over_an_array() -> None:
    used = SMA(2)
    used.update(1.0)
    with pytest.raises(ConfigError, match="has already followed 1 values: make a new one"):
        used.over([1.0])


@pytest.mark.parametrize(("name", "indicator", "places"), [("sma", SMA, 2), ("ema", EMA, 5)])
def test_it_equals_a_published_table(
    shared_data: Path, name: str, indicator: Callable[[int], ValueIndicator], places: int
) -> None:
    rows = list(csv.DictReader((shared_data / "indicators" / f"sc-{name}-10.csv").read_text().splitlines()))
    values = indicator(10).over([float(row["Input"]) for row in rows])
    for row, value in zip(rows, values, strict=True):
        if row["Expected"]:
            assert value == pytest.approx(float(row["Expected"]), abs=0.51 * 10**-places)
