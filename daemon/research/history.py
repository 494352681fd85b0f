"""Historical input of a backtest: files, folders and the catalogue as one stream, merged by time.

Everything is read by blocks of rows and handed on by lists. Nothing is visible before it is over: a bar of
any timeframe comes at its end, a message of a recording at its receipt. Sources that share a time follow
each other in the order of the configuration; actions and funding come behind the prices of their time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from actors.errors import BadDataFile, ConfigError
from actors.messages.market import MarketData
from actors.model.intervals import parse_interval
from actors.venues.binance.recording import read_recording
from actors.venues.files.messages import as_kind, check_rows, timed
from actors.venues.files.reading import read_file
from actors.venues.files.series import BESIDE_PRICES, HAS_INTERVAL, Kind, Piece, ReadFile, ReadOptions
from daemon.config import Config, DataFile
from daemon.graph import BarSources
from daemon.research.data.catalogue import Catalogue, Series, order_column
from daemon.research.data.checks import each_bar_once
from daemon.research.data.findings import refuse_errors

Timed = tuple[int, MarketData]
"""When a message could be known at the earliest (ns UTC), and the message."""
Block = list[Timed]
_TIME = itemgetter(0)
ROWS_PER_LIST = 1_024
"""Rows that become messages at a time."""


Findings = dict[str, None]
"""One sentence each, in the order in which they were found; files are read again and again."""


class History:
    """All data of a configuration. Opening looks at the beginning of each source; reading streams."""

    def __init__(self, config: Config) -> None:
        if not config.backtest.data:
            raise ConfigError(
                "there is nothing to test on: add [[backtest.data]] with a path and an instrument"
            )
        self.findings: Findings = {}
        """What was found in files and left out, as far as they have been read; each once."""
        self._streams = _in_series(
            [stream for data in config.backtest.data for stream in _open(data, config, self.findings)]
        )
        given = [each.series for each in self._streams]
        self.sources = BarSources(
            given=frozenset(
                (each.instrument, each.interval_ns) for each in given if each.interval_ns is not None
            ),
            trades=frozenset(each.instrument for each in given if each.kind == "trades"),
        )

    def messages(self, start: int | None, end: int | None) -> Iterator[Timed]:
        """Everything with start ≤ time < end, in order; at one time in the order of the sources.

        Raises:
            BadDataFile: A row that cannot be true, time that runs backwards, or a source without data here.
        """
        return chain.from_iterable(self.blocks(start, end))

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]:
        """The same by lists: the quickest way through."""
        sources = [_Ordered(stream, start, end) for stream in self._streams]
        if len(sources) == 1:
            return sources[0].blocks()
        return _merged([source.blocks() for source in sources])


def data_files(config: Config) -> list[Path]:
    """Every file that a configuration's data come from, in the order of its sources.

    Raises:
        BadDataFile: Something is not there.
    """
    found: list[Path] = []
    for wanted in config.backtest.data:
        if wanted.catalogue:
            catalogue = _catalogue(wanted, config)
            found += [
                part.path for each in catalogue.find(wanted.instrument) for part in catalogue.parts(each)
            ]
        else:
            found += _paths(wanted.path)
    return found


class _Reader(Protocol):
    """One source; read anew for every run."""

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]: ...


class _Stream(NamedTuple):
    """One series, from whatever it is read."""

    name: str
    series: Series
    """What it gives, which may be another kind than is stored."""
    reader: _Reader
    files: tuple[Path, ...]
    stored: Kind
    first: int = 0
    """About when it begins; puts files of one series in order."""


class _FromCatalogue:
    def __init__(self, catalogue: Catalogue, series: Series, wanted: Kind | None) -> None:
        self._catalogue, self._series, self._wanted = catalogue, series, wanted

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]:
        for frame in self._catalogue.blocks(self._series, start, end):
            kind, rows = as_kind(frame, self._series.kind, self._wanted)
            yield from _lists(rows, kind, self._series.instrument, self._series.interval_ns)


class _FromFile:
    """A table; newest first is turned round, any other disorder is refused."""

    def __init__(
        self,
        path: Path,
        options: ReadOptions,
        instrument: str,
        kind: Kind,
        wanted: Kind | None,
        findings: Findings,
    ) -> None:
        self._path, self._options, self._instrument = path, options, instrument
        self._kind, self._wanted, self._findings = kind, wanted, findings

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]:
        file = read_file(self._path, self._options)
        for frame, interval in _in_order(file, self._kind, self._findings):
            kind, rows = as_kind(frame, self._kind, self._wanted)
            check_rows(rows, kind, str(self._path))
            column = order_column(rows.columns)
            if start is not None or end is not None:
                low, high = start or 0, end if end is not None else 2**63 - 1
                rows = rows.filter(pl.col(column).is_between(low, high, "left"))
            yield from _lists(rows, kind, self._instrument, interval)


class _FromRecording:
    def __init__(self, path: Path, instrument: str) -> None:
        self._path, self._instrument = path, instrument

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]:
        low, high = start or 0, end if end is not None else 2**63
        block: Block = []
        for pair in read_recording(self._path, self._instrument):
            if low <= pair[0] < high:
                block.append(pair)
            if len(block) >= ROWS_PER_LIST:
                yield block
                block = []
        if block:
            yield block


def _in_order(file: ReadFile, kind: Kind, findings: Findings) -> Iterator[tuple[pl.DataFrame, int | None]]:
    """Frames of one kind in order of time."""
    pieces = (piece for piece in file.pieces() if piece.kind == kind and not piece.frame.is_empty())
    last = 0
    symbols: dict[str | None, bool] = {}
    for piece in pieces:
        frame = piece.frame
        symbols[piece.symbol] = True
        if len(symbols) > 1:
            raise BadDataFile(
                f"{file.path} holds several instruments ({', '.join(map(str, symbols))}): import it with "
                "`tickerd data import`, and take each from the catalogue"
            )
        times = frame[order_column(frame.columns)]
        if frame.height > 1 and times[0] > times[-1] and times.is_sorted(descending=True):
            rest = [frame, *(each.frame for each in pieces)]
            frame = pl.concat(rest).reverse()
            times = frame[order_column(frame.columns)]
        if not times.is_sorted() or times[0] < last:
            steps = times.diff() < 0
            at = int(steps.arg_max() or 0) if steps.any() else 0
            raise BadDataFile(
                f"{file.path}: row {frame['row'][at]}: time runs backwards; sort the rows by time, "
                "or import the file, which sorts them"
            )
        if kind in HAS_INTERVAL and (times.diff() == 0).any():
            frame = each_bar_once(frame, file.problems)
        last = times[-1]
        refuse_errors(file)
        yield frame, piece.interval_ns
    for finding in refuse_errors(file):
        findings[str(finding)] = None


def _lists(frame: pl.DataFrame, kind: Kind, instrument: str, interval_ns: int | None) -> Iterator[Block]:
    for offset in range(0, frame.height, ROWS_PER_LIST):
        yield timed(frame.slice(offset, ROWS_PER_LIST), kind, instrument, interval_ns)


class _Ordered:
    """A stream that must have something in the range, and in order."""

    def __init__(self, stream: _Stream, start: int | None, end: int | None) -> None:
        self._stream, self._start, self._end = stream, start, end

    def blocks(self) -> Iterator[Block]:
        name, last, is_empty = self._stream.name, 0, self._stream.series.kind not in BESIDE_PRICES
        for block in self._stream.reader.blocks(self._start, self._end):
            if not block:
                continue
            if block[0][0] < last:
                raise BadDataFile(f"{name}: time runs backwards after {last} ns; sort the rows by time")
            last, is_empty = block[-1][0], False
            yield block
        if is_empty:
            instrument = self._stream.series.instrument
            raise BadDataFile(
                f"{name}: no data in the range asked for, of {instrument}: widen --from and --to, or drop it"
            )


def _merged(streams: Sequence[Iterator[Block]]) -> Iterator[Block]:
    """Blocks of all streams as blocks in order.

    Of what is held, everything before the earliest end of a stream's block is complete: it is put together in
    the order of the streams and sorted by time alone, which keeps that order where times are equal.
    """
    held: list[Block] = [next(stream, []) for stream in streams]
    is_open = [bool(block) for block in held]
    while any(held):
        ends = [block[-1][0] for block, more in zip(held, is_open, strict=True) if more and block]
        limit = min(ends, default=None)
        ready: Block = []
        for place, block in enumerate(held):
            cut = len(block) if limit is None else bisect_left(block, limit, key=_TIME)
            ready += block[:cut]
            held[place] = block[cut:]
        if ready:
            ready.sort(key=_TIME)
            yield ready
        for place, stream in enumerate(streams):
            if is_open[place] and (not held[place] or held[place][-1][0] == limit):
                more = next(stream, None)
                is_open[place] = more is not None
                held[place] = held[place] + (more or [])


def _open(wanted: DataFile, config: Config, findings: Findings) -> list[_Stream]:
    kind: Kind | None = None
    if wanted.kind != "auto" and wanted.kind != "binance_raw":
        kind = wanted.kind
    if wanted.catalogue:
        return _from_catalogue(_catalogue(wanted, config), wanted, kind)
    if not wanted.path:
        raise ConfigError(
            f"data of {wanted.instrument} has neither a path nor catalogue = true: give one of them"
        )
    return [_from_path(path, wanted, kind, findings) for path in _paths(wanted.path)]


def _catalogue(wanted: DataFile, config: Config) -> Catalogue:
    return Catalogue(Path(wanted.path or Path(config.daemon.state) / "data"))


def _paths(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
    elif any(letter in pattern for letter in "*?[") and not path.exists():
        found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    else:
        return [path]
    if not found:
        raise BadDataFile(f"{pattern}: no files there; check the path in the configuration")
    return found


def _from_catalogue(catalogue: Catalogue, wanted: DataFile, kind: Kind | None) -> list[_Stream]:
    interval = parse_interval(wanted.interval) if wanted.interval else None
    there = catalogue.series(wanted.instrument)
    found = [each for each in there if _is_wanted(each, kind, interval)]
    if kind is None and any(each.kind in HAS_INTERVAL for each in found):
        smallest = min(each.interval_ns or 0 for each in found if each.kind in HAS_INTERVAL)
        found = [each for each in found if each.interval_ns == smallest]  # ticks would tell the same twice
    if not found:
        catalogue.find(wanted.instrument, kind, interval)  # says what there is
        raise BadDataFile(
            f"{catalogue.root} has no market data of {wanted.instrument}: import or download it"
        )
    if kind is None:
        found += [each for each in there if each.kind in BESIDE_PRICES]
    streams = []
    for each in found:
        files = tuple(part.path for part in catalogue.parts(each))
        streams.append(_stream(str(each), each, _FromCatalogue(catalogue, each, kind), files, kind))
    return streams


def _is_wanted(series: Series, kind: Kind | None, interval: int | None) -> bool:
    if kind is None:
        fits = series.kind not in BESIDE_PRICES
    else:
        fits = series.kind == kind or (series.kind == "quote_bars" and kind in ("bars", "quotes"))
    return fits and (interval is None or series.interval_ns in (None, interval))


def _from_path(path: Path, wanted: DataFile, kind: Kind | None, findings: Findings) -> _Stream:
    if wanted.kind == "binance_raw":
        series = Series(wanted.instrument, "trades")
        return _Stream(str(path), series, _FromRecording(path, wanted.instrument), (path,), "trades")
    interval = parse_interval(wanted.interval) if wanted.interval else None
    options = ReadOptions(interval_ns=interval, zone=wanted.zone, form=wanted.form)
    piece = _first_wanted(read_file(path, options).pieces(), kind, interval)
    if piece is None:
        raise BadDataFile(f"{path} has no {kind or 'market data'}: check the path and the kind")
    series = Series(wanted.instrument, piece.kind, piece.interval_ns)
    reader = _FromFile(path, options, wanted.instrument, piece.kind, kind, findings)
    first = piece.frame[order_column(piece.frame.columns)].min()
    assert isinstance(first, int)
    return _stream(str(path), series, reader, (path,), kind)._replace(first=first)


def _first_wanted(pieces: Iterator[Piece], kind: Kind | None, interval: int | None) -> Piece | None:
    """What a file is read for; one without prices, for its actions or funding."""
    beside = None
    for piece in pieces:
        if piece.frame.is_empty():
            continue
        if _is_wanted(Series("", piece.kind, piece.interval_ns), kind, interval):
            return piece
        if kind is None and beside is None and piece.kind in BESIDE_PRICES:
            beside = piece
    return beside


def _stream(
    name: str, stored: Series, reader: _Reader, files: tuple[Path, ...], wanted: Kind | None
) -> _Stream:
    series = stored
    if stored.kind == "quote_bars":
        as_quotes = wanted == "quotes"
        series = Series(stored.instrument, *(("quotes", None) if as_quotes else ("bars", stored.interval_ns)))
    return _Stream(name, series, reader, files, stored.kind)


def _in_series(streams: list[_Stream]) -> list[_Stream]:
    """One stream for each series: files that follow each other in order of time, what has no prices behind.

    Where bars of trades and bars of bid and ask would be the same series, those of trades count.
    """
    by_series: dict[tuple[Series, Kind], list[_Stream]] = {}
    for stream in streams:
        by_series.setdefault((stream.series, stream.stored), []).append(stream)
    found = []
    for (series, stored), group in by_series.items():
        if stored == "quote_bars" and (series, "bars") in by_series:
            continue
        group = list({stream.files: stream for stream in group}.values())
        ordered = sorted(group, key=lambda stream: stream.first)
        files = tuple(path for stream in ordered for path in stream.files)
        joined = ordered[0]._replace(reader=_Chained(ordered), files=files)
        found.append(ordered[0] if len(ordered) == 1 else joined)
    return sorted(found, key=lambda stream: stream.series.kind in BESIDE_PRICES)


class _Chained:
    """Files of one series, one after the other."""

    def __init__(self, streams: Sequence[_Stream]) -> None:
        self._streams = streams

    def blocks(self, start: int | None, end: int | None) -> Iterator[Block]:
        """
        Raises:
            BadDataFile: Two of them overlap.
        """
        last, before = -1, ""
        for stream in self._streams:
            for block in stream.reader.blocks(start, end):
                if block and before not in ("", stream.name) and block[0][0] <= last:
                    raise BadDataFile(f"{before} and {stream.name} overlap: leave one out, or import both")
                if block:
                    last, before = block[-1][0], stream.name
                yield block
