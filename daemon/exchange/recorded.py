"""A market out of captures: raw Binance Spot streams, one message a line behind its receipt time."""

from __future__ import annotations

import gzip
import heapq
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import msgspec

from actors.errors import BadDataFile
from daemon.exchange.market_data.book import DepthBook
from daemon.exchange.market_data.events import (
    DepthChange,
    DepthSnapshot,
    Level,
    MarketEvent,
    PublicTrade,
    Top,
)
from daemon.exchange.settings import Recorded

LINES_UNTIL_SNAPSHOT = 20_000
"""So many lines are searched for the REST snapshot that starts the book."""
PAUSE_BETWEEN_ROUNDS_NS = 1_000_000_000


class _Data(msgspec.Struct):
    s: str = ""
    e: str = ""
    E: int = 0
    T: int = 0
    t: int = 0
    u: int = 0
    U: int = 0
    p: str = ""
    q: str = ""
    m: bool = False
    b: list[Level] | str = ""
    a: list[Level] | str = ""
    B: str = ""
    A: str = ""


class _Line(msgspec.Struct):
    stream: str = ""
    data: _Data | None = None
    lastUpdateId: int = 0
    bids: list[Level] = []
    asks: list[Level] = []


_DECODER = msgspec.json.Decoder(_Line)


class RecordedSource:
    """Replays files, those of one symbol one after the other, several symbols side by side."""

    def __init__(self, settings: Recorded) -> None:
        self._settings = settings
        by_symbol: dict[str, list[Path]] = {}
        for file in settings.files:
            by_symbol.setdefault(_symbol_of(file), []).append(file)
        self._captures = {symbol: _Capture(symbol, files) for symbol, files in by_symbol.items()}
        self._first_ns = min(capture.first_ns for capture in self._captures.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        """Everything recorded, in the order of the files."""
        return tuple(self._captures)

    def start(self) -> list[MarketEvent]:
        """The recorded snapshots, and the first best prices, so that the market has a price at once."""
        return [event for capture in self._captures.values() for event in capture.opening()]

    def events(self) -> Iterator[tuple[int, MarketEvent]]:
        """(offset from the start in ns, event); over and over when told to loop."""
        captures = list(self._captures.values())
        begin_ns = 0
        for number in range(1 << 62):
            last_ns = begin_ns
            for at_ns, _, event in heapq.merge(
                *(capture.round(number, self._first_ns, begin_ns, i) for i, capture in enumerate(captures))
            ):
                last_ns = max(last_ns, at_ns)
                yield last_ns, event
            if self._settings.at_end != "loop":
                return
            begin_ns = last_ns + PAUSE_BETWEEN_ROUNDS_NS


class _Capture:
    """The files of one symbol."""

    def __init__(self, symbol: str, files: Sequence[Path]) -> None:
        self.symbol = symbol
        self._files = files
        self.first_ns = 0
        self._venue_ahead_ms = 0
        self._snapshot: DepthSnapshot | None = None
        self._first_top: Top | None = None
        self._first_trade_id = 0
        self._look_ahead()
        self._book = DepthBook()
        self._updates_shift = 0
        self._trades_shift = 0
        self._last_trade_id = 0

    def opening(self) -> list[MarketEvent]:
        """Where the book starts; without a recorded snapshot it is empty and fills with the changes."""
        first: list[MarketEvent] = [self._snapshot or DepthSnapshot(self.symbol, 0, [], [])]
        return first + ([self._first_top] if self._first_top else [])

    def round(
        self, number: int, zero_ns: int, begin_ns: int, rank: int
    ) -> Iterator[tuple[int, tuple[int, int], MarketEvent]]:
        """All events once; every later round goes on with ids behind the last ones of the round before."""
        place = 0
        if number:
            yield begin_ns, (rank, place), self._back_to_start()
        else:
            self._book.replace(self._snapshot or DepthSnapshot(self.symbol, 0, [], []))
        for file in self._files:
            for at_ns, line in _lines(file):
                if line.data is None:
                    continue
                offset_ns = begin_ns + at_ns - zero_ns
                shift_ms = (begin_ns - zero_ns) // 1_000_000 - self._venue_ahead_ms
                event = self._event(line.data, line.stream, shift_ms)
                if event is not None:
                    place += 1
                    yield offset_ns, (rank, place), event

    def _event(self, data: _Data, stream: str, shift_ms: int) -> MarketEvent | None:
        updates = self._updates_shift
        if stream.endswith("@bookTicker"):
            return Top(self.symbol, data.u + updates, cast(str, data.b), data.B, cast(str, data.a), data.A)
        if data.e == "trade":
            self._last_trade_id = data.t + self._trades_shift
            return PublicTrade(
                self.symbol, self._last_trade_id, data.p, data.q, data.E + shift_ms, data.T + shift_ms, data.m
            )
        if data.e == "depthUpdate":
            bids, asks = cast(list[Level], data.b), cast(list[Level], data.a)
            first_id, last_id = data.U + updates, data.u + updates
            change = DepthChange(self.symbol, first_id, last_id, data.E + shift_ms, bids, asks)
            self._book.apply(change)
            return change
        return None

    def _back_to_start(self) -> DepthChange:
        """The change that turns the book at the end into the one at the start, so that the chain holds."""
        target = self._snapshot or DepthSnapshot(self.symbol, 0, [], [])
        last_id = self._book.last_id
        bids, asks = self._book.changes_to(target)
        self._updates_shift = last_id + 1 - target.last_id
        self._trades_shift = self._last_trade_id + 1 - self._first_trade_id
        change = DepthChange(self.symbol, last_id + 1, last_id + 1, 0, bids, asks)
        self._book.apply(change)
        return change

    def _look_ahead(self) -> None:
        """Find the snapshot, the first best prices, and how far the venue's clock was ahead."""
        for number, (at_ns, line) in enumerate(_lines(self._files[0])):
            self.first_ns = self.first_ns or at_ns
            data = line.data
            if data is None:
                self._snapshot = DepthSnapshot(self.symbol, line.lastUpdateId, line.bids, line.asks)
            elif data.e and not self._venue_ahead_ms:
                self._venue_ahead_ms = data.E - at_ns // 1_000_000
            if data is not None and data.e == "trade":
                self._first_trade_id = self._first_trade_id or data.t
            if data is not None and line.stream.endswith("@bookTicker"):
                top = Top(self.symbol, data.u, cast(str, data.b), data.B, cast(str, data.a), data.A)
                self._first_top = self._first_top or top
            found = self._snapshot and self._first_top and self._first_trade_id
            if found or number > LINES_UNTIL_SNAPSHOT:
                return


def _lines(file: Path) -> Iterator[tuple[int, _Line]]:
    for number, raw in enumerate(_raw_lines(file), start=1):
        time, _, text = raw.partition(b" ")
        try:
            yield int(time), _DECODER.decode(text)
        except (ValueError, msgspec.DecodeError) as error:
            raise BadDataFile(
                f"{file.name} line {number} is no captured message ({error}): each line is the receipt "
                "time in ns, a space, and the combined-stream JSON"
            ) from error


def _raw_lines(file: Path) -> Iterator[bytes]:
    with _opened(file) as lines:
        try:
            yield from lines
        except (OSError, EOFError, zlib.error) as error:
            raise BadDataFile(f"{file} is damaged ({error}): fetch it again") from error


def _opened(file: Path) -> IO[bytes]:
    try:
        return cast(IO[bytes], gzip.open(file, "rb")) if file.suffix == ".gz" else file.open("rb")
    except OSError as error:
        raise BadDataFile(f"{file} cannot be read ({error.strerror}): name an existing capture") from error


def _symbol_of(file: Path) -> str:
    for number, (_, line) in enumerate(_lines(file)):
        if line.data is not None and line.data.s:
            return line.data.s
        if number > LINES_UNTIL_SNAPSHOT:
            break
    raise BadDataFile(f"{file.name} names no symbol: give a capture of Binance Spot combined streams")
