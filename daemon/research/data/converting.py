"""Bars of larger timeframes by the rules that live bars have, and files of other kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from actors.bars.actor import GRACE_NS, SOURCE_GRACE_NS
from actors.bars.builder import Builder
from actors.bars.spec import BarSpec, bounds_of
from actors.errors import BadDataFile, UsageError
from actors.messages.market import Bar, MarketData, Trade
from actors.venues.files.messages import as_kind, timed
from actors.venues.files.series import BAR_COLUMNS, HAS_INTERVAL, Kind
from daemon.calendars import calendar_of
from daemon.research.data.catalogue import Series

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".csv": lambda frame, path: frame.write_csv(path),
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".feather": lambda frame, path: frame.write_ipc(path, compression="zstd"),
}
BARS_PER_FRAME = 100_000
DIGITS = 15
SMALLEST_ROUNDED = 1e-5


def larger_bars(
    frames: Iterable[pl.DataFrame], stored: Series, interval_ns: int, calendar: str = "24/7"
) -> Iterator[pl.DataFrame]:
    """Bars of `interval_ns` out of trades or smaller bars, as `actors/bars` builds them in a session.

    Raises:
        ConfigError: The interval cannot be put together, or the calendar is not known.
        BadDataFile: Neither trades nor bars.
    """
    kind = "bars" if stored.kind == "quote_bars" else stored.kind
    if kind not in ("bars", "trades"):
        raise BadDataFile(f"no bars are built of {stored}: take trades or bars")
    spec = BarSpec(
        instrument=stored.instrument,
        interval_ns=interval_ns,
        source="bars" if kind == "bars" else "trades",
        source_interval_ns=stored.interval_ns or 0 if kind == "bars" else 0,
    )
    spec.check()
    built: list[Bar] = []
    clockwork = Clockwork(spec, calendar, built.append)
    for frame in frames:
        rows_kind, rows = as_kind(frame, stored.kind, None)
        for time, message in timed(rows, rows_kind, stored.instrument, stored.interval_ns):
            clockwork.take(time, message)
        if len(built) >= BARS_PER_FRAME:
            yield _frame(built)
            built.clear()
    if built:
        yield _frame(built)


class Clockwork:
    """A builder and the timer that closes its bars, as the sequencer would run it."""

    def __init__(self, spec: BarSpec, calendar: str, emit: Callable[[Bar], None]) -> None:
        self._grace = GRACE_NS if spec.source == "trades" else SOURCE_GRACE_NS
        self._of_bars = spec.source == "bars"
        self._now = 0
        self._pending: list[int] = []
        self._builder = Builder(
            spec,
            bounds=bounds_of(spec, calendar_of(calendar)),
            emit=emit,
            remind_of_end=self._remind,
            remind_of_held=lambda _: None,
        )

    def take(self, time: int, message: MarketData) -> None:
        """One input at its time, behind the timers that are due by then."""
        while self._pending and self._pending[0] + self._grace <= time:
            self._builder.close_at(self._pending.pop(0))
        self._now = time
        if isinstance(message, Bar):
            self._builder.on_bar(message)
        elif isinstance(message, Trade):
            self._builder.on_trade(message)

    def _remind(self, _: BarSpec, end: int) -> bool:
        if end + self._grace <= self._now:
            return self._of_bars
        self._pending.append(end)
        return True


def _frame(bars: list[Bar]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [getattr(bar, name) for bar in bars] for name in ("ts_event", *BAR_COLUMNS)},
        schema={"ts_event": pl.Int64, **dict.fromkeys(BAR_COLUMNS, pl.Float64)},
    )


def write_file(frames: Iterable[pl.DataFrame], series: Series, target: Path) -> int:
    """Rows as a file of the kind its suffix names; returns their number.

    A CSV of bars has the times of their starts, as everybody writes them; everything else keeps our columns.

    Raises:
        UsageError: No such suffix.
        BadDataFile: Nothing to write, or lists of levels for a CSV.
    """
    writer = WRITERS.get(target.suffix.lower())
    if writer is None:
        raise UsageError(f"{target} has no suffix that says what to write: use {', '.join(WRITERS)}")
    parts = [frame.drop("row", strict=False) for frame in frames]
    if not parts:
        raise BadDataFile(f"there is nothing of {series} to write to {target}")
    frame = pl.concat(parts, how="diagonal_relaxed")
    if target.suffix.lower() == ".csv":
        if series.kind == "book":
            raise BadDataFile(f"{series} are lists of levels: write Parquet or Feather")
        frame = _as_text(frame, series.kind, series.interval_ns)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    writer(frame, temporary)
    temporary.replace(target)
    return frame.height


def _as_text(frame: pl.DataFrame, kind: Kind, interval_ns: int | None) -> pl.DataFrame:
    stamp = pl.col("ts_event")
    if kind in HAS_INTERVAL:
        assert interval_ns is not None
        stamp = stamp - interval_ns
    time = pl.from_epoch(stamp, time_unit="ns").dt.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").alias("timestamp")
    rest = [name for name in frame.columns if name not in ("ts_event", "ts_init")]
    return frame.select(time, *(_plain_number(frame[name]) for name in rest))


def _plain_number(column: pl.Series) -> pl.Series:
    """Fifteen digits, which is what a float can tell: sums such as 0.30000000000000004 become 0.3."""
    if column.dtype != pl.Float64:
        return column
    # Below, the scale that rounding works with is no power of ten any more that a float can hold.
    return column.to_frame().select(
        pl.when(pl.first().abs() >= SMALLEST_ROUNDED)
        .then(pl.first().round_sig_figs(DIGITS))
        .otherwise(pl.first())
        .alias(column.name)
    )[column.name]
