"""Recorded feeds in the venues' own JSON, as columns: raw Binance streams, cryptofeed's dumps, candles.

Each line is decoded on its own; what is no trade, quote or book message (subscriptions, candles, heartbeats)
is passed over. `ts_init` is the receipt time that the recorder wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from actors.errors import BadDataFile
from actors.venues.files import venue_json
from actors.venues.files.series import SCHEMAS, Kind, Piece, Problems, shaped
from actors.venues.files.text import chunks

ROWS_PER_PIECE = 200_000
CLOCK_MARGIN_NS = 50_000_000
_CRYPTOFEED = re.compile(rb"^(\S+ (?:<->|<-|->) )?(\d+\.\d+)(: )?")
_RAW = re.compile(rb"^(\d{19}) \{")

Line = tuple[int, int, Any]
"""Line number, receipt time (0 where none is known), decoded JSON."""


class Capture(NamedTuple):
    """How one form of recording is read."""

    form: str
    why: str
    lines: Callable[[Path], Iterator[Line]]
    translate: venue_json.Translate


def find_capture(path: Path, start: bytes) -> Capture | None:
    """The form of a recording by its first bytes; None when it is none."""
    if _RAW.match(start):
        return Capture(
            "binance-raw", "a receipt time in ns before each stream message", _raw_lines, venue_json.binance
        )
    if re.match(rb"^\S+ (<->|<-|->) \d+\.\d+", start):
        translate = next((make for name, make in venue_json.BY_HOST if name in start.split(b" ")[0]), None)
        if translate is None:
            raise BadDataFile(
                f"{path} records {start[:60].split(b' ')[0].decode()}, whose messages we do not know: "
                "convert it to a table"
            )
        return Capture(
            "cryptofeed", "addresses and receipt times before each message", _cryptofeed_lines, translate
        )
    if start.lstrip()[:1] not in (b"[", b"{"):
        return None
    if b'"candles"' in start[:400]:
        return Capture("kite-candles", "a reply with candles", _whole, venue_json.kite_candles)
    if b'"depthUpdate"' in start[:200]:
        return Capture("binance-depth-event", "one depthUpdate", _whole, venue_json.binance)
    if b'"time_exchange"' in start[:400]:
        return Capture(
            "market-events", "events with time_exchange and kind", _listed, venue_json.market_event
        )
    raise BadDataFile(
        f"{path} is JSON without market data that we know: convert it to a table of bars or ticks"
    )


def read_capture(path: Path, capture: Capture, problems: Problems) -> Iterator[Piece]:
    """Pieces by kind and symbol, in the order of the file."""
    tables: dict[tuple[Kind, str, int | None], list[tuple[Any, ...]]] = {}
    held, skew = 0, _Skew()
    for number, received, plain in capture.lines(path):
        try:
            rows = list(capture.translate(plain))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            problems.add(
                "error",
                "message",
                f"{type(error).__name__} {error} in a message",
                "remove the line",
                row=number,
            )
            continue
        for row in rows:
            key = (row.kind, row.symbol, row.interval_ns)
            tables.setdefault(key, []).append(
                (row.ts_event or received, received or row.ts_event, number, *row.values)
            )
            skew.see(received, row.ts_event)
            held += 1
        if held >= ROWS_PER_PIECE:
            yield from _pieces(tables)
            tables, held = {}, 0
    yield from _pieces(tables)
    skew.tell(problems)


class _Skew:
    """Whether the recorder's clock was behind the venue's."""

    def __init__(self) -> None:
        self._lags: list[int] = []

    def see(self, received: int, ts_event: int) -> None:
        if received and ts_event and len(self._lags) < 10_000:
            self._lags.append(received - ts_event)

    def tell(self, problems: Problems) -> None:
        if self._lags:
            median = sorted(self._lags)[len(self._lags) // 2]
            if median < -CLOCK_MARGIN_NS:
                problems.add(
                    "warning",
                    "clock",
                    f"the recorder's clock was {-median / 1e9:.2f} s behind the venue's",
                    "messages are ordered by their receipt; do not take latencies from this file",
                )


def _pieces(tables: dict[tuple[Kind, str, int | None], list[tuple[Any, ...]]]) -> Iterator[Piece]:
    for (kind, symbol, interval), rows in tables.items():
        names = list(SCHEMAS[kind])[1:]
        schema = {"ts_event": pl.Int64, "ts_init": pl.Int64, "row": pl.Int64}
        schema |= {name: SCHEMAS[kind][name] for name in names}  # type: ignore[misc]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        if kind in ("bars", "actions"):
            frame = frame.drop("ts_init")
        yield Piece(kind, symbol, interval, shaped(frame, kind))


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    for block in chunks(path):
        for line in block.split(b"\n")[:-1]:
            number += 1
            if line.strip():
                yield number, line


def _raw_lines(path: Path) -> Iterator[Line]:
    symbol = ""
    for number, line in _numbered(path):
        time, _, text = line.partition(b" ")
        if not time.isdigit():
            raise BadDataFile(f"{path}: line {number} does not begin with a receipt time in ns: remove it")
        plain = _decoded(path, number, text)
        stream = plain.get("stream", "")
        symbol = stream.partition("@")[0].upper() or symbol
        # the book's snapshot comes from elsewhere and names no symbol: it is that of the streams around it
        yield number, int(time), plain if stream else {"s": symbol, "e": "snapshot", **plain}


def _cryptofeed_lines(path: Path) -> Iterator[Line]:
    for number, line in _numbered(path):
        found = _CRYPTOFEED.match(line)
        if found is None or not found[3]:
            continue  # a connection
        body = line[found.end() :].strip()
        if (found[1] and b" <- " in found[1]) or body[:1] not in (b"{", b"["):
            continue  # what was sent
        plain = _decoded(path, number, body)
        asked = re.search(rb"[?&]symbol=(\w+)", found[1] or b"")
        if asked and isinstance(plain, dict):
            plain = {"s": asked[1].decode(), "e": "snapshot", **plain}
        yield number, round(float(found[2]) * 1e6) * 1_000, plain


def _whole(path: Path) -> Iterator[Line]:
    yield 1, 0, _decoded(path, 1, b"".join(chunks(path)))


def _listed(path: Path) -> Iterator[Line]:
    events: Iterable[Any] = _decoded(path, 1, b"".join(chunks(path)))
    for number, event in enumerate(events, 1):
        yield number, 0, event


def _decoded(path: Path, number: int, text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadDataFile(f"{path}: line {number} is no JSON ({error}): remove it") from error
