"""Backtests from Python, in a script or a notebook.

    from actors import SMA, Bar, Strategy
    from daemon.research import Backtester

    result = Backtester(SmaCross, "btc_1h.csv", cash=10_000, fee=0.001).run("2023-01-01", fast=10, slow=30)
    result.metrics["sharpe"], result.trades, result.plot()

It is the same engine, configured in code: what a configuration file can say, `settings` can.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from actors.errors import UsageError
from actors.model.intervals import format_interval
from actors.portfolio.sizing import Sizing
from actors.strategies.base import Strategy
from actors.strategies.loading import check_strategy, load_strategy
from actors.venues.files.series import BAR_COLUMNS, PRICES
from actors.venues.simulated.charges import Charge
from daemon.config import Config, DataFile
from daemon.config_checks import check_config
from daemon.config_sources import load_config, overridden
from daemon.research.audit import no_outside
from daemon.research.backtest import run_backtest
from daemon.research.data_manager import TIME, Moment, moment_ns, own_frame, step_of
from daemon.research.frame_files import FrameFiles
from daemon.research.interrupt import interruptible
from daemon.research.result import Result
from daemon.research.setup import VENUE, Setup, full_name
from daemon.research.sweep import Sweep, shown_progress, sweep_cells

DEFAULT_INSTRUMENT = f"ASSET@{VENUE}"
Data = Any
"""A polars or pandas frame, a path, a list of these (such as bars and quotes), or a mapping of instruments to
any of them."""


class Backtester:
    """One strategy on some data; `run` it as often as you like, with other parameters or another range."""

    def __init__(
        self,
        strategy: type[Strategy] | str | None = None,
        data: Data = None,
        *,
        config: str | Path | Config | None = None,
        instrument: str = DEFAULT_INSTRUMENT,
        bars: str | Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        cash: float | str | Decimal = 100_000,
        currency: str = "USD",
        fee: float | str | Decimal = "0.001",
        charges: Sequence[Charge] = (),
        sizing: Sizing | None = None,
        tick_size: str | Decimal = "0.01",
        lot_size: str | Decimal = "0.00001",
        calendar: str = "24/7",
        per_instrument: bool = False,
        settings: Sequence[str] = (),
    ) -> None:
        """
        Args:
            strategy: A class, or `package.module:Class`, or `folder/file.py:Class`; None takes the config's.
            data: None takes the config's.
            config: A configuration, or its file, in the place of everything below but `settings`.
            bars: Timeframes of the strategy; None: the interval of the data.
            per_instrument: One instance of the strategy for each instrument.
            cash: Opening balance, in `currency`.
            fee: Fraction of the notional, maker and taker alike.
            charges: A fee schedule in the place of `fee`.
            sizing: What a signal comes to; None: 95 % of equity, as the rest pays for fees and moved prices.
            calendar: `24/7`, `weekdays`, or an exchange's code such as XNYS: what bars are built by, DAY
                orders end with and periods per year count. Orders fill wherever there are data, unless
                "venues.files.simulated.hours.calendar=instrument" in `settings` keeps them to its sessions.
            settings: Texts as after `--set`, such as "accounts.test.simulated.latency_ms=5".
        Raises:
            ConfigError: The first thing that is wrong.
        """
        self._frames = FrameFiles()
        self._classes: dict[str, type[Strategy]] = {}
        if config is not None:
            made = config if isinstance(config, Config) else load_config(Path(config), environ={}).config
            self.config = _changed(made, settings)
            self._classes = {name: load_strategy(each.use) for name, each in self.config.strategies.items()}
            return
        if strategy is None or data is None:
            raise UsageError("Backtester needs a strategy and data, or config=")
        cls: Any = load_strategy(strategy) if isinstance(strategy, str) else strategy
        if not isinstance(cls, type) or Strategy not in cls.__mro__:
            raise UsageError(
                f"{cls!r} is no strategy: give a subclass of Strategy itself, as in Backtester(MyCross, data)"
            )
        check_strategy(cls)
        by_instrument = data if isinstance(data, Mapping) else {instrument: data}
        files = [
            self._file(full_name(name), each, place)
            for name, sources in by_instrument.items()
            for place, each in enumerate(sources if isinstance(sources, list | tuple) else [sources])
        ]
        setup = Setup(
            bars=bars, parameters=parameters, cash=cash, currency=currency, fee=fee,
            charges=tuple(charges), sizing=sizing, tick_size=tick_size, lot_size=lot_size, calendar=calendar,
            per_instrument=per_instrument,
        )  # fmt: skip
        use = strategy if isinstance(strategy, str) else import_path(cls)
        with self._frames.by_their_names():
            self.config = _changed(setup.config(use, files), settings)
        self._classes = dict.fromkeys(self.config.strategies, cls)

    def run(self, start: Moment = None, end: Moment = None, **parameters: Any) -> Result:
        """Run from `start` to before `end`; Ctrl-C ends it with what is known so far.

        Args:
            parameters: Of the strategy, in the place of those given before.
        Raises:
            BadDataFile: Data that cannot be true, or nothing in the range.
        """
        config = with_parameters(self.config, parameters)
        with interruptible() as is_stopped, no_outside(), self._frames.by_their_names():
            run = run_backtest(
                config,
                self._classes,
                start=moment_ns(start),
                end=moment_ns(end),
                is_stopped=is_stopped,
            )
        return Result(run)

    def sweep(
        self,
        grid: Mapping[str, Sequence[Any]],
        *,
        start: Moment = None,
        end: Moment = None,
        workers: int = 1,
    ) -> Sweep:
        """Run every combination of the values, with a bar on a terminal; see `Sweep`.

        Args:
            grid: Parameter → its values; the last one changes fastest.
            workers: Processes. A class from a notebook cannot go to another one: put it into a file.
        """
        with shown_progress() as progress:
            found = sweep_cells(
                self.config, self._classes, grid, start=moment_ns(start), end=moment_ns(end), workers=workers,
                progress=progress,
            )  # fmt: skip
        told = self._frames.told
        return Sweep([cell._replace(error=cell.error and told(cell.error)) for cell in found.cells])

    def _file(self, name: str, data: Data, place: int) -> DataFile:
        if isinstance(data, str | Path):
            return DataFile(path=str(Path(data).absolute()), instrument=name)
        path = self._frames.path_for(name, place)
        frame = own_frame(data)
        if not set(PRICES) <= set(frame.columns):
            frame.write_parquet(path)
            return DataFile(path=str(path), instrument=name)
        interval = step_of(frame)
        volume = pl.col("volume") if "volume" in frame.columns else pl.lit(0.0).alias("volume")
        rows = frame.with_columns(volume).select(
            (pl.col(TIME).dt.epoch("ns") + interval).alias("ts_event"),
            *(pl.col(column).cast(pl.Float64) for column in BAR_COLUMNS),
        )
        rows.write_parquet(path)
        return DataFile(path=str(path), instrument=name, interval=format_interval(interval))


def _changed(config: Config, settings: Sequence[str]) -> Config:
    """What is set in code is checked as what a file says."""
    if not settings:
        return config
    changed = overridden(config, settings)
    check_config(changed)
    return changed


def with_parameters(config: Config, parameters: Mapping[str, Any]) -> Config:
    """The configuration with parameters of its strategies replaced; `name.parameter` means one of several.

    Raises:
        UsageError: A name of no strategy.
    """
    if not parameters:
        return config
    strategies = dict(config.strategies)
    for key, value in parameters.items():
        owner, dot, parameter = key.rpartition(".")
        if dot and owner not in strategies:
            raise UsageError(f"there is no strategy {owner!r}; it has {', '.join(strategies)}")
        for name in [owner] if dot else list(strategies):
            section = strategies[name]
            changed = {**section.parameters, parameter: value}
            strategies[name] = msgspec.structs.replace(section, parameters=changed)
    return msgspec.structs.replace(config, strategies=strategies)


def import_path(strategy: type[Strategy]) -> str:
    """How another process finds a class; one from a notebook it cannot find, and says so when asked to."""
    if strategy.__module__ == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        if file is not None:
            return f"{Path(file).absolute()}:{strategy.__qualname__}"
    return f"{strategy.__module__}:{strategy.__qualname__}"
