"""The tables of a run: their columns, their types, and a digest that says whether two runs are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars

from actors.analytics.series import IntArray
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


SCHEMAS: dict[str, Columns] = {
    "equity": EQUITY, "trades": TRADES, "fills": FILLS, "orders": ORDERS, "positions": POSITIONS,
    "prices": PRICES,
}  # fmt: skip
TABLES = tuple(SCHEMAS)
_ROWS_AT_ONCE = 65_536


class Stored(Protocol):
    """A table, or what one is made of column by column; a frame is one."""

    @property
    def height(self) -> int: ...

    @property
    def columns(self) -> list[str]: ...

    def get_column(self, name: str) -> polars.Series: ...

    def lazy(self) -> polars.LazyFrame: ...


class Frames:
    """Every table of a run; `runs` says what the columns mean.

    A table that is asked for by its name is made once and kept; large ones are better asked for by column.
    """

    def __init__(
        self,
        equity: Stored,
        trades: Stored,
        fills: Stored,
        orders: Stored,
        positions: Stored,
        prices: Stored,
    ) -> None:
        found = (equity, trades, fills, orders, positions, prices)
        self.stored: dict[str, Stored] = dict(zip(TABLES, found, strict=True))

    def some(self, name: str, columns: Sequence[str]) -> polars.DataFrame:
        """Some columns of a table; not kept."""
        return polars.DataFrame([self.stored[name].get_column(column) for column in columns])

    def whole(self, name: str) -> polars.DataFrame:
        """One table; not kept."""
        table = self.stored[name]
        return table if isinstance(table, polars.DataFrame) else self.some(name, table.columns)

    def _kept(self, name: str) -> polars.DataFrame:
        self.stored[name] = frame = self.whole(name)
        return frame

    @property
    def equity(self) -> polars.DataFrame:
        """Accounts at mark."""
        return self._kept("equity")

    @property
    def trades(self) -> polars.DataFrame:
        """Closed round trips."""
        return self._kept("trades")

    @property
    def fills(self) -> polars.DataFrame:
        """Executions."""
        return self._kept("fills")

    @property
    def orders(self) -> polars.DataFrame:
        """Orders, refused ones too."""
        return self._kept("orders")

    @property
    def positions(self) -> polars.DataFrame:
        """What was held at each sample."""
        return self._kept("positions")

    @property
    def prices(self) -> polars.DataFrame:
        """The market, thinned for charts."""
        return self._kept("prices")


def frame_of(columns: Columns, values: Mapping[str, Sequence[Any]]) -> polars.DataFrame:
    """A table of exactly these columns; times are given as nanoseconds UTC."""
    series = []
    for name, kind in columns.items():
        plain = polars.Int64() if kind == TIME else kind
        column = polars.Series(name, values[name], dtype=plain, strict=False)
        if kind == TIME:
            column = column.cast(polars.Datetime("ns")).dt.replace_time_zone("UTC")
        series.append(column)
    return polars.DataFrame(series)


def empty_frame(columns: Columns) -> polars.DataFrame:
    """The table without rows."""
    return polars.DataFrame(schema=columns)


def times_of(frame: polars.DataFrame, column: str = "ts") -> list[int]:
    """A column of times as nanoseconds UTC."""
    return frame[column].dt.replace_time_zone(None).cast(polars.Int64).to_list()


def times_array(column: polars.Series) -> IntArray:
    """The same of a column in which every time is known."""
    return column.dt.replace_time_zone(None).cast(polars.Int64).to_numpy()


def codes_of(column: polars.Series) -> tuple[list[str], IntArray]:
    """The texts that come in a column, which has no gaps, and for each row the place of its text in them."""
    names = column.unique(maintain_order=True)
    codes = column.replace_strict(names, np.arange(len(names)), return_dtype=polars.Int64)
    return names.to_list(), codes.to_numpy()


def digest(frames: Frames) -> str:
    """SHA-256 over every value of every table: equal for runs that are equal to the last bit."""
    total = sha256()
    for name, table in frames.stored.items():
        total.update(f"{name} {table.height}\n".encode())
        for column in map(table.get_column, table.columns):
            total.update(f"{column.name} {column.dtype}\n".encode())
            total.update(column.is_null().to_numpy().tobytes())
            if column.dtype == polars.String:
                for text in _texts(column):
                    total.update(text)
            else:
                plain = column.dt.replace_time_zone(None).cast(_COUNT) if column.dtype == TIME else column
                total.update(plain.fill_null(0).to_numpy().tobytes())
    return total.hexdigest()


def _texts(column: polars.Series) -> Iterator[bytes]:
    """All texts with a line's end between two."""
    for start in range(0, column.len(), _ROWS_AT_ONCE):
        text = "\n".join(column.slice(start, _ROWS_AT_ONCE).fill_null("").to_list())
        yield (f"\n{text}" if start else text).encode()


def write_frames(folder: Path, frames: Frames) -> None:
    """One Parquet file for each table."""
    for name, table in frames.stored.items():
        table.lazy().sink_parquet(
            folder / f"{name}.parquet", compression="zstd", row_group_size=_ROWS_AT_ONCE
        )


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
