"""A strategy put through its paces on made-up data: is it repeatable, does it look ahead, does it run?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actors.strategies.base import Strategy
from daemon.research.api import Backtester
from daemon.research.audit import no_outside
from daemon.research.generated import generated_bars, generated_quotes
from daemon.research.lookahead import check_lookahead, check_warmup

BARS = 1_000


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer."""

    name: str
    is_good: bool
    text: str
    exit_code: int = 1
    """What a bad answer ends with."""


def try_strategy(strategy: type[Strategy], parameters: Mapping[str, Any], *, seed: int = 1) -> list[Check]:
    """Answers to all questions; the strategy's source was looked through when it was loaded.

    Raises:
        ConfigError: A parameter is missing or wrong.
    """
    tester = _tester(strategy, parameters, seed)
    first, second = tester.run(), tester.run()
    is_same = first.info.result_hash == second.info.result_hash
    checks = [
        Check(name="guards", is_good=True, text="no clock, chance or input of its own"),
        Check(
            name="backtest",
            is_good=not first.info.failures,
            text="; ".join(first.info.failures_told()) or _told(first.info.orders, first.info.trades),
        ),
        Check(
            name="repeatable",
            is_good=is_same,
            text="two runs are equal to the last bit" if is_same else "two runs give two results",
            exit_code=3,
        ),
    ]
    if first.info.failures:
        return checks
    classes = dict.fromkeys(tester.config.strategies, strategy)
    with no_outside():
        for check in (check_lookahead, check_warmup):
            found = check(tester.config, classes)
            text = found.difference or (found.compared() if found.decisions else found.unproven())
            is_good = found.difference is None
            checks.append(Check(name=found.check, is_good=is_good, text=text, exit_code=3))
    return checks


def _tester(strategy: type[Strategy], parameters: Mapping[str, Any], seed: int) -> Backtester:
    """On bars; on quotes where quotes are all that it listens to."""
    wants_quotes = strategy.on_quote is not Strategy.on_quote and strategy.on_bar is Strategy.on_bar
    if wants_quotes:
        return Backtester(strategy, generated_quotes(seed=seed), bars=(), parameters=parameters)
    return Backtester(strategy, generated_bars(BARS, seed=seed), parameters=parameters)


def _told(orders: int, trades: int) -> str:
    if not orders:
        return "ran, but sent no order on made-up data"
    return f"{orders:,} orders, {trades:,} closed trades"
