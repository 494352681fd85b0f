"""The indicators against their definitions written out over each window, and at their boundaries."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError
from actors.indicators import (
    ADX,
    MACD,
    OBV,
    VWAP,
    WMA,
    Correlation,
    Donchian,
    Hurst,
    Indicator,
    Keltner,
    LinearRegression,
    Stochastic,
    Supertrend,
    ValueIndicator,
    VolatilityRegime,
    ZScore,
    bars_from,
)
from actors.indicators.windows import Extreme


def walk(seed: int, count: int = 600) -> list[float]:
    chance = random.Random(seed)
    price, prices = 100.0, []
    for _ in range(count):
        price *= math.exp(chance.gauss(0, 0.01))
        prices.append(price)
    return prices


def wma(window: list[float]) -> float:
    weights = range(1, len(window) + 1)
    return math.fsum(w * x for w, x in zip(weights, window, strict=True)) / sum(weights)


def line_end(window: list[float]) -> float:
    slope, intercept = statistics.linear_regression(range(len(window)), window)
    return intercept + slope * (len(window) - 1)


def z_score(window: list[float]) -> float:
    return (window[-1] - statistics.fmean(window)) / statistics.pstdev(window)


def hurst(window: list[float]) -> float:
    logs = [math.log(price) for price in window]
    lags = [2**n for n in range(20) if 4 * 2**n <= len(window)]
    spreads = [
        math.log(
            statistics.fmean((after - before) ** 2 for before, after in zip(logs, logs[lag:], strict=False))
        )
        for lag in lags
    ]
    return statistics.linear_regression([math.log(lag) for lag in lags], spreads).slope / 2.0


WINDOWED: list[tuple[Callable[[int], ValueIndicator], Callable[[list[float]], float], int]] = [
    (WMA, wma, 10),
    (WMA, wma, 1),
    (LinearRegression, line_end, 14),
    (LinearRegression, line_end, 2),
    (ZScore, z_score, 20),
    (Hurst, hurst, 64),
    (Hurst, hurst, 100),
]


@pytest.mark.parametrize(("indicator", "reference", "length"), WINDOWED)
def test_at_every_bar_it_equals_its_definition_over_the_window(
    indicator: Callable[[int], ValueIndicator], reference: Callable[[list[float]], float], length: int
) -> None:
    prices = walk(7, 400)
    values = indicator(length).over(prices)
    assert all(math.isnan(value) for value in values[: length - 1])
    expected = [reference(prices[n - length : n]) for n in range(length, len(prices) + 1)]
    assert values[length - 1 :] == pytest.approx(expected, rel=1e-12, abs=2e-12)


def test_correlation_at_every_bar_equals_its_definition_over_the_window() -> None:
    ones, twos = walk(1), walk(2)
    values = Correlation(30).over(ones, twos)
    expected = [statistics.correlation(ones[n - 30 : n], twos[n - 30 : n]) for n in range(30, len(ones) + 1)]
    assert all(math.isnan(value) for value in values[:29])
    assert values[29:] == pytest.approx(expected, rel=1e-11, abs=1e-12)


def test_correlation_restored_after_any_number_goes_on_the_same() -> None:
    ones, twos = walk(1, 40), walk(2, 40)
    whole = Correlation(5).over(ones, twos)
    first = Correlation(5)
    for k in range(40):
        second = Correlation(5)
        second.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(first.snapshot())))
        rest = [second.update(one, two) for one, two in zip(ones[k:], twos[k:], strict=True)]
        assert str(rest) == str(whole[k:])
        first.update(ones[k], twos[k])


def test_series_that_move_together_are_correlated_and_a_standstill_is_not_defined() -> None:
    prices = walk(3, 40)
    assert Correlation(10).over(prices, [2 * price + 5 for price in prices])[-1] == pytest.approx(1.0)
    assert Correlation(10).over(prices, [-price for price in prices])[-1] == pytest.approx(-1.0)
    assert math.isnan(Correlation(10).over([*prices, *[7.0] * 10], [*prices, *prices[:10]])[-1])


def test_a_pair_cannot_be_fed_by_one_series_of_bars() -> None:
    (bar,) = bars_from([1.0], [1.0], [1.0])
    with pytest.raises(ConfigError, match=r"Correlation follows two series: call its update\(one, other\)"):
        Correlation(5).take_bar(bar)


@given(st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=60), st.integers(1, 12))
def test_extremes_are_those_of_the_window(values: list[float], length: int) -> None:
    high, low = Extreme(length, 1), Extreme(length, -1)
    for n, value in enumerate(values, 1):
        window = values[max(0, n - length) : n]
        assert (high.update(value), low.update(value)) == (max(window), min(window))


def test_bands_around_averages_are_as_wide_as_the_true_range_says() -> None:
    closes = walk(5, 60)
    bands = Keltner(20, 1.5, 10)
    columns = bands.columns(bars_from([c + 1.0 for c in closes], [c - 1.0 for c in closes], [100.0] * 60))
    assert math.isnan(columns["upper"][18])
    assert columns["value"][-1] == 100.0
    upper, lower = columns["upper"][-1], columns["lower"][-1]
    assert upper - 100.0 == pytest.approx(100.0 - lower, rel=1e-12)
    still = Keltner(5, 2.0, 5).columns(bars_from([101.0] * 9, [99.0] * 9, [100.0] * 9))
    assert (still["lower"][-1], still["value"][-1], still["upper"][-1]) == (96.0, 100.0, 104.0)


def test_a_supertrend_turns_with_the_close_beyond_its_stop() -> None:
    closes = [100.0 + n for n in range(20)] + [119.0 - 3 * n for n in range(20)]
    columns = Supertrend(5, 2.0).columns(bars_from([c + 1 for c in closes], [c - 1 for c in closes], closes))
    assert set(columns["direction"][:20]) == {1}
    assert columns["direction"][-1] == -1
    for close, stop, direction in zip(
        closes[5:], columns["value"][5:], columns["direction"][5:], strict=True
    ):
        assert (close - stop) * direction > 0.0
    rising = columns["value"][4:20]
    assert rising == sorted(rising)


def test_vwap_weighs_by_volume_since_the_last_reset() -> None:
    one = VWAP()
    for bar in bars_from([10.0, 20.0], [10.0, 20.0], [10.0, 20.0], [1.0, 3.0]):
        one.take_bar(bar)
    assert one.value == 17.5
    one.reset()
    assert math.isnan(one.value)
    (bar,) = bars_from([8.0], [8.0], [8.0], [2.0])
    one.take_bar(bar)
    assert one.value == 8.0


def test_vwap_over_a_window_equals_its_definition_and_the_price_where_nothing_traded() -> None:
    chance = random.Random(4)
    closes, volumes = walk(4, 300), [chance.random() for _ in range(300)]
    values = VWAP(10).over(bars_from(closes, closes, closes, volumes))
    for n in range(10, 301):
        traded = volumes[n - 10 : n]
        total = math.fsum(c * v for c, v in zip(closes[n - 10 : n], traded, strict=True))
        assert values[n - 1] == pytest.approx(total / math.fsum(traded), rel=1e-12)
    quiet = VWAP(3).over(bars_from([5.0] * 6, [5.0] * 6, [5.0] * 6, [0.1, 0.2, 0.7, 0.0, 0.0, 0.0]))
    assert quiet[-1] == 5.0
    columns = [9.0, 9.1, 9.2, 7.0, 7.0, 7.0]
    assert VWAP(3).over(bars_from(columns, columns, columns, [0.1, 0.2, 0.7, 0.0, 0.0, 0.0]))[-1] == 7.0


def test_volume_is_added_with_the_close_and_not_where_it_stays() -> None:
    closes = [5.0, 6.0, 6.0, 4.0]
    assert OBV().over(bars_from(closes, closes, closes, [1.0, 2.0, 4.0, 8.0])) == [1.0, 3.0, 3.0, -5.0]


def test_a_random_walk_has_a_hurst_exponent_of_a_half_and_its_extremes_lie_apart() -> None:
    found = [Hurst(256).over(walk(seed, 256))[-1] for seed in range(60)]
    assert statistics.fmean(found) == pytest.approx(0.5, abs=0.05)
    trend = [math.exp(0.001 * n) for n in range(256)]
    assert Hurst(256).over(trend)[-1] == pytest.approx(1.0, abs=1e-9)
    chance = random.Random(3)
    reverting = [math.exp(chance.gauss(0, 0.01)) for _ in range(1024)]
    assert Hurst(1024).over(reverting)[-1] == pytest.approx(0.0, abs=0.05)


def test_what_stands_still_has_no_exponent_no_distance_and_a_middling_place() -> None:
    still = [*walk(2, 50), *[100.1] * 40]
    assert math.isnan(Hurst(32).over(still)[-1])
    assert ZScore(20).over(still)[-1] == 0.0
    assert Stochastic(5, 1, 1).over(bars_from([1.0] * 5, [1.0] * 5, [1.0] * 5))[-1] == 50.0
    assert ADX(3).over(bars_from([1.0] * 9, [1.0] * 9, [1.0] * 9))[-1] == 0.0


def test_a_regime_is_the_rank_of_the_volatility_in_its_history() -> None:
    regime = VolatilityRegime(5, 40)
    named = [regime.regime]
    assert math.isnan(regime.over(walk(1, 44))[-1])
    regime.update(100.0)
    assert regime.is_warm
    storm = [regime.update(100.0 * (1.0 + 0.2 * (-1.0) ** n)) for n in range(10)]
    assert max(storm) == 1.0
    named.append(regime.regime)
    for _ in range(12):
        regime.update(100.0)
    named.append(regime.regime)
    assert regime.value < 0.25
    assert named == [None, "high", "low"]


def test_ranks_among_equals_are_in_the_middle() -> None:
    regime = VolatilityRegime(2, 5)
    assert regime.over([1.0] * 7)[-1] == 0.5
    assert regime.regime == "normal"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MACD(26, 12), "MACD needs a fast length below the slow one, not 26 and 12"),
        (lambda: MACD(0, 12), "MACD needs a length of at least 1, not 0"),
        (lambda: Stochastic(14, 0), "Stochastic needs a length of at least 1, not 0"),
        (lambda: ADX(1), "ADX needs a length of at least 2, not 1"),
        (lambda: Donchian(0), "Donchian needs a length of at least 1, not 0"),
        (lambda: Hurst(15), "Hurst needs a length of at least 16, not 15"),
        (lambda: VWAP(0), "VWAP needs a length of at least 1, not 0"),
        (lambda: VolatilityRegime(low=0.8), r"needs 0 < low < high < 1, not 0\.8 and 0\.75"),
        (lambda: Correlation(1), "Correlation needs a length of at least 2, not 1"),
    ],
)
def test_parameters_without_meaning_are_refused(make: Callable[[], Indicator], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Donchian(1).over(bars_from([1.0, 2.0], [1.0], [1.0, 2.0]))


def test_a_level_or_volume_long_gone_leaves_no_rounding_behind() -> None:
    tail = walk(6, 60)
    jumped = [1e12, *tail]
    assert LinearRegression(10).over(jumped)[-1] == pytest.approx(line_end(tail[-10:]), rel=1e-12)
    assert WMA(10).over(jumped)[-1] == pytest.approx(wma(tail[-10:]), rel=1e-12)
    expected = [statistics.fmean(tail[n - 10 : n]) for n in range(10, 61)]
    once = VWAP(10).over(bars_from(jumped, jumped, jumped, [1.0] * 61))
    assert once[20:] == pytest.approx(expected[10:], rel=1e-12)
    dwarfed = VWAP(10).over(bars_from(jumped, jumped, jumped, [1e17, *[1.0] * 60]))
    assert dwarfed[10:] == pytest.approx(expected, rel=1e-12)
