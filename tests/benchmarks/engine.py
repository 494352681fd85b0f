"""The whole graph as a backtest builds it, on data that lie in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from time import perf_counter, process_time
from typing import Any

from actors.messages.base import Message
from actors.messages.control import Started
from actors.messages.market import MarketData
from actors.model.ids import ClientOrderIds
from actors.strategies.base import Strategy
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, InstrumentSection, StrategySection
from daemon.graph import BarSources, Core, build_core
from daemon.research.definitions import configured_instruments
from daemon.research.results import Results
from daemon.startup import load_classes
from tests.benchmarks.harness import INSTRUMENT, MINUTE_NS

SECOND_NS = 1_000_000_000


def a_config(
    strategy: type[Strategy],
    *,
    instruments: Sequence[str] = (INSTRUMENT,),
    bars: bool,
    parameters: Mapping[str, Any] | None = None,
) -> Config:
    """One paper account with enough money for everything, and this strategy."""
    return Config(
        accounts={
            "test": AccountSection(
                venue="binance",
                mode="paper",
                base_currency="USDT",
                simulated=SimulatedVenueSettings(opening_balances={"USDT": Decimal(100_000_000)}),
            )
        },
        strategies={
            "it": StrategySection(
                use=f"{strategy.__module__}:{strategy.__qualname__}",
                account="test",
                instruments=tuple(instruments),
                bars=("1m",) if bars else (),
                parameters=dict(parameters or {}),
            )
        },
        instruments={
            name: InstrumentSection(base=name.partition("@")[0].removesuffix("USDT"), quote="USDT")
            for name in instruments
        },
    )


class Engine:
    """A core that has started and whose account is active, with what it has done so far."""

    def __init__(self, config: Config, begin: int) -> None:
        instruments = configured_instruments(config)
        has_bars = bool(config.strategies["it"].bars)
        given = frozenset((name, MINUTE_NS) for name in instruments) if has_bars else frozenset()
        self.results = Results()
        self.cpu_seconds = 0.0
        """Of this process for the newest inputs; less than the seconds that passed on a busy machine."""
        self.core: Core = build_core(
            config,
            instruments=instruments,
            classes=load_classes(config),
            sources=BarSources(given=given),
            ids=ClientOrderIds(store_id="TEST", epoch=1),
            is_simulated=True,
            listeners=[self.results],
            keep_sent=False,
        )
        self.core.sequencer.run(Started(ts_event=begin, epoch=1), begin - SECOND_NS)

    def count(self, kind: type[Message]) -> int:
        """How many messages of this kind the results have heard."""
        return sum(event.__class__ is kind for event in self.results.events)

    def feed(self, messages: Iterable[MarketData]) -> float:
        """Run these inputs; returns seconds.

        Inputs made beforehand are kept from the garbage collector: from a file they would come one by one.
        """
        run = self.core.sequencer.run
        gc.collect()
        gc.freeze()
        began, cpu_began = perf_counter(), process_time()
        for message in messages:
            run(message, message.ts_event)
        seconds, self.cpu_seconds = perf_counter() - began, process_time() - cpu_began
        gc.unfreeze()
        assert not self.results.failures, self.results.failures
        return seconds
