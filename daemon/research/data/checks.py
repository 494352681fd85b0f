"""What can be wrong with rows of market data: each check adds a finding that names the row and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl

from actors.model.intervals import format_interval
from actors.venues.files.messages import mid_bars
from actors.venues.files.series import Kind, Problems, Severity
from daemon.research.data.findings import many
from daemon.research.data.gaps import (
    ALWAYS,
    DAY_NS,
    SESSIONS,
    WEEKDAYS,
    find_gaps,
    hour_shifts,
    is_weekend,
)
from daemon.research.exchange_calendars import Sessions, Times, sessions_of

SPIKE = 0.2
"""A move from close to close that is worth a look, fraction."""
SPLIT_MOVE_MIN = 0.3
SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 50.0)
SPLIT_TOLERANCE = 0.06
SHIFTED_DAYS_MIN = 3
WEEKEND_SHARE_MAX = 0.25


def check(
    frame: pl.DataFrame, kind: Kind, interval_ns: int | None, problems: Problems, calendar: str | None
) -> None:
    """All checks that fit the kind; rows are in the order of their file, `row` names them.

    Raises:
        ConfigError: The calendar is not known.
    """
    if "row" not in frame.columns:
        frame = frame.with_row_index("row", offset=1)
    frame = _order(frame, kind, problems)
    if kind in ("bars", "quote_bars"):
        assert interval_ns is not None
        if kind == "quote_bars":
            _closing_spread(frame, problems)
            frame = mid_bars(frame).with_columns(frame["row"])
        else:
            _bar_rows(frame, interval_ns, problems)
        _moves(frame, interval_ns, problems)
        _bars_missing(frame, interval_ns, problems, calendar)
    elif kind in ("trades", "quotes"):
        _tick_rows(frame, kind, problems)
        _silence(frame, problems)


def moment(time: int) -> str:
    """A time as people read it; without the time of day at midnight."""
    text = datetime.fromtimestamp(time / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(" 00:00:00")


def _flag(
    frame: pl.DataFrame, problems: Problems, condition: pl.Expr, severity: Severity, code: str,
    text: Callable[[dict[str, float]], str], advice: str,
) -> None:  # fmt: skip
    found = frame.filter(condition)
    if not found.is_empty():
        row = found.row(0, named=True)
        problems.add(severity, code, text(row), advice, row=int(row["row"]), count=found.height)


def _order(frame: pl.DataFrame, kind: Kind, problems: Problems) -> pl.DataFrame:
    """Complain of the order and of repeats; the rows in order, bars once each."""
    order = "ts_init" if "ts_init" in frame.columns else "ts_event"
    steps = frame[order].diff()
    back = (steps < 0).fill_null(False)
    if back.any():
        if frame.height > 1 and not (steps > 0).any():
            problems.add("note", "newest-first", "newest first", "rows are reversed when imported")
        else:
            at = int(back.arg_max() or 0)
            problems.add(
                "error", "order", f"time runs backwards to {moment(frame[order][at])}", "sort the rows",
                row=int(frame["row"][at]), count=int(back.sum()),
            )  # fmt: skip
        frame = frame.sort(order, maintain_order=True)
    if kind in ("bars", "quote_bars"):
        return each_bar_once(frame, problems)
    shared = frame.height - frame["ts_event"].n_unique()
    if shared and kind != "actions":
        problems.add(
            "note", "shared", f"{shared:,} rows sharing a timestamp with another", "their order is kept",
            count=shared,
        )  # fmt: skip
    return frame


def each_bar_once(frame: pl.DataFrame, problems: Problems) -> pl.DataFrame:
    """Bars without those that are there twice; two that differ at one time are a problem of their own."""
    values = [name for name in frame.columns if name != "row"]
    same = frame.unique(values, keep="first", maintain_order=True)
    if same.height < frame.height:
        again = frame.filter(~pl.col("row").is_in(same["row"].implode()))
        problems.add(
            "warning", "duplicate", f"the bar of {moment(again['ts_event'][0])} is there twice",
            "one of them is left out", row=int(again["row"][0]), count=again.height,
        )  # fmt: skip
    once = same.unique("ts_event", keep="first", maintain_order=True)
    if once.height < same.height:
        again = same.filter(pl.col("ts_event").is_duplicated())
        rows = ", ".join(str(row) for row in again["row"].head(2))
        problems.add(
            "error", "conflict", f"rows {rows} are two different bars of {moment(again['ts_event'][0])}",
            "remove the wrong one; if it is an hour in autumn, name the time zone with --zone",
            row=int(again["row"][1]), count=same.height - once.height,
        )  # fmt: skip
    return once


def _bar_rows(frame: pl.DataFrame, interval_ns: int, problems: Problems) -> None:
    fix = "correct or remove the row"
    high, low = pl.col("high"), pl.col("low")
    prices = (pl.col("open"), high, low, pl.col("close"))
    _flag(
        frame,
        problems,
        high < low,
        "error",
        "high-low",
        lambda r: f"high {r['high']} is below low {r['low']}",
        fix,
    )
    outside = pl.any_horizontal((pl.col(name) > high) | (pl.col(name) < low) for name in ("open", "close"))
    _flag(
        frame, problems, outside & (high >= low), "error", "outside",
        lambda r: f"open {r['open']} or close {r['close']} is outside of {r['low']} to {r['high']}",
        "correct the row; all of them so means wrong columns: name the form with --form",
    )  # fmt: skip
    _flag(
        frame, problems, pl.any_horizontal(price <= 0 for price in prices), "error", "price",
        lambda r: f"a price is zero or negative ({r['open']}, {r['high']}, {r['low']}, {r['close']})", fix,
    )  # fmt: skip
    _flag(
        frame,
        problems,
        pl.col("volume") < 0,
        "error",
        "volume",
        lambda r: f"volume {r['volume']} is negative",
        fix,
    )
    empty = frame.filter(pl.col("volume") == 0)
    if not empty.is_empty() and empty.height < frame.height:
        problems.add(
            "note", "zero-volume",
            f"{empty.height:,} zero-volume bars, first {moment(empty['ts_event'][0] - interval_ns)}",
            "nobody traded; orders are not filled in them", row=int(empty["row"][0]), count=empty.height,
        )  # fmt: skip


def _closing_spread(frame: pl.DataFrame, problems: Problems) -> None:
    _flag(
        frame, problems, pl.col("bid_close") > pl.col("ask_close"), "warning", "crossed",
        lambda r: f"the closing bid {r['bid_close']} is above the ask {r['ask_close']}",
        "no quote is made of these bars",
    )  # fmt: skip
    names = [f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close")]
    _flag(
        frame, problems, pl.any_horizontal(pl.col(name) <= 0 for name in names), "error", "price",
        lambda r: "a price is zero or negative", "correct or remove the row",
    )  # fmt: skip
    for side in ("bid", "ask"):
        _flag(
            frame, problems, pl.col(f"{side}_high") < pl.col(f"{side}_low"), "error", "high-low",
            lambda r: "a high is below its low", "correct or remove the row",
        )  # fmt: skip


def _moves(frame: pl.DataFrame, interval_ns: int, problems: Problems) -> None:
    """Large moves: as splits where their size says so, else as spikes."""
    if frame.height < 2:
        return
    close, before = pl.col("close"), pl.col("close").shift(1)
    start = (pl.col("ts_event") - interval_ns).alias("start")
    table = frame.select("row", start, "open", close, before.alias("before")).drop_nulls()
    table = table.filter((pl.col("before") > 0) & (pl.col("close") > 0)).with_columns(
        (pl.col("close") / pl.col("before") - 1).abs().alias("move")
    )
    large = table.filter(pl.col("move") > SPIKE)
    if large.is_empty():
        return
    worst = large.row(int(large["move"].arg_max() or 0), named=True)
    problems.add(
        "warning", "spike", f"largest close-to-close move {worst['move']:.1%}, {moment(worst['start'])}; "
        f"{large.height:,} so large", "look at these rows: a wrong price, an event, or a split",
        row=int(worst["row"]), count=large.height,
    )  # fmt: skip
    splits = [
        row for row in large.iter_rows(named=True) if split_ratio(row["before"], row["open"], row["move"])
    ]
    if splits:
        shown = ", ".join(
            f"{moment(row['start'])} looks like {split_ratio(row['before'], row['open'], row['move'])}"
            for row in splits[:5]
        )
        problems.add(
            "warning", "split", f"splits that are not applied: {shown}",
            "import the splits beside the bars, or bars with --adjusted prices",
            row=int(splits[0]["row"]), count=len(splits),
        )  # fmt: skip


def split_ratio(before: float, opening: float, move: float) -> str | None:
    """`2:1` or `1:10` when the overnight move is that of a split."""
    if move < SPLIT_MOVE_MIN or opening <= 0:
        return None
    ratio = before / opening
    size = ratio if ratio > 1 else 1 / ratio
    nearest = min(SPLIT_RATIOS, key=lambda each: abs(each / size - 1))
    if abs(nearest / size - 1) > SPLIT_TOLERANCE:
        return None
    return f"{nearest:g}:1" if ratio > 1 else f"1:{nearest:g}"


def _bars_missing(frame: pl.DataFrame, interval_ns: int, problems: Problems, calendar: str | None) -> None:
    ends = frame["ts_event"].to_numpy()
    starts = ends - interval_ns
    found = find_gaps(ends, interval_ns, calendar)
    if found.missing:
        of_days = found.calendar == WEEKDAYS and interval_ns >= DAY_NS
        noun, lack = ("weekday", "without bar") if of_days else ("bar", "missing")
        what = f"{many(found.missing, noun)} {lack}"
        extra = "" if found.calendar in (ALWAYS, WEEKDAYS) else f" ({found.calendar})"
        problems.add(
            "warning", "gap",
            f"{what}{extra} in {many(found.gaps, 'gap')}; longest gap {many(found.longest, 'bar')}, "
            f"{moment(found.longest_from)} to {moment(found.longest_to)}",
            "download what is missing, or give the market's calendar with --calendar",
            row=int(frame["row"][found.after]), count=found.missing,
        )  # fmt: skip
    if calendar is not None and calendar not in (ALWAYS, WEEKDAYS, SESSIONS):
        sessions = sessions_of(calendar, int(starts[0]), int(starts[-1]))
        _closed_days(frame, starts, interval_ns, sessions, problems, calendar)
        if interval_ns < DAY_NS:
            _hours(frame, starts, sessions, problems, calendar)
        return
    weekend = is_weekend(starts)
    if interval_ns >= DAY_NS and 0 < weekend.sum() < WEEKEND_SHARE_MAX * len(starts):
        problems.add(
            "warning", "weekend", f"{int(weekend.sum()):,} weekend bars",
            "the vendor's day begins elsewhere: check it before mixing with others",
            row=int(frame["row"][int(weekend.argmax())]), count=int(weekend.sum()),
        )  # fmt: skip


def _closed_days(
    frame: pl.DataFrame, starts: Times, interval_ns: int, sessions: Sessions, problems: Problems,
    calendar: str,
) -> None:  # fmt: skip
    """Bars on days on which the exchange did not open; hours beside a session of the day are none."""
    opened = np.searchsorted(sessions.opens, starts + interval_ns)
    closed = np.searchsorted(sessions.closes, starts, side="right")
    has_session = (opened > closed) | np.isin(starts - starts % DAY_NS, sessions.days)
    if has_session.all():
        return
    at, count = int(has_session.argmin()), int((~has_session).sum())
    problems.add(
        "warning", "closed", f"{count:,} bars on days without a session ({calendar}), first "
        f"{moment(int(starts[at]))}", "remove them, or give the calendar of the market that they are of",
        row=int(frame["row"][at]), count=count,
    )  # fmt: skip


def _hours(
    frame: pl.DataFrame, starts: Times, sessions: Sessions, problems: Problems, calendar: str,
) -> None:  # fmt: skip
    """Days whose trading lies an hour beside the session: clocks were changed and the stamps were not."""
    volume = frame["volume"].to_numpy() if frame["volume"].sum() else np.ones(len(starts))
    shifts = hour_shifts(starts, volume, sessions)
    if len(shifts) < SHIFTED_DAYS_MIN:
        return
    days = sorted(shifts)
    way = "early" if shifts[days[0]] < 0 else "late"
    at = int(np.searchsorted(starts, days[0]))
    problems.add(
        "error", "dst",
        f"{len(days):,} days from {moment(days[0])} to {moment(days[-1])} lie an hour {way} of {calendar}",
        "the times are wall clock or of a fixed offset: name their zone with --zone",
        row=int(frame["row"][min(at, frame.height - 1)]), count=len(days),
    )  # fmt: skip


def _tick_rows(frame: pl.DataFrame, kind: Kind, problems: Problems) -> None:
    fix = "correct or remove the row"
    if kind == "trades":
        _flag(
            frame,
            problems,
            pl.col("price") <= 0,
            "error",
            "price",
            lambda r: f"price {r['price']} is not above zero",
            fix,
        )
        _flag(
            frame,
            problems,
            pl.col("size") <= 0,
            "error",
            "volume",
            lambda r: f"size {r['size']} is not above zero",
            fix,
        )
        return
    _flag(
        frame, problems, (pl.col("bid_price") <= 0) | (pl.col("ask_price") <= 0), "error", "price",
        lambda r: f"bid {r['bid_price']} or ask {r['ask_price']} is not above zero", fix,
    )  # fmt: skip
    _flag(
        frame, problems, pl.col("bid_price") >= pl.col("ask_price"), "warning", "crossed",
        lambda r: f"bid {r['bid_price']} is not below ask {r['ask_price']}", "a backtest leaves them out",
    )  # fmt: skip


def _silence(frame: pl.DataFrame, problems: Problems) -> None:
    steps = frame["ts_event"].diff()
    longest = steps.max()
    if isinstance(longest, int) and longest > 60_000_000_000:
        at = int(steps.arg_max() or 0)
        problems.add(
            "note", "silence", f"longest silence {longest / 1e9:.0f} s to {moment(frame['ts_event'][at])}",
            f"more than {format_interval(60_000_000_000)} without a tick: was the market open?",
            row=int(frame["row"][at]),
        )  # fmt: skip
