"""Readers of LEAN's data folder: no header, times since a local midnight, prices of shares × 10,000."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.columns import Context, Numbers, bar_piece, numbers, price_columns, row_ids, times
from actors.venues.files.read_ticks import one_sided, quote_piece
from actors.venues.files.series import PRICES, Piece, shaped
from actors.venues.files.times import Times, since_midnight

SHARE_SCALE = 10_000.0
_STEPS_NS = {"second": 1_000_000_000, "minute": 60_000_000_000, "hour": 3_600_000_000_000}
_FIXED_ZONES = {"fxcm": "Etc/GMT+5"}
"""Vendors whose files are in another zone than their market's."""


def bars(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, open, high, low, close, volume."""
    values = _scaled(context, numbers(context, frame, {**price_columns(1), "volume": "c5"}), PRICES)
    return [bar_piece(context, frame, _stamps(context, frame), values, symbol=symbol_of(context))]


def quote_bars(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, bid open … close, bid size, ask open … close, ask size; a bar without one of the sides goes."""
    names = [f"{side}_{name}" for side in ("bid", "ask") for name in (*PRICES, "size")]
    columns = {name: f"c{place}" for place, name in enumerate(names, 1)}
    values = numbers(context, frame, columns, optional=[name for name in names if name.endswith("size")])
    prices = [name for name in names if not name.endswith("size")]
    values = _scaled(context, values, prices)
    stamps = _stamps(context, frame)
    return [bar_piece(context, frame, stamps, values, symbol=symbol_of(context), kind="quote_bars")]


def trade_ticks(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, price, size, exchange, condition, suspicious; what the vendor calls suspicious goes."""
    frame = _trusted(context, frame, "c5")
    values = _scaled(context, numbers(context, frame, {"price": "c1", "size": "c2"}), ("price",))
    ns = _stamps(context, frame).ns
    ids = row_ids(frame, context.head.first_line)
    table = values.frame.with_columns(
        ns.alias("ts_event"), ids.alias("trade_id"), pl.lit("unknown").alias("aggressor"), frame["row"]
    ).filter(values.is_whole & ns.is_not_null())
    return [Piece("trades", symbol_of(context), None, shaped(table, "trades"))]


def quote_ticks(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, bid, bid size, ask, ask size, exchange, condition, suspicious; 0 is a side that is absent."""
    frame = _trusted(context, frame, "c7")
    columns = {"bid": "c1", "bid_size": "c2", "ask": "c3", "ask_size": "c4"}
    values = _scaled(context, numbers(context, frame, columns), ("bid", "ask"))
    rows = values.frame.with_columns(_stamps(context, frame).ns.alias("ts_event"), frame["row"])
    rows = rows.filter(values.is_whole)
    is_bid = pl.col("bid") > 0
    sided = rows.select(
        "ts_event",
        "row",
        pl.when(is_bid).then(pl.lit("BID")).otherwise(pl.lit("ASK")).alias("event"),
        pl.when(is_bid).then("bid").otherwise("ask").alias("price"),
        pl.when(is_bid).then("bid_size").otherwise("ask_size").alias("size"),
    )
    return [Piece("quotes", symbol_of(context), None, shaped(one_sided(sided), "quotes"))]


def forex_ticks(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, bid, ask."""
    values = numbers(context, frame, {"bid_price": "c1", "ask_price": "c2"})
    return [quote_piece(frame, _stamps(context, frame).ns, values, symbol_of(context))]


def symbol_of(context: Context) -> str:
    """`20140605_aapl_minute_trade.csv` and `aapl.csv` → AAPL."""
    parts = context.head.member.partition(".")[0].split("_")
    return (parts[1] if len(parts) > 1 else parts[0]).upper()


def _trusted(context: Context, frame: pl.DataFrame, column: str) -> pl.DataFrame:
    is_suspicious = (frame[column].str.strip_chars() == "1").fill_null(False)
    if is_suspicious.any():
        context.problems.add(
            "warning",
            "suspicious",
            "a tick is flagged as suspicious by the vendor",
            "it is left out; nothing to do",
            row=int(frame["row"][int(is_suspicious.arg_max() or 0)]),
            count=int(is_suspicious.sum()),
        )
    return frame.filter(~is_suspicious)


def _scaled(context: Context, values: Numbers, prices: tuple[str, ...] | list[str]) -> Numbers:
    """Prices of shares are whole numbers, 10,000 a dollar; those of currencies are as they are."""
    if context.scale == 0.0:
        columns = values.frame.select(*prices)
        whole = all(bool((column == column.round()).drop_nulls().all()) for column in columns)
        top = max((float(column.max() or 0.0) for column in columns), default=0.0)  # type: ignore[arg-type]
        context.scale = SHARE_SCALE if whole and top >= SHARE_SCALE and _is_share(context) else 1.0
    if context.scale == 1.0:
        return values
    return values._replace(
        frame=values.frame.with_columns(*(pl.col(name) / context.scale for name in prices))
    )


def _is_share(context: Context) -> bool:
    folders = {part.lower() for part in context.head.path.absolute().parts}
    return not folders & {"crypto", "forex", "cfd", "fx"}


def _zone(context: Context) -> str:
    path = str(context.head.path).lower()
    fixed = next((zone for vendor, zone in _FIXED_ZONES.items() if vendor in path), None)
    return fixed or ("America/New_York" if context.scale == SHARE_SCALE else "UTC")


def _stamps(context: Context, frame: pl.DataFrame) -> Times:
    """`20131007 00:00`, or milliseconds since the midnight of the day in the file's name."""
    path = str(context.head.path).lower() + " " + context.head.member.lower()
    if context.interval_ns is None:
        context.interval_ns = next((ns for name, ns in _STEPS_NS.items() if name in path), None)
    first = str(frame["c0"][0]) if frame.height else ""
    if " " not in first:
        day = day_of(context)
        zone = context.zone(_zone(context))
        return Times(since_midnight(frame["c0"], day, zone, frame["row"], context.problems), False)
    if frame["c0"].str.ends_with(" 00:00").all():
        return times(context, frame.with_columns(pl.col("c0").str.slice(0, 8)), "c0")
    return times(context, frame, "c0", _zone(context))


def day_of(context: Context) -> date:
    """The day that a file of one day names.

    Raises:
        BadDataFile: It names none.
    """
    for name in (context.head.member, context.head.path.name):
        found = re.match(r"(\d{8})_", name)
        if found:
            return date.fromisoformat(found[1])
    raise BadDataFile(
        f"{context.problems.file}: the times count from midnight and no day is in the file's name: "
        "name it as in 20240131_trade.zip"
    )
