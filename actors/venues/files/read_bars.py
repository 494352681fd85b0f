"""Readers of bars: one small function for each form of file."""

from __future__ import annotations

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.columns import (
    Context,
    Numbers,
    bar_piece,
    numbers,
    price_columns,
    times,
)
from actors.venues.files.series import PRICES, Piece, shaped
from actors.venues.files.times import Times

ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "date", "opentime", "ts", "tsevent", ""),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("volume", "vol", "v"),
    "price": ("price", "px"),
    "size": ("size", "amount", "qty", "quantity"),
    "trade_id": ("tradeid", "id", "tid"),
    "side": ("side", "aggressor", "takerside"),
    "buyer_is_maker": ("isbuyermaker", "buyerismaker"),
    "bid_price": ("bidprice", "bid", "bidpx"),
    "bid_size": ("bidsize", "bidqty", "bidamount"),
    "ask_price": ("askprice", "ask", "askpx"),
    "ask_size": ("asksize", "askqty", "askamount"),
    "adjusted": ("adjclose",),
    "clock": ("time",),
}
FIGURES = frozenset({
    *PRICES, "volume", "price", "size", "bid_price", "bid_size", "ask_price", "ask_size", "adjusted",
})  # fmt: skip
OCHLV = ("open", "close", "high", "low")


def normal(name: str) -> str:
    """A column's name without case, blanks, dots, underscores and brackets."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def named_columns(names: tuple[str, ...]) -> dict[str, str]:
    """Our column name → `c0` …; an empty first cell is the time, as table libraries write their index."""
    theirs = {normal(name): f"c{place}" for place, name in reversed(list(enumerate(names)))}
    found = {}
    for ours, aliases in ALIASES.items():
        for alias in aliases:
            if alias in theirs and (alias or not names[0].strip()):
                found[ours] = theirs[alias]
                break
    return found


def plain(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Columns by name; a `Date` and a `Time` beside each other are one stamp."""
    columns = named_columns(context.head.names)
    theirs = [normal(name) for name in context.head.names]
    if "date" in theirs and "time" in theirs:
        date, clock = (f"c{theirs.index(name)}" for name in ("date", "time"))
        frame = frame.with_columns((pl.col(date) + " " + pl.col(clock)).alias(date))
        columns["time"] = date
    return [_by_name(context, frame, columns)]


def _by_name(context: Context, frame: pl.DataFrame, columns: dict[str, str]) -> Piece:
    wanted = {name: columns[name] for name in (*PRICES, "volume", "adjusted") if name in columns}
    values = numbers(context, frame, wanted, optional=("volume", "adjusted"))
    return bar_piece(context, frame, times(context, frame, columns["time"]), _adjust(context, values))


def _adjust(context: Context, values: Numbers) -> Numbers:
    """Prices times (adjusted close / close), when asked for."""
    if not context.options.adjusted:
        return values
    if "adjusted" not in values.frame.columns:
        raise BadDataFile(f"{context.problems.file} has no adjusted prices: leave --adjusted out")
    factor = pl.col("adjusted") / pl.col("close")
    return values._replace(frame=values.frame.with_columns(*(pl.col(name) * factor for name in PRICES)))


def binance_klines(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """open_time, open, high, low, close, volume, close_time, …; the interval is in the first row."""
    stamps, closes = times(context, frame, "c0"), times(context, frame, "c6")
    if context.interval_ns is None and frame.height:
        unit = 1_000_000 if len(str(frame["c0"][0]).strip()) == 13 else 1_000
        context.interval_ns = int(closes.ns[0]) - int(stamps.ns[0]) + unit
    values = numbers(context, frame, {**price_columns(1), "volume": "c5"})
    return [bar_piece(context, frame, stamps, values)]


def bitfinex_candles(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, open, close, high, low, volume."""
    values = numbers(context, frame, {**price_columns(1, OCHLV), "volume": "c5"})
    return [bar_piece(context, frame, times(context, frame, "c0"), values)]


def six_columns(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """time, open, high, low, close, volume without a header."""
    values = numbers(context, frame, {**price_columns(1), "volume": "c5"}, optional=("volume",))
    return [bar_piece(context, frame, times(context, frame, "c0"), values)]


def ninjatrader(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """As six columns, stamped with the bar's end."""
    values = numbers(context, frame, {**price_columns(1), "volume": "c5"}, optional=("volume",))
    return [bar_piece(context, frame, times(context, frame, "c0"), values, stamp="end")]


def metatrader(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """date, time, open, high, low, close, volume."""
    frame = frame.with_columns((pl.col("c0") + " " + pl.col("c1")).alias("c0"))
    values = numbers(context, frame, {**price_columns(2), "volume": "c6"}, optional=("volume",))
    return [bar_piece(context, frame, times(context, frame, "c0"), values)]


def algoseek_bars(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Minute bars of trades, US Eastern wall time; a minute without a trade has no bar."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    frame = frame.filter(~pl.col(place["firsttradeprice"]).fill_null("").str.strip_chars().is_in(["", "0"]))
    clock = pl.col(place["timebarstart"]).str.replace(":", "").str.pad_start(4, "0")
    seconds = pl.when(clock.str.len_chars() > 4).then(clock.str.slice(4, 2)).otherwise(pl.lit("00"))
    frame = frame.with_columns((pl.col(place["date"]) + " " + clock.str.slice(0, 4) + seconds).alias("stamp"))
    _check_label(context, frame, place)
    names = ("firsttradeprice", "hightradeprice", "lowtradeprice", "lasttradeprice", "volume")
    values = numbers(
        context, frame, {ours: place[name] for ours, name in zip((*PRICES, "volume"), names, strict=True)}
    )
    stamps = times(context, frame, "stamp", "America/New_York")
    if context.interval_ns is None and frame.height < 2:
        context.interval_ns = 60_000_000_000
    tickers = frame[place["ticker"]].drop_nulls() if "ticker" in place else pl.Series([], dtype=pl.String)
    symbol = str(tickers[0]) if not tickers.is_empty() else None
    return [bar_piece(context, frame, stamps, values, symbol=symbol)]


def _check_label(context: Context, frame: pl.DataFrame, place: dict[str, str]) -> None:
    """The vendor's table has named the minute after a bar as its start: the open's own time tells."""
    if "openbartime" not in place or frame.is_empty():
        return
    opened = frame[place["openbartime"]].str.slice(0, 4)
    label = frame["stamp"].str.slice(9, 4)
    differs = (opened != label).fill_null(False)
    if differs.any():
        at = int(differs.arg_max() or 0)
        context.problems.add(
            "warning",
            "label",
            f"TimeBarStart {label[at]} differs from OpenBarTime {opened[at]}",
            "check what the bars are stamped with, and import with --stamp end if it is their end",
            row=int(frame["row"][at]),
            count=int(differs.sum()),
        )


def yahoo(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Date, OHLC, Volume and Adj Close in either order; the other prices are as the vendor has them."""
    return [_by_name(context, frame, named_columns(context.head.names))]


def wiki(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Raw and adjusted prices side by side, with the day's dividend and split: bars and actions."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    prefix = "adj" if context.options.adjusted else ""
    stamps = times(context, frame, place["date"])
    wanted = {name: place[prefix + name] for name in (*PRICES, "volume")}
    bars = bar_piece(context, frame, stamps, numbers(context, frame, wanted, optional=("volume",)))
    if context.options.adjusted:
        return [bars]
    events = numbers(context, frame, {"dividend": place["exdividend"], "split": place["splitratio"]})
    table = events.frame.with_columns(stamps.ns.alias("ts_event"), frame["row"])
    return [bars, *actions_of(table)]


def actions_of(table: pl.DataFrame, symbol: str | None = None) -> list[Piece]:
    """Dividends > 0 and splits other than 1 out of columns `dividend` and `split`."""
    parts = [
        table.filter(pl.col(name) != nothing).select(
            "ts_event", pl.lit(name).alias("action"), pl.col(name).alias("value"), "row"
        )
        for name, nothing in (("dividend", 0.0), ("split", 1.0))
    ]
    found = pl.concat(parts).sort("ts_event", "action")
    return [] if found.is_empty() else [Piece("actions", symbol, None, shaped(found, "actions"))]


def stamps_of(ns: pl.Series, *, is_date: bool = False) -> Times:
    """Times that are nanoseconds already."""
    return Times(ns, is_date)
