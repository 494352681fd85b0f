"""Data files as what a run goes over: new books, and a market that is known with a delay."""

from __future__ import annotations

from collections.abc import Sequence

from actors.core.actor import CoreActor
from actors.errors import ConfigError
from actors.messages.base import Message
from actors.model.intervals import format_interval
from actors.strategies.host import FailureHook
from daemon.config import Config
from daemon.graph import Core, StrategyClasses, timeframes
from daemon.research.definitions import configured_instruments
from daemon.research.history import History

SECOND_NS = 1_000_000_000


class FileHistory(History):
    """The files of a configuration; what a recorded session has of its own is nothing here."""

    goes_on = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.instruments = configured_instruments(config)
        self.latency_ns = _latency_of(config)

    def prepare(
        self, config: Config, classes: StrategyClasses, start: int | None
    ) -> tuple[Config, tuple[str, ...]]:
        """The configuration as it is."""
        return config, ()

    def resumed(
        self,
        config: Config,
        classes: StrategyClasses,
        work: CoreActor,
        listeners: Sequence[CoreActor],
        on_failure: FailureHook,
    ) -> Core | None:
        """None: every run begins anew."""
        return None

    def starts_at(self, first: int) -> int:
        """So long before the first input that the venue has answered and the accounts are active."""
        return first - SECOND_NS

    def give(self, core: Core, at: int) -> None:
        """Accounts begin with what the configuration says."""

    def is_before_all(self, message: Message) -> bool:
        """No input is: the first one is the market's."""
        return False

    def nothing_in_range(self) -> str:
        """What to say where a range has no data."""
        return "the files hold no data in the range asked for: widen --from and --to"


def _latency_of(config: Config) -> int:
    """Nanoseconds until market data are known.

    Raises:
        ConfigError: Strategies are not told of bars that come when the next one is over, too.
    """
    latency = round(config.backtest.market_latency_ms * 1e6)
    for instrument, interval in timeframes(config):
        if latency >= interval:
            raise ConfigError(
                f"backtest.market_latency_ms = {config.backtest.market_latency_ms:g} is as long as bars of "
                f"{format_interval(interval)} of {instrument}, which would all be old news: make it shorter"
            )
    return latency
