"""Data for scripts and notebooks: any file, the catalogue or a frame as one table of bars, and back.

The table is `timestamp` (the bar's start, `Datetime("ns", "UTC")`), open, high, low, close, volume. Ticks
come with the columns of their kind and `timestamp`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from actors.errors import BadDataFile, UsageError
from actors.model.intervals import parse_interval
from actors.venues.files.reading import read_file
from actors.venues.files.series import BAR_COLUMNS, HAS_INTERVAL, PRICES, SCHEMAS, ReadOptions
from daemon.research.data.catalogue import Catalogue

Moment = str | int | date | datetime | None
"""ISO 8601, nanoseconds UTC, or a date; without a zone it is UTC."""
TIME = "timestamp"
_UTC = pl.Datetime("ns", "UTC")


class DataManager:
    """Loads and prepares data.

    Args:
        catalogue: Folder of `tickerd data import`; needed to load by instrument alone.
    """

    def __init__(self, catalogue: str | Path = Path("state") / "data") -> None:
        self.catalogue = Path(catalogue)

    def load_data(
        self,
        source: Any = None,
        *,
        instrument: str | None = None,
        interval: str | None = None,
        start: Moment = None,
        end: Moment = None,
        adjusted: bool = False,
    ) -> pl.DataFrame:
        """A table of everything with start ≤ time < end.

        Args:
            source: A file of any form that `tickerd data import` reads, a polars or pandas frame, or None for
                what the catalogue has of `instrument`.
            interval: Of bars: which series of the catalogue, and what a file does not say.
            adjusted: Bars of a file scaled by its own adjusted prices.
        Raises:
            BadDataFile: Not there, or of no form we know.
            UsageError: Neither a source nor an instrument.
        """
        if source is None:
            frame = self._of_catalogue(instrument, interval)
        elif isinstance(source, str | Path):
            frame = _of_file(Path(source), interval, adjusted)
        else:
            frame = own_frame(source)
        low, high = moment_ns(start), moment_ns(end)
        if low is not None:
            frame = frame.filter(pl.col(TIME).dt.epoch("ns") >= low)
        if high is not None:
            frame = frame.filter(pl.col(TIME).dt.epoch("ns") < high)
        if frame.is_empty():
            raise BadDataFile("there are no rows in the range asked for: widen start and end")
        return frame

    def preprocess_data(
        self, frame: Any, *, timeframe: str | None = None, fill: bool = False
    ) -> pl.DataFrame:
        """Bars in order, each once, without rows that cannot be bars.

        Args:
            timeframe: Join to larger bars, such as `1h`.
            fill: Put flat bars without volume where bars are missing.
        """
        bars = own_frame(frame)
        missing = [name for name in PRICES if name not in bars.columns]
        if missing:
            raise UsageError(f"no column {missing[0]}: only bars can be prepared")
        if "volume" not in bars.columns:
            bars = bars.with_columns(pl.lit(0.0).alias("volume"))
        bars = (
            bars.select(TIME, *(pl.col(name).cast(pl.Float64) for name in BAR_COLUMNS))
            .drop_nulls(list(PRICES))
            .filter(
                (pl.col("low") > 0.0)
                & (pl.col("low") <= pl.min_horizontal("open", "close"))
                & (pl.col("high") >= pl.max_horizontal("open", "close"))
            )
            .unique(TIME, keep="first")
            .sort(TIME)
        )
        if timeframe is not None:
            bars = _joined(bars, parse_interval(timeframe))
        return _filled(bars) if fill else bars

    def _of_catalogue(self, instrument: str | None, interval: str | None) -> pl.DataFrame:
        if instrument is None:
            raise UsageError("load_data needs a source, or an instrument of the catalogue")
        catalogue = Catalogue(self.catalogue)
        found = catalogue.find(instrument, interval_ns=parse_interval(interval) if interval else None)
        series = next((each for each in found if each.kind == "bars"), found[0])
        return _with_time(catalogue.frame(series), series.interval_ns or 0)


def _of_file(path: Path, interval: str | None, adjusted: bool) -> pl.DataFrame:
    step = parse_interval(interval) if interval else None
    file = read_file(path, ReadOptions(interval_ns=step, adjusted=adjusted))
    pieces = [piece for piece in file.pieces() if not piece.frame.is_empty()]
    if not pieces:
        raise BadDataFile(f"{path} has no rows: get the file again")
    kind = pieces[0].kind
    symbols = dict.fromkeys(str(piece.symbol) for piece in pieces if piece.kind == kind)
    if len(symbols) > 1 and kind != "actions":
        raise BadDataFile(
            f"{path} holds several instruments ({', '.join(symbols)}): import it with `tickerd data import`, "
            "and load each by its name"
        )
    rows = pl.concat([piece.frame.select(list(SCHEMAS[kind])) for piece in pieces if piece.kind == kind])
    interval_ns = pieces[0].interval_ns if kind in HAS_INTERVAL else None
    return _with_time(rows, interval_ns or 0)


def _with_time(rows: pl.DataFrame, interval_ns: int) -> pl.DataFrame:
    start = (pl.col("ts_event") - interval_ns).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    columns = [name for name in rows.columns if name not in ("ts_event", "ts_init", "row")]
    return rows.select(start.alias(TIME), *columns)


def own_frame(frame: Any) -> pl.DataFrame:
    """A polars or pandas frame with its times in `timestamp`; of pandas also those in the index.

    Raises:
        UsageError: Something else, or without times.
    """
    ours = frame if isinstance(frame, pl.DataFrame) else _of_pandas(frame)
    ours = ours.rename({name: name.strip().lower() for name in ours.columns})
    time = next((name for name in (TIME, "datetime", "date", "time", "index") if name in ours.columns), None)
    if time is None:
        raise UsageError(f"the frame has no column timestamp, it has {', '.join(ours.columns)}: name it so")
    column = ours[time]
    if column.dtype == pl.String:
        column = column.str.to_datetime(time_unit="ns")
    if not column.dtype.is_temporal():
        raise UsageError(f"the times of the frame are {column.dtype}: make them dates or datetimes")
    naive = column.cast(pl.Datetime("ns", getattr(column.dtype, "time_zone", None)))
    aware = (
        naive.dt.convert_time_zone("UTC")
        if getattr(naive.dtype, "time_zone", None)
        else naive.dt.replace_time_zone("UTC")
    )
    others = [name for name in ours.columns if name != time]
    return ours.select(aware.alias(TIME), *others)


def _of_pandas(frame: Any) -> pl.DataFrame:
    """Without pandas itself: columns and index say what they are."""
    if not hasattr(frame, "to_numpy") or not hasattr(frame, "columns"):
        raise UsageError(f"{type(frame).__name__} is no data: give a polars or pandas frame, or a path")
    index = frame.index
    columns: dict[str, Any] = {}
    if str(index.dtype).startswith("datetime64"):
        if getattr(index, "tz", None) is not None:
            index = index.tz_convert("UTC").tz_localize(None)
        columns[TIME] = pl.Series(TIME, index.to_numpy().astype("datetime64[ns]"))
    for name in frame.columns:
        if str(name).strip().lower() == TIME and TIME in columns:
            continue
        column = frame[name]
        is_time = str(column.dtype).startswith("datetime64")
        if is_time and getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        values = column.to_numpy()
        columns[str(name)] = pl.Series(str(name), values.astype("datetime64[ns]") if is_time else values)
    return pl.DataFrame(columns)


def _joined(bars: pl.DataFrame, interval_ns: int) -> pl.DataFrame:
    return bars.group_by_dynamic(TIME, every=f"{interval_ns}ns", closed="left", label="left").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def _filled(bars: pl.DataFrame) -> pl.DataFrame:
    step = step_of(bars)
    grid = pl.DataFrame({TIME: pl.datetime_range(
        bars[TIME][0], bars[TIME][-1], f"{step}ns", time_unit="ns", time_zone="UTC", eager=True
    )})  # fmt: skip
    whole = grid.join(bars, on=TIME, how="left").with_columns(
        pl.col("close").forward_fill(), pl.col("volume").fill_null(0.0)
    )
    return whole.with_columns(pl.col(name).fill_null(pl.col("close")) for name in ("open", "high", "low"))


def step_of(bars: pl.DataFrame) -> int:
    """The bars' interval: the commonest step, nanoseconds.

    Raises:
        UsageError: One row has none.
    """
    if bars.is_empty():
        raise UsageError("the frame has no rows: get the data again")
    steps = bars[TIME].dt.epoch("ns").diff().drop_nulls()
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        raise UsageError("one bar does not tell its interval: give more of them, or a file and its interval")
    return int(steps.mode().sort()[0])


def moment_ns(moment: Moment) -> int | None:
    """Nanoseconds UTC.

    Raises:
        UsageError: A text that is no time.
    """
    if moment is None or isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise UsageError(f"{moment!r} is no time: write 2020-03-01 or 2020-03-01T12:30:00") from None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = moment.replace(microsecond=0)
    return round(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
