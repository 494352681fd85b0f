"""The forms of text files we know, and how each is recognised; the first that fits is taken, and says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from actors.errors import BadDataFile
from actors.venues.files import read_bars, read_lean, read_ticks
from actors.venues.files.columns import Context
from actors.venues.files.read_bars import normal
from actors.venues.files.series import Piece
from actors.venues.files.text import Head

Reader = Callable[[Context, pl.DataFrame], list[Piece]]
DAY_MS = 86_400_001


FUNDING_COLUMNS = (
    "funding needs symbol,fundingTime,fundingRate,markPrice as Binance answers (symbol and markPrice may be "
    "missing), or calc_time,last_funding_rate as its dumps: times in milliseconds or ISO 8601, the rate a "
    "fraction of one payment"
)


class Form(NamedTuple):
    """One form of file."""

    name: str
    fits: Callable[[Head], bool]
    why: str
    read: Reader


def _has(*names: str) -> Callable[[Head], bool]:
    wanted = frozenset(names)
    return lambda head: wanted <= {normal(name) for name in head.names}


def _plain(kind: str) -> Callable[[Head], bool]:
    needed = {
        "bars": ("time", "open", "high", "low", "close"),
        "quotes": ("time", "bid_price", "ask_price"),
        "trades": ("time", "price", "size"),
    }[kind]

    def fits(head: Head) -> bool:
        return bool(head.names) and set(needed) <= read_bars.named_columns(head.names).keys()

    return fits


def _bare(width: int, first: str = r".*", **cells: str) -> Callable[[Head], bool]:
    """No header, so many columns, and patterns for the first cell and others (`c3="[A-Z]"`)."""
    patterns = {0: first} | {int(name[1:]): pattern for name, pattern in cells.items()}

    def fits(head: Head) -> bool:
        return not head.names and all(
            len(row) == width
            and all(re.fullmatch(pattern, row[place]) for place, pattern in patterns.items())
            for row in head.rows
        )

    return fits


_NUMBER = r"-?\d+(\.\d*)?([eE][-+]?\d+)?"
_BOOL = "[Tt]rue|[Ff]alse|TRUE|FALSE"
_EPOCH = r"\d{10}|\d{13}|\d{16}|\d{19}"
_CLOCK = r"\d{1,8}(\.\d+)?"
_LEAN_DAY = r"\d{8} \d{2}:\d{2}"


def _ordered(*order: str) -> Callable[[Head], bool]:
    """Six columns whose highs are highest and lows lowest when read in this order."""
    six = _bare(6, _EPOCH, c1=_NUMBER, c2=_NUMBER, c3=_NUMBER, c4=_NUMBER)

    def fits(head: Head) -> bool:
        return six(head) and all(
            _keeps_range(dict(zip(order, map(float, row[1:5]), strict=True))) for row in head.rows
        )

    return fits


def _keeps_range(row: dict[str, float]) -> bool:
    return row["high"] >= max(row["open"], row["close"]) and row["low"] <= min(row["open"], row["close"])


def _since_midnight(fits: Callable[[Head], bool]) -> Callable[[Head], bool]:
    return lambda head: fits(head) and all(float(row[0]) < DAY_MS for row in head.rows)


def _is_factors(head: Head) -> bool:
    four = _bare(4, r"\d{8}", c1=_NUMBER, c2=_NUMBER, c3=_NUMBER)
    return four(head) and all(0 < float(row[1]) <= 10 for row in head.rows)


def _is_funding(head: Head) -> bool:
    return _has("fundingtime", "fundingrate")(head) or _has("calctime", "lastfundingrate")(head)


def _is_new_yahoo(head: Head) -> bool:
    return head.first_line == 4 and head.names[:1] == ("Price",)


def _new_yahoo(context: Context, frame: pl.DataFrame) -> list[Piece]:
    named = context.head._replace(names=("Date", *context.head.names[1:]))
    context.head = named
    return read_bars.plain(context, frame)


FORMS: tuple[Form, ...] = (
    Form("binance-klines", _has("opentime", "closetime", "open", "high", "low", "close"),
         "columns open_time … close_time", read_bars.binance_klines),
    Form("algoseek-bars", _has("timebarstart", "firsttradeprice"), "TimeBarStart and FirstTradePrice",
         read_bars.algoseek_bars),
    Form("algoseek-ticks", _has("timestamp", "eventtype", "ticker", "conditions"), "EventType and Conditions",
         read_ticks.algoseek_ticks),
    Form("yfinance", _is_new_yahoo, "three header rows Price, Ticker, Date", _new_yahoo),
    Form("wiki", _has("exdividend", "splitratio", "adjclose"), "Ex-Dividend and Split Ratio", read_bars.wiki),
    Form("yahoo", _has("date", "adjclose"), "Date and Adj Close", read_bars.yahoo),
    Form("tardis-trades", _has("exchange", "symbol", "timestamp", "localtimestamp", "id", "side", "price"),
         "exchange, symbol, local_timestamp, id", read_ticks.tardis_trades),
    Form("tardis-book", _has("issnapshot", "side", "price", "amount"), "is_snapshot and side",
         read_ticks.tardis_increments),
    Form("tardis-snapshots", _has("asks0price", "bids0price"), "asks[0].price and bids[0].price",
         read_ticks.tardis_snapshots),
    Form("binance-depth", _has("firstupdateid", "updatetype", "side"), "first_update_id and update_type",
         read_ticks.binance_depth),
    Form("actions", _has("symbol", "kind", "exdate", "value"), "symbol, kind, ex_date, value",
         read_ticks.action_rows),
    Form("funding", _is_funding, "a time and a rate of funding", read_ticks.funding_rows),
    Form("backtrader", _has("openinterest", "open", "high", "low", "close"), "an OpenInterest column",
         read_bars.plain),
    Form("id-is-time", lambda head: tuple(map(normal, head.names)) == ("id", "price", "amount", "type"),
         "columns id, price, amount, type", read_ticks.id_is_time),
    Form("bars", _plain("bars"), "columns of time, open, high, low, close", read_bars.plain),
    Form("quotes", _plain("quotes"), "columns of time, bid, ask", read_ticks.plain_quotes),
    Form("trades", _plain("trades"), "columns of time, price, size", read_ticks.plain_trades),
    Form("binance-klines", _bare(12, r"\d{13}|\d{16}", c1=_NUMBER, c6=r"\d{13}|\d{16}"),
         "12 columns, the seventh a later time", read_bars.binance_klines),
    Form("binance-trades", _bare(7, r"\d+", c1=_NUMBER, c4=_EPOCH, c5=_BOOL, c6=_BOOL),
         "7 columns, two of true and false", read_ticks.binance_trades),
    Form("binance-aggtrades", _bare(8, r"\d+", c1=_NUMBER, c5=_EPOCH, c6=_BOOL, c7=_BOOL),
         "8 columns, two of true and false", read_ticks.binance_aggregates),
    Form("ninjatrader", _bare(6, r"\d{8} \d{6}"), "times YYYYMMDD HHMMSS", read_bars.ninjatrader),
    Form("metatrader", _bare(7, r"\d{4}\.\d{2}\.\d{2}", c1=r"\d{2}:\d{2}"), "YYYY.MM.DD and HH:MM",
         read_bars.metatrader),
    Form("ohlcv", _ordered("open", "high", "low", "close"), "6 columns: open, high, low, close",
         read_bars.six_columns),
    Form("bitfinex", _ordered("open", "close", "high", "low"), "6 columns: open, close, high, low",
         read_bars.bitfinex_candles),
    Form("lean-bars", _bare(6, _LEAN_DAY), "times YYYYMMDD HH:MM, 6 columns", read_lean.bars),
    Form("lean-quote-bars", _bare(11, _LEAN_DAY), "times YYYYMMDD HH:MM, 11 columns", read_lean.quote_bars),
    Form("lean-trades", _since_midnight(_bare(6, _CLOCK, c3="[A-Za-z]*", c5="[01]")),
         "ms since midnight, price, size, exchange, condition", read_lean.trade_ticks),
    Form("lean-bars", _since_midnight(_bare(6, _CLOCK, c1=_NUMBER, c3=_NUMBER)),
         "ms since midnight, 6 columns", read_lean.bars),
    Form("lean-quote-bars", _since_midnight(_bare(11, _CLOCK)), "ms since midnight, 11 columns",
         read_lean.quote_bars),
    Form("lean-quotes", _since_midnight(_bare(8, _CLOCK, c7="[01]")), "ms since midnight, both sides",
         read_lean.quote_ticks),
    Form("lean-forex", _since_midnight(_bare(3, _CLOCK, c1=_NUMBER, c2=_NUMBER)), "ms, bid, ask",
         read_lean.forex_ticks),
    Form("lean-factors", _is_factors, "dates with two factors and a price", read_ticks.factor_file),
)  # fmt: skip

_BARE_COLUMNS = "name the columns in a first line, as in timestamp,open,high,low,close,volume"


def form_names() -> list[str]:
    """What `--form` takes."""
    return sorted({form.name for form in FORMS})


def find_form(head: Head, named: str | None) -> Form:
    """The form that was named, or the first that fits.

    Raises:
        BadDataFile: None does; says what was looked for.
    """
    if named is not None:
        candidates = [form for form in FORMS if form.name == named]
        if not candidates:
            raise BadDataFile(f"there is no form {named!r}: known are {', '.join(form_names())}")
        fitting = [form for form in candidates if form.fits(head)]
        return (fitting or candidates)[0]._replace(why="it was named")
    for form in FORMS:
        if form.fits(head):
            return form
    raise _unknown(head)


def _unknown(head: Head) -> BadDataFile:
    if not head.names and _bare(3, r"\d{8}", c1="[A-Za-z.]+", c2="[A-Za-z]")(head):
        return BadDataFile(
            f"{head.path} is a LEAN map file: it names tickers and holds no market data, leave it out"
        )
    if head.path.suffix == ".packet":
        return BadDataFile(f"{head.path} is one frame of Kite's ticker, no history: leave it out")
    if not head.names:
        return BadDataFile(
            f"{head.path} has {len(head.rows[0])} columns without a header that are no form known: "
            f"{_BARE_COLUMNS}, or name the form with --form ({', '.join(form_names())})"
        )
    columns: Sequence[str] = head.names
    if any("fund" in normal(name) or normal(name) == "calctime" for name in columns):
        return BadDataFile(f"{head.path}: wrong columns: it has {', '.join(columns[:12])}; {FUNDING_COLUMNS}")
    have = read_bars.named_columns(head.names)
    missing = [name for name in ("time", "open", "high", "low", "close") if name not in have]
    return BadDataFile(
        f"{head.path}: wrong columns: it has {', '.join(columns[:12])}; for bars {', '.join(missing)} "
        f"{'is' if len(missing) == 1 else 'are'} missing: name them timestamp,open,high,low,close,volume; "
        "timestamp,price,size or timestamp,bid_price,bid_size,ask_price,ask_size"
    )
