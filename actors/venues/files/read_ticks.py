"""Readers of trades, quotes, books, corporate actions and funding: one small function for each form."""

from __future__ import annotations

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files.columns import Context, Numbers, aggressor_of, numbers, row_ids, taker_of, times
from actors.venues.files.read_bars import actions_of, named_columns, normal
from actors.venues.files.series import Piece, shaped
from actors.venues.files.times import DAY_NS, local_to_utc

FACTOR_STEP_MIN = 2e-6
"""Factors have seven digits: a smaller step is their rounding."""


def plain_trades(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Columns by name: time, price, size, perhaps id and side."""
    columns = named_columns(context.head.names)
    frame = frame.with_columns(_side(columns).alias("aggressor"))
    return [
        _trades(context, frame, columns["time"], columns["price"], columns["size"], columns.get("trade_id"))
    ]


def _side(columns: dict[str, str]) -> pl.Expr:
    if "side" in columns:
        return aggressor_of(pl.col(columns["side"]))
    if "buyer_is_maker" in columns:
        return taker_of(pl.col(columns["buyer_is_maker"]))
    return pl.lit("unknown")


def _trades(
    context: Context,
    frame: pl.DataFrame,
    time: str,
    price: str,
    size: str,
    trade_id: str | None,
    symbol: str | None = None,
) -> Piece:
    stamps = times(context, frame, time)
    values = numbers(context, frame, {"price": price, "size": size})
    ids = frame[trade_id] if trade_id else row_ids(frame, context.head.first_line)
    table = values.frame.with_columns(
        stamps.ns.alias("ts_event"), ids.alias("trade_id"), frame["aggressor"], frame["row"]
    )
    whole = values.is_whole & stamps.ns.is_not_null()
    return Piece("trades", symbol, None, shaped(table.filter(whole), "trades"))


def binance_trades(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """id, price, qty, quote_qty, time, is_buyer_maker, is_best_match."""
    frame = frame.with_columns(taker_of(pl.col("c5")).alias("aggressor"))
    return [_trades(context, frame, "c4", "c1", "c2", "c0")]


def binance_aggregates(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """agg_id, price, qty, first_id, last_id, time, is_buyer_maker, is_best_match."""
    frame = frame.with_columns(taker_of(pl.col("c6")).alias("aggressor"))
    return [_trades(context, frame, "c5", "c1", "c2", "c0")]


def id_is_time(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """id (µs since 1970), price, amount, type (bid or ask)."""
    frame = frame.with_columns(aggressor_of(pl.col("c3")).alias("aggressor"))
    return [_trades(context, frame, "c0", "c1", "c2", "c0")]


def tardis_trades(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """exchange, symbol, timestamp, local_timestamp, id, side, price, amount; one piece for each symbol."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    pieces = []
    for (symbol,), part in frame.group_by([place["symbol"]], maintain_order=True):
        part = part.with_columns(aggressor_of(pl.col(place["side"])).alias("aggressor"))
        time, price, size, number = (place[name] for name in ("timestamp", "price", "amount", "id"))
        pieces.append(_trades(context, part, time, price, size, number, str(symbol)))
    return pieces


def plain_quotes(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Columns by name: time, bid, ask, perhaps their sizes."""
    columns = named_columns(context.head.names)
    wanted: dict[str, str] = {
        name: columns[name] for name in ("bid_price", "bid_size", "ask_price", "ask_size") if name in columns
    }
    values = numbers(context, frame, wanted, optional=("bid_size", "ask_size"))
    stamps = times(context, frame, columns["time"])
    return [quote_piece(frame, stamps.ns, values)]


def quote_piece(frame: pl.DataFrame, ns: pl.Series, values: Numbers, symbol: str | None = None) -> Piece:
    """Quotes; without sizes they are 1."""
    table = values.frame
    for name in ("bid_size", "ask_size"):
        if name not in table.columns:
            table = table.with_columns(pl.lit(1.0).alias(name))
    table = table.with_columns(ns.alias("ts_event"), frame["row"])
    whole = values.is_whole & ns.is_not_null()
    return Piece("quotes", symbol, None, shaped(table.filter(whole), "quotes"))


def algoseek_ticks(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Trades, and the national best bid and ask; US Eastern wall time. A price of 0 is an absent side."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    if "date" not in place:
        raise BadDataFile(f"{context.problems.file}: algoseek ticks without a Date column: add it")
    day = pl.col(place["date"])
    iso = day.str.slice(0, 4) + "-" + day.str.slice(4, 2) + "-" + day.str.slice(6, 2)
    frame = frame.with_columns((iso + " " + pl.col(place["timestamp"])).alias("stamp"))
    stamps = times(context, frame, "stamp", "America/New_York")
    values = numbers(context, frame, {"price": place["price"], "size": place["quantity"]})
    frame = values.frame.with_columns(
        frame["row"], stamps.ns.alias("ts_event"), frame[place["eventtype"]].str.strip_chars().alias("event"),
        frame[place["ticker"]].alias("ticker"),
    ).filter(values.is_whole & stamps.ns.is_not_null())  # fmt: skip
    pieces = []
    for (ticker,), part in frame.group_by(["ticker"], maintain_order=True):
        trades = part.filter(
            pl.col("event").str.starts_with("TRADE") & ~pl.col("event").str.contains("CANCEL")
        )
        trades = trades.with_columns(
            ("#" + pl.col("row").cast(pl.String)).alias("trade_id"), pl.lit("unknown").alias("aggressor")
        )
        quotes = one_sided(part.filter(pl.col("event").is_in(["QUOTE BID NB", "QUOTE ASK NB"])))
        for kind, table in (("trades", trades), ("quotes", quotes)):
            if not table.is_empty():
                pieces.append(Piece(kind, str(ticker), None, shaped(table, kind)))  # type: ignore[arg-type]
    return pieces


def one_sided(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of one side each → quotes of both, the other side as last seen; the first rows of one side go."""
    is_bid = pl.col("event").str.contains("BID")
    sides = [
        pl.when(is_bid if side == "bid" else ~is_bid)
        .then(pl.col(theirs))
        .forward_fill()
        .alias(f"{side}_{theirs}")
        for side in ("bid", "ask")
        for theirs in ("price", "size")
    ]
    both = frame.with_columns(*sides)
    return both.filter((pl.col("bid_price") > 0) & (pl.col("ask_price") > 0))


def tardis_increments(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Levels, one a row: exchange, symbol, timestamp, local_timestamp, is_snapshot, side, price, amount."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    values = numbers(context, frame, {"price": place["price"], "size": place["amount"]})
    stamps = times(context, frame, place["timestamp"])
    table = values.frame.with_columns(
        frame["row"],
        stamps.ns.alias("ts_event"),
        (frame[place["issnapshot"]].str.to_lowercase() == "true").alias("is_snapshot"),
        frame[place["side"]].is_in(["bid", "buy", "b"]).alias("is_bid"),
        frame[place["symbol"]].alias("symbol"),
        pl.lit(0, dtype=pl.Int64).alias("first_update_id"),
        pl.lit(0, dtype=pl.Int64).alias("last_update_id"),
    )
    return book_pieces(table)


def binance_depth(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Levels: symbol, timestamp, first_update_id, last_update_id, side, update_type, price, qty, pu."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    ids = {"first_update_id": place["firstupdateid"], "last_update_id": place["lastupdateid"]}
    values = numbers(context, frame, {"price": place["price"], "size": place["qty"]})
    table = values.frame.with_columns(
        frame["row"],
        times(context, frame, place["timestamp"]).ns.alias("ts_event"),
        (frame[place["updatetype"]] == "snap").alias("is_snapshot"),
        (frame[place["side"]] == "b").alias("is_bid"),
        frame[place["symbol"]].alias("symbol"),
        *(frame[theirs].cast(pl.Int64, strict=False).alias(ours) for ours, theirs in ids.items()),
    )
    return book_pieces(table)


def book_pieces(levels: pl.DataFrame) -> list[Piece]:
    """Levels, one a row → one row for each message, by symbol."""
    keys = ["symbol", "ts_event", "is_snapshot", "first_update_id", "last_update_id"]
    book = levels.group_by(keys, maintain_order=True).agg(
        pl.col("row").first(),
        *(
            pl.col(column)
            .filter(pl.col("is_bid") if side == "bid" else ~pl.col("is_bid"))
            .alias(f"{side}_{name}")
            for side in ("bid", "ask")
            for column, name in (("price", "prices"), ("size", "sizes"))
        ),
    )
    return [
        Piece("book", str(symbol), None, shaped(part, "book"))
        for (symbol,), part in book.group_by(["symbol"], maintain_order=True)
    ]


def tardis_snapshots(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Whole books: exchange, symbol, timestamp, local_timestamp, asks[0].price, asks[0].amount, …"""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    stamps = times(context, frame, place["timestamp"])
    lists = []
    for side in ("bid", "ask"):
        for theirs, ours in (("price", "prices"), ("amount", "sizes")):
            columns = [
                pl.col(place[f"{side}s{level}{theirs}"]).cast(pl.Float64, strict=False)
                for level in range(len(place))
                if f"{side}s{level}{theirs}" in place
            ]
            lists.append(pl.concat_list(columns).list.drop_nulls().alias(f"{side}_{ours}"))
    ids = (pl.lit(0, dtype=pl.Int64).alias(name) for name in ("first_update_id", "last_update_id"))
    table = frame.with_columns(stamps.ns.alias("ts_event"), pl.lit(True).alias("is_snapshot"), *ids, *lists)
    return [
        Piece("book", str(symbol), None, shaped(part, "book"))
        for (symbol,), part in table.group_by([place["symbol"]], maintain_order=True)
    ]


def action_rows(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """symbol, kind (split, dividend), ex_date, value."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    values = numbers(context, frame, {"value": place["value"]})
    table = values.frame.with_columns(
        frame["row"],
        _ex_dates(context, frame, place).alias("ts_event"),
        frame[place["kind"]].str.strip_chars().str.to_lowercase().alias("action"),
        frame[place["symbol"]].str.strip_chars().str.to_uppercase().alias("symbol"),
    )
    wrong = ~table["action"].is_in(["split", "dividend"])
    if wrong.any():
        at = int(wrong.arg_max() or 0)
        raise BadDataFile(
            f"{context.problems.file}: row {table['row'][at]}: {table['action'][at]!r} is neither split nor "
            "dividend: correct or remove it"
        )
    return [
        Piece("actions", str(symbol), None, shaped(part.sort("ts_event", "action"), "actions"))
        for (symbol,), part in table.group_by(["symbol"], maintain_order=True)
    ]


def funding_rows(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """Binance: symbol, fundingTime, fundingRate, markPrice; its dumps: calc_time, …, last_funding_rate."""
    place = {normal(name): f"c{number}" for number, name in enumerate(context.head.names)}
    wanted = {"rate": place["fundingrate" if "fundingrate" in place else "lastfundingrate"]}
    if "markprice" in place:
        wanted["mark_price"] = place["markprice"]
    values = numbers(context, frame, wanted, optional=("mark_price",))
    stamps = times(context, frame, place["fundingtime" if "fundingtime" in place else "calctime"])
    table = values.frame.with_columns(stamps.ns.alias("ts_event"), frame["row"])
    if "mark_price" not in table.columns:
        table = table.with_columns(pl.lit(None, dtype=pl.Float64).alias("mark_price"))
    symbols = frame[place["symbol"]].str.strip_chars() if "symbol" in place else pl.lit(None, pl.String)
    table = table.with_columns(symbols.alias("symbol")).filter(values.is_whole & stamps.ns.is_not_null())
    return [
        Piece("funding", None if symbol is None else str(symbol), None, shaped(part, "funding"))
        for (symbol,), part in table.group_by(["symbol"], maintain_order=True)
    ]


def _ex_dates(context: Context, frame: pl.DataFrame, place: dict[str, str]) -> pl.Series:
    """The ex-date, else the day after the last one before it."""
    if "lastcumdate" not in place:
        return action_days(context, frame, place["exdate"], "UTC")
    missing = frame[place["exdate"]].fill_null("").str.strip_chars() == ""
    known = pl.when(missing).then(pl.col(place["lastcumdate"])).otherwise(pl.col(place["exdate"]))
    days = action_days(context, frame.with_columns(known.alias("day")), "day", "UTC")
    return days + pl.select(pl.when(missing).then(DAY_NS).otherwise(0)).to_series()


def action_days(context: Context, frame: pl.DataFrame, column: str, zone: str) -> pl.Series:
    """Midnights at the exchange: behind the last trade of the day before, whatever bars are stamped with."""
    local = times(context, frame, column).ns.cast(pl.Datetime("ns"))
    return local_to_utc(local, context.zone(zone), frame["row"], context.problems)


def factor_file(context: Context, frame: pl.DataFrame) -> list[Piece]:
    """LEAN's factors → the events behind them.

    A row holds the last day before an event and its raw close, and its factors count up to and with that
    day: what changes to the next row happened on the day after.
    A change of the split factor is a split of next / this; a change of the price factor is a dividend of
    close × (1 − this / next), split apart.
    """
    values = numbers(context, frame, {"price": "c1", "split": "c2", "close": "c3"}).frame
    days = action_days(context, frame, "c0", "America/New_York")
    table = values.with_columns(frame["row"], days.alias("day")).with_columns(
        (pl.col("split").shift(-1) / pl.col("split")).alias("ratio"),
        (1.0 - pl.col("price") / pl.col("price").shift(-1)).alias("yielded"),
        (pl.col("day") + DAY_NS).alias("ts_event"),
    )
    is_real = pl.col("row") > context.head.first_line  # the first row is where the data begin
    events = table.filter(is_real).select(
        "ts_event",
        "row",
        pl.when((pl.col("ratio") - 1.0).abs() > FACTOR_STEP_MIN)
        .then(pl.col("ratio"))
        .otherwise(1.0)
        .alias("split"),
        pl.when(pl.col("yielded").abs() > FACTOR_STEP_MIN)
        .then((pl.col("yielded") * pl.col("close")).round(4))
        .otherwise(0.0)
        .alias("dividend"),
    )
    symbol = context.head.member.partition(".")[0].upper()
    return actions_of(events.drop_nulls(), symbol)
