"""Every indicator that TA-Lib has, over the same random bars, from the first value that both give.

Where smoothing begins otherwise (with the first bar’s range or without), the two agree once the beginning has
been forgotten; those are compared from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import isnan, nan
from typing import Any

import numpy as np
import pytest

from actors.analytics.series import FloatArray
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
    Correlation,
    Donchian,
    LinearRegression,
    RollingVolatility,
    Stochastic,
    Supertrend,
    ValueIndicator,
    ZScore,
    bars_from,
)

talib: Any = import_module("talib")
abstract: Any = import_module("talib.abstract")
COUNT = 1500
FORGOTTEN = 700


def table(seed: int) -> dict[str, FloatArray]:
    chance = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(0.01 * chance.standard_normal(COUNT)))
    return {
        "open": close,
        "high": close * (1.0 + 0.01 * chance.random(COUNT)),
        "low": close * (1.0 - 0.01 * chance.random(COUNT)),
        "close": close,
        "volume": np.floor(1000.0 * chance.random(COUNT)),
    }


def assert_same(ours: list[float], theirs: FloatArray, begins: int, scale: float = 1.0) -> None:
    """Equal to 1e-12 of the scale of what went in, from the first number that both have."""
    expected = [nan if isnan(value) else value for value in theirs.tolist()]
    assert not any(isnan(value) for value in expected[begins:])
    assert ours[begins:] == pytest.approx(expected[begins:], rel=1e-12, abs=1e-12 * scale)


VALUES: list[tuple[Callable[[], ValueIndicator], Callable[[FloatArray], dict[str, FloatArray]], float]] = [
    (lambda: SMA(10), lambda c: {"value": talib.SMA(c, 10)}, 1.0),
    (lambda: EMA(10), lambda c: {"value": talib.EMA(c, 10)}, 1.0),
    (lambda: WMA(10), lambda c: {"value": talib.WMA(c, 10)}, 100.0),
    (lambda: RSI(14), lambda c: {"value": talib.RSI(c, 14)}, 100.0),
    (MACD, lambda c: dict(zip(("value", "signal", "histogram"), talib.MACD(c), strict=True)), 100.0),
    (lambda: LinearRegression(14), lambda c: {"value": talib.LINEARREG(c, 14)}, 100.0),
    (lambda: LinearRegression(14), lambda c: {"slope": talib.LINEARREG_SLOPE(c, 14)}, 100.0),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("make", "reference", "scale"), VALUES)
def test_indicators_of_one_series_equal_talib_from_their_warm_up(
    make: Callable[[], ValueIndicator],
    reference: Callable[[FloatArray], dict[str, FloatArray]],
    scale: float,
    seed: int,
) -> None:
    close, made = table(seed)["close"], make()
    ours = made.columns(close.tolist())
    for name, theirs in reference(close).items():
        assert_same(ours[name], theirs, made.warm_up - 1, scale)
        assert np.isnan(theirs[: made.warm_up - 1]).all()


def outputs(
    name: str, columns: dict[str, FloatArray], *names: str, **parameters: float
) -> dict[str, FloatArray]:
    found = abstract.Function(name)(columns, **parameters)
    return dict(zip(names, found if len(names) > 1 else [found], strict=True))


BARS: list[
    tuple[Callable[[], BarIndicator], Callable[[dict[str, FloatArray]], dict[str, FloatArray]], int]
] = [
    (lambda: ATR(14), lambda t: outputs("ATR", t, "value", timeperiod=14), FORGOTTEN),
    (lambda: ADX(14), lambda t: outputs("ADX", t, "value", timeperiod=14), 0),
    (lambda: ADX(14), lambda t: outputs("PLUS_DI", t, "plus", timeperiod=14), 0),
    (lambda: ADX(14), lambda t: outputs("MINUS_DI", t, "minus", timeperiod=14), 0),
    (
        lambda: Stochastic(14, 3, 3),
        lambda t: outputs("STOCH", t, "value", "signal", fastk_period=14, slowk_period=3, slowd_period=3),
        0,
    ),
    (lambda: Donchian(20), lambda t: outputs("DONCHIAN", t, "upper", "value", "lower", timeperiod=20), 0),
    (
        lambda: Supertrend(10, 3.0),
        lambda t: outputs("SUPERTREND", t, "value", "direction", timeperiod=10, multiplier=3.0),
        FORGOTTEN,
    ),
    (VWAP, lambda t: outputs("VWAP", t, "value"), 0),
    (OBV, lambda t: outputs("OBV", t, "value"), 0),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("make", "reference", "forgotten"), BARS)
def test_indicators_of_bars_equal_talib_from_their_warm_up(
    make: Callable[[], BarIndicator],
    reference: Callable[[dict[str, FloatArray]], dict[str, FloatArray]],
    forgotten: int,
    seed: int,
) -> None:
    columns, made = table(seed), make()
    ours = made.columns(bars_from(*(columns[name].tolist() for name in ("high", "low", "close", "volume"))))
    for name, theirs in reference(columns).items():
        assert_same(ours[name], theirs.astype(float), max(made.warm_up - 1, forgotten), 100.0)


def test_bands_and_distances_equal_talib_as_far_as_its_squares_carry() -> None:
    # TA-Lib takes variances as a difference of squared levels, which leaves some 1e-8 of the level.
    close = table(3)["close"]
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    ours = BollingerBands(20, 2.0).columns(close.tolist())
    for name, theirs in (("upper", upper), ("value", middle), ("lower", lower)):
        assert ours[name][19:] == pytest.approx(theirs[19:].tolist(), rel=1e-9)
    deviations = (close - talib.SMA(close, 20)) / talib.STDDEV(close, 20)
    assert ZScore(20).over(close.tolist())[19:] == pytest.approx(deviations[19:].tolist(), rel=1e-6, abs=1e-9)
    returns = np.diff(np.log(close))
    sample = talib.STDDEV(returns, 20) * np.sqrt(20 / 19)
    assert RollingVolatility(20).over(close.tolist())[20:] == pytest.approx(sample[19:].tolist(), rel=1e-9)


def test_correlation_equals_talib_as_far_as_its_squares_carry() -> None:
    one, two = table(4)["close"], table(5)["close"]
    theirs = talib.CORREL(one, two, 30)
    ours = Correlation(30).over(one.tolist(), two.tolist())
    assert ours[29:] == pytest.approx(theirs[29:].tolist(), rel=1e-7, abs=1e-9)
