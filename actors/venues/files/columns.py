"""Columns of text, or of numbers → columns of numbers: what every form's reader is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.series import PRICES, Piece, Problems, ReadOptions, shaped
from actors.venues.files.text import Head
from actors.venues.files.times import DAY_NS, Times, in_utc, parse_times, zone_named

MISSING = ("", "null", "NaN", "nan", "NULL", "None", "N/A", "-")
MONTH_NS_MIN = 28 * DAY_NS


class Context:
    """One file while it is read: what was asked for, and what its first block has decided for the others."""

    def __init__(self, head: Head, options: ReadOptions, problems: Problems) -> None:
        self.head, self.options, self.problems = head, options, problems
        self.interval_ns: int | None = options.interval_ns
        self.scale = 0.0
        """Price units of a form that scales them; 0 until its first block has told."""

    def zone(self, own: str = "UTC") -> str:
        """Of times without an offset."""
        return zone_named(self.options.zone or own)


class Numbers(NamedTuple):
    """A block's columns of numbers, and which rows have all of those that are needed."""

    frame: pl.DataFrame
    is_whole: pl.Series


def numbers(
    context: Context, frame: pl.DataFrame, columns: Mapping[str, str], optional: Sequence[str] = ()
) -> Numbers:
    """Columns by our names; a cell that is no number is an error, one that is missing leaves its row out."""
    found: list[pl.Series] = []
    whole = pl.repeat(True, frame.height, eager=True, dtype=pl.Boolean)
    for ours, theirs in columns.items():
        text = frame[theirs]
        if text.dtype.is_numeric():
            number = text.cast(pl.Float64)
            missing = number.is_null() | number.is_nan().fill_null(True)
        else:
            text = text.str.strip_chars()
            missing = text.is_null() | text.is_in(list(MISSING))
            number = text.cast(pl.Float64, strict=False)
        wrong = (number.is_null() | ~number.is_finite().fill_null(False)) & ~missing
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            context.problems.add(
                "error",
                "number",
                f"{ours} {text[at]!r} is no number",
                "correct the cell or remove the row",
                row=int(frame["row"][at]),
                count=int(wrong.sum()),
            )
        # a missing cell is "-", blank or null: without it NaN would count as a number
        number = pl.DataFrame({"n": number, "m": missing}).select(pl.when(~pl.col("m")).then(pl.col("n")))[
            "n"
        ]
        found.append(number.rename(ours))
        if ours not in optional:
            _tell_missing(context, frame, ours, missing)
            whole = whole & number.is_not_null()
    return Numbers(pl.DataFrame(found), whole)


def _tell_missing(context: Context, frame: pl.DataFrame, name: str, missing: pl.Series) -> None:
    if missing.any():
        context.problems.add(
            "warning",
            "missing",
            f"{name} is missing",
            "the row is left out; get the file again if it should not be",
            row=int(frame["row"][int(missing.arg_max() or 0)]),
            count=int(missing.sum()),
        )


def times(context: Context, frame: pl.DataFrame, column: str, zone: str = "UTC") -> Times:
    """A column of times; a cell that is none is an error."""
    texts, where = frame[column], context.zone(zone)
    if isinstance(texts.dtype, pl.Datetime):
        found = Times(in_utc(texts, where, frame["row"], context.problems), is_date=False)
    else:
        found = parse_times(texts, frame["row"], where, context.problems)
    wrong = found.ns.is_null()
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        context.problems.add(
            "error",
            "time",
            f"{frame[column][at]!r} is no time as the others are",
            "correct the cell or remove the row",
            row=int(frame["row"][at]),
            count=int(wrong.sum()),
        )
    return found


def bar_piece(
    context: Context,
    frame: pl.DataFrame,
    stamps: Times,
    values: Numbers,
    *,
    stamp: str = "start",
    symbol: str | None = None,
    kind: str = "bars",
) -> Piece:
    """Bars from their stamps and prices; what the stamp means, and the interval, may be given."""
    interval = context.interval_ns
    if interval is None:
        interval = context.interval_ns = usual_step(stamps, context.problems.file)
    is_end = (context.options.stamp or stamp) == "end" and not stamps.is_date
    ends = stamps.ns if is_end else stamps.ns + interval
    whole = values.is_whole & stamps.ns.is_not_null()
    table = values.frame.with_columns(ends.alias("ts_event"), frame["row"])
    if kind == "bars" and "volume" not in table.columns:
        table = table.with_columns(pl.lit(0.0).alias("volume"))
    if kind == "bars":
        table = table.with_columns(pl.col("volume").fill_null(0.0))
        return Piece("bars", symbol, interval, shaped(table.filter(whole), "bars"))
    return Piece("quote_bars", symbol, interval, shaped(table.filter(whole), "quote_bars"))


def usual_step(stamps: Times, file: str) -> int:
    """The most frequent step between two rows; bars of dates are days, weeks or more.

    Raises:
        BadDataFile: One row does not tell.
    """
    steps = stamps.ns.diff().drop_nulls().abs()
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        if stamps.is_date:
            return DAY_NS
        raise BadDataFile(
            f"{file}: one row does not tell the bars' interval: name it, as --interval 1m or interval = '1m'"
        )
    counts = steps.value_counts().sort(["count", steps.name], descending=[True, False])
    usual = int(counts[steps.name][0])
    if stamps.is_date and usual >= MONTH_NS_MIN:
        raise BadDataFile(f"{file}: bars of a month have no fixed length: take daily or weekly ones")
    return usual


def price_columns(start: int, order: Sequence[str] = PRICES) -> dict[str, str]:
    """`open` … `close` at `c{start}` and after, in the order given."""
    return {name: f"c{start + place}" for place, name in enumerate(order)}


def aggressor_of(text: pl.Expr) -> pl.Expr:
    """`buy`, `sell` or `unknown`, from what vendors write."""
    word = text.str.strip_chars().str.to_lowercase()
    return (
        pl.when(word.is_in(["buy", "b", "bid"]))
        .then(pl.lit("buy"))
        .when(word.is_in(["sell", "s", "ask"]))
        .then(pl.lit("sell"))
        .otherwise(pl.lit("unknown"))
    )


def taker_of(buyer_is_maker: pl.Expr) -> pl.Expr:
    """The side that took, from `is_buyer_maker`."""
    is_maker = buyer_is_maker.str.strip_chars().str.to_lowercase() == "true"
    return pl.when(is_maker).then(pl.lit("sell")).otherwise(pl.lit("buy"))


def row_ids(frame: pl.DataFrame, first_line: int) -> pl.Series:
    """Ids for trades that have none: `#` and the number of the row."""
    return "#" + (frame["row"] - first_line).cast(pl.String)
