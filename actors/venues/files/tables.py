"""CSV and Parquet tables of bars, trades and quotes → market data, block by block.

Columns are found by their names, whatever their case and order; Binance's public dumps have no header and are
read by position. Times are UTC: text, or numbers whose unit follows from their size (s, ms, µs, ns).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from actors.errors import BadDataFile
from actors.messages.market import Aggressor, Bar, MarketData, Quote, Trade

if TYPE_CHECKING:
    import polars

Kind = Literal["bars", "trades", "quotes"]
ROWS_PER_BLOCK = 65_536

_ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "date", "open_time", "ts", "ts_event", ""),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("volume", "vol", "v"),
    "price": ("price", "px"),
    "size": ("size", "amount", "qty", "quantity"),
    "trade_id": ("trade_id", "id", "tid"),
    "side": ("side", "aggressor", "taker_side"),
    "buyer_is_maker": ("is_buyer_maker", "buyer_is_maker"),
    "bid_price": ("bid_price", "bid", "bid_px"),
    "bid_size": ("bid_size", "bid_qty", "bid_amount"),
    "ask_price": ("ask_price", "ask", "ask_px"),
    "ask_size": ("ask_size", "ask_qty", "ask_amount"),
}
_NEEDED: dict[Kind, tuple[str, ...]] = {
    "bars": ("time", "open", "high", "low", "close"),
    "quotes": ("time", "bid_price", "ask_price"),
    "trades": ("time", "price", "size"),
}
_KLINES = ("time", "open", "high", "low", "close", "volume")
_BINANCE_TRADES = ("trade_id", "price", "size", "quote_size", "time", "buyer_is_maker", "is_best_match")


def find_kind(path: Path) -> Kind:
    """What a table holds, by its columns.

    Raises:
        BadDataFile: Not a table of bars, trades or quotes.
    """
    return _kind_of(_columns(_open(path), path), path)


def read_table(
    path: Path, instrument: str, *, kind: Kind | None = None, interval_ns: int | None = None
) -> Iterator[MarketData]:
    """All rows in file order, as messages of one instrument.

    Args:
        interval_ns: Of bars, whose times are their starts; None takes the smallest step between two rows.
    Raises:
        BadDataFile: Unreadable, a column missing, or a row that cannot be true; names file and row.
    """
    frame = _open(path)
    columns = _columns(frame, path)
    kind = kind or _kind_of(columns, path)
    missing = [name for name in _NEEDED[kind] if name not in columns]
    if missing:
        raise BadDataFile(
            f"{path}: no column for {', '.join(missing)} of {kind}; it has {', '.join(frame.columns)}"
        )
    frame = frame.rename({theirs: ours for ours, theirs in columns.items()}).select(list(columns))
    frame = frame.with_columns(_nanoseconds(frame, path).alias("time"))
    if kind == "bars":
        return _bars(frame, path, instrument, interval_ns or _smallest_step(frame, path))
    return (_quotes if kind == "quotes" else _trades)(frame, path, instrument)


def _open(path: Path) -> polars.DataFrame:
    import polars

    try:
        match path.suffixes[-1:]:
            case [".parquet" | ".pq"]:
                return polars.read_parquet(path)
            case _:
                return _read_csv(path)
    except FileNotFoundError as error:
        raise BadDataFile(f"{path}: no such file; check the path in the configuration") from error
    except (polars.exceptions.PolarsError, OSError, ValueError) as error:
        raise BadDataFile(f"{path}: cannot be read as a table: {str(error).splitlines()[0]}") from error


def _read_csv(path: Path) -> polars.DataFrame:
    import polars

    head = polars.read_csv(path, n_rows=1, has_header=False, infer_schema=False)
    if not all(_is_number(cell) for cell in head.row(0)[:2]):
        return polars.read_csv(path, infer_schema_length=10_000, null_values=["", "null", "-", "NaN", "nan"])
    names = _KLINES if head.width in (6, 12) else _BINANCE_TRADES if head.width == 7 else ()
    if not names:
        raise BadDataFile(f"{path}: {head.width} columns without a header; add a line that names them")
    frame = polars.read_csv(path, has_header=False, infer_schema_length=10_000)
    return frame.rename(dict(zip(frame.columns, names, strict=False)))


def _is_number(cell: str | None) -> bool:
    try:
        float(cell or "x")
    except ValueError:
        return False
    return True


def _columns(frame: polars.DataFrame, path: Path) -> dict[str, str]:
    """Our column name → theirs."""
    if frame.is_empty():
        raise BadDataFile(f"{path}: no rows")
    theirs = {name.strip().lower(): name for name in frame.columns}
    found = {}
    for ours, aliases in _ALIASES.items():
        for alias in aliases:
            if alias in theirs:
                found[ours] = theirs[alias]
                break
    return found


def _kind_of(columns: dict[str, str], path: Path) -> Kind:
    fitting = [kind for kind, needed in _NEEDED.items() if all(name in columns for name in needed)]
    if fitting:
        return fitting[0]
    raise BadDataFile(
        f"{path}: neither bars, trades nor quotes; name the columns as in "
        "'timestamp,open,high,low,close,volume', 'timestamp,price,size' or "
        "'timestamp,bid_price,bid_size,ask_price,ask_size'"
    )


def _nanoseconds(frame: polars.DataFrame, path: Path) -> polars.Series:
    import polars

    time = frame["time"]
    if time.dtype == polars.String:
        try:
            time = time.str.to_datetime(time_unit="ns", time_zone="UTC", strict=True)
        except polars.exceptions.PolarsError:
            try:
                time = time.str.to_datetime(time_unit="ns", strict=True)
            except polars.exceptions.PolarsError as error:
                raise BadDataFile(
                    f"{path}: times such as {frame['time'][0]!r} are not understood; use ISO 8601 in UTC"
                ) from error
    if time.dtype.is_temporal():
        return time.cast(polars.Datetime("ns")).cast(polars.Int64)
    return polars.Series([_scaled(value, path) for value in time.to_list()], dtype=polars.Int64)


def _scaled(value: float | None, path: Path) -> int:
    """Seconds, ms, µs or ns since 1970 → ns, decided by the number's size row by row."""
    if value is None or value <= 0:
        raise BadDataFile(f"{path}: {value!r} is not a time")
    for limit, factor in ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000)):
        if value < limit:
            return round(value * factor)
    return int(value)


def _smallest_step(frame: polars.DataFrame, path: Path) -> int:
    steps = frame["time"].diff().drop_nulls()
    steps = steps.filter(steps > 0)
    if steps.is_empty():
        raise BadDataFile(f"{path}: one row does not tell the bar interval; set `interval` for this file")
    return int(steps.min())  # type: ignore[arg-type]


def _numbers(block: polars.DataFrame, name: str, default: float) -> list[float]:
    import polars

    if name not in block.columns:
        return [default] * block.height
    return block[name].cast(polars.Float64, strict=False).fill_null(float("nan")).to_list()


def _blocks(frame: polars.DataFrame) -> Iterator[tuple[int, polars.DataFrame]]:
    for start in range(0, frame.height, ROWS_PER_BLOCK):
        yield start, frame.slice(start, ROWS_PER_BLOCK)


def _bad_row(path: Path, row: int, what: str) -> BadDataFile:
    return BadDataFile(f"{path}: row {row + 1}: {what}; correct or remove it")


def _bars(frame: polars.DataFrame, path: Path, instrument: str, interval_ns: int) -> Iterator[Bar]:
    for start, block in _blocks(frame):
        columns = [_numbers(block, name, 0.0) for name in ("open", "high", "low", "close", "volume")]
        rows = zip(block["time"].to_list(), *columns, strict=True)
        for row, (time, open_, high, low, close, volume) in enumerate(rows, start):
            is_good = 0.0 < low <= open_ <= high and low <= close <= high < float("inf") and volume >= 0.0
            if not is_good:
                figures = (open_, high, low, close, volume)
                raise _bad_row(path, row, f"open, high, low, close, volume {figures} cannot be a bar")
            yield Bar(
                instrument=instrument,
                ts_event=time + interval_ns,
                interval_ns=interval_ns,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=volume,
            )


def _quotes(frame: polars.DataFrame, path: Path, instrument: str) -> Iterator[Quote]:
    for start, block in _blocks(frame):
        names = (("bid_price", 0.0), ("bid_size", 1.0), ("ask_price", 0.0), ("ask_size", 1.0))
        columns = [_numbers(block, name, default) for name, default in names]
        rows = zip(block["time"].to_list(), *columns, strict=True)
        for row, (time, bid, bid_size, ask, ask_size) in enumerate(rows, start):
            is_good = 0.0 < bid < ask < float("inf") and bid_size >= 0.0 and ask_size >= 0.0
            if not is_good:
                raise _bad_row(path, row, f"bid {bid} and ask {ask} cannot be a quote")
            yield Quote(
                instrument=instrument,
                ts_event=time,
                bid_price=bid,
                bid_size=bid_size,
                ask_price=ask,
                ask_size=ask_size,
            )


def _aggressors(block: polars.DataFrame) -> list[Aggressor]:
    if "side" in block.columns:
        names: dict[str, Aggressor] = {"buy": "buy", "b": "buy", "bid": "buy", "sell": "sell", "s": "sell"}
        return [names.get(str(side).lower(), "unknown") for side in block["side"].to_list()]
    if "buyer_is_maker" in block.columns:
        return [
            "sell" if str(flag).lower() == "true" else "buy" for flag in block["buyer_is_maker"].to_list()
        ]
    return ["unknown"] * block.height


def _trades(frame: polars.DataFrame, path: Path, instrument: str) -> Iterator[Trade]:
    for start, block in _blocks(frame):
        prices, sizes = _numbers(block, "price", 0.0), _numbers(block, "size", 0.0)
        ids = (
            block["trade_id"].to_list() if "trade_id" in block.columns else range(start, start + block.height)
        )
        rows = zip(block["time"].to_list(), ids, prices, sizes, _aggressors(block), strict=True)
        for row, (time, trade_id, price, size, aggressor) in enumerate(rows, start):
            is_good = price > 0.0 and size > 0.0 and isfinite(price) and isfinite(size)
            if not is_good:
                raise _bad_row(path, row, f"price {price}, size {size} cannot be a trade")
            yield Trade(
                instrument=instrument,
                ts_event=time,
                trade_id=str(trade_id),
                price=price,
                size=size,
                aggressor=aggressor,
            )
