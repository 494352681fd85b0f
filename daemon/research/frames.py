"""The tables of a run: their columns, their types, and a digest that says whether two runs are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import polars

from actors.errors import BadDataFile

TIME = polars.Datetime("ns", "UTC")
TEXT, _NUMBER, _COUNT = polars.String(), polars.Float64(), polars.Int64()
Columns = dict[str, polars.DataType]

_OWNER: Columns = {"account": TEXT, "strategy": TEXT, "instrument": TEXT}
EQUITY: Columns = {
    "ts": TIME, "account": TEXT, "currency": TEXT, "equity": _NUMBER, "cash": _NUMBER,
    "gross_exposure": _NUMBER, "net_exposure": _NUMBER, "unrealised_pnl": _NUMBER, "realised_pnl": _NUMBER,
    "fees": _NUMBER,
}  # fmt: skip
TRADES: Columns = {
    **_OWNER, "direction": TEXT, "tag": TEXT, "ts_opened": TIME, "ts_closed": TIME, "quantity": _NUMBER,
    "entry_price": _NUMBER, "exit_price": _NUMBER, "realised_pnl": _NUMBER, "fees": _NUMBER,
    "slippage": _NUMBER, "borrow": _NUMBER, "funding": _NUMBER, "net": _NUMBER, "risk": _NUMBER,
    "adverse": _NUMBER, "favourable": _NUMBER,
}  # fmt: skip
FILLS: Columns = {
    "ts": TIME, **_OWNER, "client_order_id": TEXT, "venue_order_id": TEXT, "trade_id": TEXT,
    "side": TEXT, "quantity": _NUMBER, "price": _NUMBER, "fee": _NUMBER, "fee_currency": TEXT,
    "liquidity": TEXT, "mid_price": _NUMBER, "slippage": _NUMBER, "notional": _NUMBER,
    "bar": TIME, "volume_share": _NUMBER,
}  # fmt: skip
ORDERS: Columns = {
    "ts": TIME, **_OWNER, "client_order_id": TEXT, "side": TEXT, "order_type": TEXT,
    "quantity": _NUMBER, "price": _NUMBER, "stop_price": _NUMBER, "time_in_force": TEXT, "tag": TEXT,
    "status": TEXT, "filled": _NUMBER, "price_average": _NUMBER, "ts_closed": TIME, "reason": TEXT,
}  # fmt: skip
POSITIONS: Columns = {"ts": TIME, **_OWNER, "quantity": _NUMBER, "value": _NUMBER}
PRICES: Columns = {
    "ts": TIME, "instrument": TEXT, "open": _NUMBER, "high": _NUMBER, "low": _NUMBER, "close": _NUMBER,
    "volume": _NUMBER,
}  # fmt: skip


class Frames(NamedTuple):
    """Every table of a run; `runs` says what the columns mean."""

    equity: polars.DataFrame
    trades: polars.DataFrame
    fills: polars.DataFrame
    orders: polars.DataFrame
    positions: polars.DataFrame
    prices: polars.DataFrame


SCHEMAS: dict[str, Columns] = dict(
    zip(Frames._fields, (EQUITY, TRADES, FILLS, ORDERS, POSITIONS, PRICES), strict=True)
)


def frame_of(columns: Columns, values: Mapping[str, Sequence[Any]]) -> polars.DataFrame:
    """A table of exactly these columns; times are given as nanoseconds UTC."""
    series = []
    for name, kind in columns.items():
        plain = polars.Int64() if kind == TIME else kind
        series.append(typed(polars.Series(name, values[name], dtype=plain, strict=False), kind))
    return polars.DataFrame(series)


def typed(column: polars.Series, kind: polars.DataType) -> polars.Series:
    """The column as a table has it; times are given as nanoseconds UTC."""
    return column.cast(polars.Datetime("ns")).dt.replace_time_zone("UTC") if kind == TIME else column


def empty_frame(columns: Columns) -> polars.DataFrame:
    """The table without rows."""
    return polars.DataFrame(schema=columns)


def times_of(frame: polars.DataFrame, column: str = "ts") -> list[int]:
    """A column of times as nanoseconds UTC."""
    return frame[column].dt.replace_time_zone(None).cast(polars.Int64).to_list()


def digest(frames: Frames) -> str:
    """SHA-256 over every value of every table: equal for runs that are equal to the last bit."""
    total = sha256()
    for name, frame in zip(Frames._fields, frames, strict=True):
        total.update(f"{name} {frame.height}\n".encode())
        for column in frame.iter_columns():
            total.update(f"{column.name} {column.dtype}\n".encode())
            total.update(column.is_null().to_numpy().tobytes())
            if column.dtype == polars.String:
                total.update("\n".join(column.fill_null("").to_list()).encode())
            else:
                plain = column.dt.replace_time_zone(None).cast(_COUNT) if column.dtype == TIME else column
                total.update(plain.fill_null(0).to_numpy().tobytes())
    return total.hexdigest()


def write_frames(folder: Path, frames: Frames) -> None:
    """One Parquet file for each table."""
    for name, frame in zip(Frames._fields, frames, strict=True):
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")


def read_frame(folder: Path, name: str) -> polars.DataFrame:
    """One table of a run.

    Raises:
        BadDataFile: It is not there or damaged.
    """
    path = folder / f"{name}.parquet"
    try:
        return polars.read_parquet(path)
    except (polars.exceptions.PolarsError, OSError) as error:
        raise BadDataFile(
            f"{path} cannot be read ({str(error).splitlines()[0]}): run the backtest again"
        ) from None
