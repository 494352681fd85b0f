"""DAY orders against bars: they live as long as the venue's day, however late its bars become known."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.research.backtest import run_backtest
from daemon.startup import load_classes
from tests.research.test_venue_settings import CONFIG

BARS = """timestamp,open,high,low,close,volume
2024-01-01T23:57:00,100,102,99,101,10
2024-01-01T23:58:00,100,102,99,101,10
2024-01-01T23:59:00,100,102,{today},101,10
2024-01-02T00:00:00,100,102,94,101,10
2024-01-02T00:01:00,100,102,94,101,10
2024-01-02T00:02:00,100,102,94,101,10
"""
HOURS = 'simulated = { hours = { opens = "22:00", closes = "23:59:30" } }'


def configured(folder: Path, *, today: int, latency_ms: int, venue: str = "") -> Config:
    (folder / "bars.csv").write_text(BARS.format(today=today))
    (folder / "bot.toml").write_text(CONFIG.format(venue=venue, account=""))
    overrides = [
        "strategies.s.use=tests.research.strategies_for_tests:DayBid",
        f"backtest.market_latency_ms={latency_ms}",
    ]
    return load_config(folder / "bot.toml", overrides=overrides, environ={}).config


def status(config: Config) -> str:
    """Of the first order."""
    orders = run_backtest(config, load_classes(config)).frames.orders
    return str(orders["status"][0])


@pytest.mark.parametrize("latency_ms", [0, 200, 59_000])
@pytest.mark.parametrize("venue", ["", HOURS])
def test_a_day_order_meets_the_last_bar_of_its_day_and_none_of_the_next(
    tmp_path: Path, latency_ms: int, venue: str
) -> None:
    assert status(configured(tmp_path, today=94, latency_ms=latency_ms, venue=venue)) == "filled"
    assert status(configured(tmp_path, today=99, latency_ms=latency_ms, venue=venue)) == "expired"


def test_data_that_come_a_whole_bar_late_are_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, today=94, latency_ms=60_000)
    with pytest.raises(ConfigError, match=r"market_latency_ms = 60000 .* bars of 1m"):
        run_backtest(config, load_classes(config))
