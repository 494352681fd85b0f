"""Old and new rows of one month as one table: what is known is not doubled, what disagrees is refused.

Bars and actions are known by their time, trades by their venue's id. Quotes, books and trades without an id
have no key: where both sides cover the same times, they must be the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.series import HAS_INTERVAL, SCHEMAS
from daemon.research.data.catalogue import Part, Series, order_column

NO_ID = "#"
"""Begins the id of a trade whose source has none: the number of its row."""


def merged(
    series: Series, old: Sequence[Part], new: pl.DataFrame, source: str, *, replace: bool
) -> pl.DataFrame:
    """All rows of the month in order.

    Raises:
        BadDataFile: Old and new disagree, or the new ones among themselves.
    """
    new = new.sort(order_column(new.columns), maintain_order=True)
    keys = _keys(series, new)
    if keys:
        new = _without_repeats(series, new, keys, source)
    if not old:
        return new
    there = pl.concat([pl.read_parquet(part.path) for part in old], how="diagonal_relaxed")
    new, there = _with_order(new, there), _with_order(there, new)
    if keys and (series.kind != "trades" or not _has_no_ids(there)):
        return _by_key(series, old, there, new, keys, source, replace=replace)
    return _by_range(series, old, there, new, source, replace=replace)


def _keys(series: Series, frame: pl.DataFrame) -> list[str]:
    if series.kind in HAS_INTERVAL or series.kind == "funding":
        return ["ts_event"]
    if series.kind == "actions":
        return ["ts_event", "action"]
    if series.kind == "trades" and not _has_no_ids(frame):
        return ["ts_event", "trade_id"]
    return []


def _has_no_ids(frame: pl.DataFrame) -> bool:
    return bool(frame["trade_id"].str.starts_with(NO_ID).any())


def _with_order(frame: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """`ts_init` on both sides when one has it."""
    if "ts_init" in other.columns and "ts_init" not in frame.columns:
        return frame.with_columns(pl.col("ts_event").alias("ts_init"))
    return frame


def _values(series: Series) -> list[str]:
    return [name for name in SCHEMAS[series.kind] if name not in ("ts_event", "trade_id", "action")]


def _without_repeats(series: Series, frame: pl.DataFrame, keys: list[str], source: str) -> pl.DataFrame:
    """Each key once; repeated with other values is an error."""
    once = frame.unique([*keys, *_values(series)], keep="first", maintain_order=True)
    again = once.filter(pl.struct(keys).is_duplicated())
    if not again.is_empty():
        raise BadDataFile(
            f"{source}: two rows of {_moment(again['ts_event'][0])} differ in {series}: remove the wrong one"
        )
    return once


def _by_key(
    series: Series,
    old: Sequence[Part],
    there: pl.DataFrame,
    new: pl.DataFrame,
    keys: list[str],
    source: str,
    *,
    replace: bool,
) -> pl.DataFrame:
    values = _values(series)
    both = new.join(there, on=keys, how="inner", suffix="_old", maintain_order="left")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_old")) for name in values)
    different = both.filter(differs)
    if not different.is_empty() and not replace:
        raise _disagree(series, old, different.row(0, named=True), values, source)
    if replace:
        there = there.join(new, on=keys, how="anti", maintain_order="left")
    else:
        new = new.join(there, on=keys, how="anti", maintain_order="left")
    return _union(there, new)


def _by_range(
    series: Series, old: Sequence[Part], there: pl.DataFrame, new: pl.DataFrame, source: str, *, replace: bool
) -> pl.DataFrame:
    order = order_column(new.columns)
    known = there.filter(pl.col(order).is_between(new[order][0], new[order][-1]))
    if known.is_empty():
        return _union(there, new)
    first, last = known[order][0], known[order][-1]
    if replace:
        outside = there.filter(~pl.col(order).is_between(new[order][0], new[order][-1]))
        return _union(outside, new)
    columns = ["ts_event", *_values(series)]
    inside = pl.col(order).is_between(first, last)
    if not new.filter(inside).select(columns).equals(known.select(columns)):
        part = next((part for part in old if part.first <= first <= part.last), old[0])
        raise BadDataFile(
            f"{source} and {part.source_of(first)} overlap and differ in {series} from {_moment(first)} to "
            f"{_moment(last)}: import one of them, or use --replace"
        )
    return _union(there, new.filter(~inside))


def _union(there: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    joined = pl.concat([there, new], how="diagonal_relaxed")
    return joined.sort(order_column(joined.columns), maintain_order=True)


def _disagree(
    series: Series, old: Sequence[Part], row: dict[str, object], values: Sequence[str], source: str
) -> BadDataFile:
    time = row["ts_event"]
    assert isinstance(time, int)
    part = next((part for part in old if part.first <= time <= part.last), old[0])
    name = next(name for name in values if row[name] != row[f"{name}_old"])
    return BadDataFile(
        f"{source} and {part.source_of(time)} differ in {series} at {_moment(time)}: {name} "
        f"{row[name]} here, {row[f'{name}_old']} there: import one of them, or replace rows with --replace"
    )


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time / 1e9, tz=UTC).isoformat(sep=" ", timespec="milliseconds")[:-6]
