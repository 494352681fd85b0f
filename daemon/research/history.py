"""Historical input of a backtest: the configured files as one stream, merged by (time, source order)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path

from actors.errors import BadDataFile, ConfigError
from actors.messages.market import Bar, MarketData
from actors.model.intervals import parse_interval
from actors.venues.binance.recording import read_recording
from actors.venues.files.tables import find_kind, read_table
from daemon.config import Config, DataFile
from daemon.graph import BarSources

Timed = tuple[int, MarketData]
"""When a message could be known at the earliest (ns UTC), and the message."""
_TIME = itemgetter(0)


class History:
    """All files of a configuration. Opening looks at the beginning of each; reading streams."""

    def __init__(self, config: Config) -> None:
        if not config.backtest.data:
            raise ConfigError(
                "there is nothing to test on: add [[backtest.data]] with a path and an instrument"
            )
        self._streams = [_read(file) for file in config.backtest.data]
        self.sources = _sources(self._streams)

    def messages(self, start: int | None, end: int | None) -> Iterator[Timed]:
        """Everything with start ≤ time < end, in order; at one time in the order of the files."""
        streams = [stream.messages for stream in self._streams]
        merged: Iterable[Timed] = streams[0] if len(streams) == 1 else merge(*streams, key=_TIME)
        if start is None and end is None:
            return iter(merged)
        low, high = start or 0, end if end is not None else 2**63
        return (timed for timed in merged if low <= timed[0] < high)


class _Stream:
    """One file."""

    def __init__(
        self, file: DataFile, messages: Iterator[Timed], interval_ns: int | None, *, trades: bool
    ) -> None:
        self.instrument = file.instrument
        self.interval_ns = interval_ns
        self.has_trades = trades
        self.messages = _in_order(messages, file.path)


def _read(file: DataFile) -> _Stream:
    path = Path(file.path)
    if file.kind == "binance_raw":
        return _Stream(file, read_recording(path, file.instrument), None, trades=True)
    kind = find_kind(path) if file.kind == "auto" else file.kind
    interval = parse_interval(file.interval) if file.interval else None
    messages = read_table(path, file.instrument, kind=kind, interval_ns=interval)
    if kind != "bars":
        return _Stream(file, _timed(messages), None, trades=kind == "trades")
    first = next(messages)
    assert isinstance(first, Bar)
    return _Stream(file, _timed(chain((first,), messages)), first.interval_ns, trades=False)


def _timed(messages: Iterable[MarketData]) -> Iterator[Timed]:
    return ((message.ts_event, message) for message in messages)


def _in_order(messages: Iterator[Timed], path: str) -> Iterator[Timed]:
    """Refuse time that runs backwards: a backtest on it would look into the future."""
    last = 0
    for timed in messages:
        if timed[0] < last:
            raise BadDataFile(f"{path}: time runs backwards after {last} ns; sort the rows by time")
        last = timed[0]
        yield timed


def _sources(streams: list[_Stream]) -> BarSources:
    return BarSources(
        given=frozenset((s.instrument, s.interval_ns) for s in streams if s.interval_ns is not None),
        trades=frozenset(s.instrument for s in streams if s.has_trades),
    )
