"""Columns → market data: the reader of backtests, made for speed, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

import polars as pl

from actors.errors import BadDataFile
from actors.messages.market import (
    Bar,
    BookDelta,
    BookSnapshot,
    CorporateAction,
    FundingRate,
    MarketData,
    Quote,
    Trade,
)
from actors.venues.files.series import BAR_COLUMNS, Kind

SHARES_MAX = 100
"""Most old shares that a split is counted in: a ratio of rounded factors is nearly one of these."""
_ONE_OF: Mapping[Kind, str] = {
    "bars": "a bar", "trades": "a trade", "quotes": "a quote", "quote_bars": "a quote bar",
    "funding": "a funding rate",
}  # fmt: skip
Make = Callable[[pl.DataFrame, str, int], list[MarketData]]


def bars_of(frame: pl.DataFrame, instrument: str, interval_ns: int) -> list[MarketData]:
    """Bars."""
    rows = zip(*(frame[name].to_list() for name in ("ts_event", *BAR_COLUMNS)), strict=True)
    return [
        Bar(
            instrument=instrument,
            ts_event=time,
            interval_ns=interval_ns,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
        )
        for time, open_, high, low, close, volume in rows
    ]


def mid_bars(frame: pl.DataFrame) -> pl.DataFrame:
    """Bars of bid and ask → bars of their middle, without volume."""
    mids = [((pl.col(f"bid_{name}") + pl.col(f"ask_{name}")) * 0.5).alias(name) for name in BAR_COLUMNS[:4]]
    bars = frame.select("ts_event", *mids, pl.lit(0.0).alias("volume"))
    # sides that cross within a bar could leave the middle's open or close outside of its high and low
    top, bottom = pl.max_horizontal("open", "high", "close"), pl.min_horizontal("open", "low", "close")
    return bars.with_columns(top.alias("high"), bottom.alias("low"))


def closing_quotes(frame: pl.DataFrame) -> pl.DataFrame:
    """Bars of bid and ask → the quote at each bar's end; without sizes they are 1."""
    return frame.select(
        "ts_event",
        *(
            expression
            for side in ("bid", "ask")
            for expression in (
                pl.col(f"{side}_close").alias(f"{side}_price"),
                pl.when(pl.col(f"{side}_size") > 0).then(f"{side}_size").otherwise(1.0).alias(f"{side}_size"),
            )
        ),
    )


def quotes_of(frame: pl.DataFrame, instrument: str, _: int) -> list[MarketData]:
    """Quotes; those that cross (bid ≥ ask) cannot be traded on and are left out."""
    frame = frame.filter(pl.col("bid_price") < pl.col("ask_price"))
    names = ("ts_event", "bid_price", "bid_size", "ask_price", "ask_size")
    return [
        Quote(
            instrument=instrument,
            ts_event=time,
            bid_price=bid,
            bid_size=bid_size,
            ask_price=ask,
            ask_size=ask_size,
        )
        for time, bid, bid_size, ask, ask_size in zip(*(frame[name].to_list() for name in names), strict=True)
    ]


def trades_of(frame: pl.DataFrame, instrument: str, _: int) -> list[MarketData]:
    """Trades."""
    names = ("ts_event", "trade_id", "price", "size", "aggressor")
    return [
        Trade(instrument=instrument, ts_event=time, trade_id=number, price=price, size=size, aggressor=side)
        for time, number, price, size, side in zip(*(frame[name].to_list() for name in names), strict=True)
    ]


def books_of(frame: pl.DataFrame, instrument: str, _: int) -> list[MarketData]:
    """Snapshots and deltas of the book."""
    names = ("ts_event", "is_snapshot", "first_update_id", "last_update_id")
    sides = ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")
    rows = zip(*(frame[name].to_list() for name in (*names, *sides)), strict=True)
    found: list[MarketData] = []
    for time, is_snapshot, first, last, bid_prices, bid_sizes, ask_prices, ask_sizes in rows:
        bids = tuple(zip(bid_prices, bid_sizes, strict=True))
        asks = tuple(zip(ask_prices, ask_sizes, strict=True))
        if is_snapshot:
            bids, asks = tuple(sorted(bids, reverse=True)), tuple(sorted(asks))
            found.append(
                BookSnapshot(instrument=instrument, ts_event=time, update_id=last, bids=bids, asks=asks)
            )
        else:
            found.append(
                BookDelta(
                    instrument=instrument,
                    ts_event=time,
                    first_update_id=first,
                    last_update_id=last,
                    bids=bids,
                    asks=asks,
                )
            )
    return found


def actions_of(frame: pl.DataFrame, instrument: str, _: int) -> list[MarketData]:
    """Splits as the nearest whole numbers of shares, dividends as written."""
    rows = zip(*(frame[name].to_list() for name in ("ts_event", "action", "value")), strict=True)
    found: list[MarketData] = []
    for time, action, value in rows:
        name = f"{action}-{time}"
        if action == "dividend":
            amount = Decimal(repr(value))
            found.append(
                CorporateAction(instrument=instrument, ts_event=time, action_id=name, dividend=amount)
            )
            continue
        ratio = Fraction(value).limit_denominator(SHARES_MAX)
        found.append(
            CorporateAction(
                instrument=instrument,
                ts_event=time,
                action_id=name,
                shares_before=Decimal(ratio.denominator),
                shares_after=Decimal(ratio.numerator),
            )
        )
    return found


def funding_of(frame: pl.DataFrame, instrument: str, _: int) -> list[MarketData]:
    """Funding rates."""
    names = ("ts_event", "rate", "mark_price")
    return [
        FundingRate(instrument=instrument, ts_event=time, rate=rate, mark_price=mark)
        for time, rate, mark in zip(*(frame[name].to_list() for name in names), strict=True)
    ]


MAKERS: Mapping[Kind, Make] = {
    "bars": bars_of,
    "quotes": quotes_of,
    "trades": trades_of,
    "book": books_of,
    "actions": actions_of,
    "funding": funding_of,
}


def as_kind(frame: pl.DataFrame, kind: Kind, wanted: Kind | None) -> tuple[Kind, pl.DataFrame]:
    """Bars of bid and ask as bars of the middle, or as quotes when wanted; everything else as it is."""
    if kind != "quote_bars":
        return kind, frame
    return ("quotes", closing_quotes(frame)) if wanted == "quotes" else ("bars", mid_bars(frame))


def timed(
    frame: pl.DataFrame, kind: Kind, instrument: str, interval_ns: int | None
) -> list[tuple[int, MarketData]]:
    """(when it could be known, message) of each row, in order."""
    if kind == "quotes":
        frame = frame.filter(pl.col("bid_price") < pl.col("ask_price"))
    column = "ts_init" if "ts_init" in frame.columns else "ts_event"
    messages = MAKERS[kind](frame, instrument, interval_ns or 0)
    return list(zip(frame[column].to_list(), messages, strict=True))


def bad_rows(kind: Kind) -> pl.Expr:
    """Rows that cannot be true: what no message may be made of."""
    if kind == "bars":
        top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
        whole = pl.all_horizontal(pl.col(name).is_finite() for name in BAR_COLUMNS)
        return ~(
            (pl.col("low") > 0)
            & (pl.col("low") <= bottom)
            & (pl.col("high") >= top)
            & (pl.col("volume") >= 0)
            & whole
        ).fill_null(False)
    if kind == "trades":
        return ~(
            (pl.col("price") > 0)
            & (pl.col("size") > 0)
            & pl.col("price").is_finite()
            & pl.col("size").is_finite()
        ).fill_null(False)
    if kind == "quotes":
        return ~(
            (pl.col("bid_price") > 0)
            & (pl.col("ask_price") > 0)
            & (pl.col("bid_size") >= 0)
            & (pl.col("ask_size") >= 0)
        ).fill_null(False)
    if kind == "funding":
        marks = pl.col("mark_price").fill_null(1.0)
        return ~((pl.col("rate").abs() < 1.0) & (marks > 0.0) & marks.is_finite()).fill_null(False)
    return pl.lit(False)


def check_rows(frame: pl.DataFrame, kind: Kind, file: str) -> None:
    """
    Raises:
        BadDataFile: A row that cannot be true; names it.
    """
    bad = frame.select(bad_rows(kind).alias("bad"))["bad"]
    if bad.any():
        at = int(bad.arg_max() or 0)
        row = frame["row"][at] if "row" in frame.columns else at + 1
        figures = ", ".join(
            f"{name} {frame[name][at]}"
            for name in frame.columns
            if name not in ("row", "ts_event", "ts_init", "trade_id")
        )
        raise BadDataFile(
            f"{file}: row {row}: {figures} cannot be {_ONE_OF.get(kind, kind)}; correct or remove it"
        )
