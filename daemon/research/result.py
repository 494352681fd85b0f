"""The result of a run in Python: tables, figures, a picture."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import polars as pl

from actors.errors import ConfigError, UsageError
from actors.ledger.attribution import Attribution
from daemon.research.frames import TABLES
from daemon.research.runs import Run, RunInfo, keep_run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Table = Literal["equity", "trades", "fills", "orders", "positions", "prices"]
WHOLE = ("equity_start", "equity_end", "margin_calls", "liquidations")
"""Figures of a whole account."""
ATTRIBUTION: dict[str, Any] = {
    "account": pl.String,
    **{
        field.name: pl.Float64 if field.type is Decimal else pl.String
        for field in msgspec.structs.fields(Attribution)
    },
    "rate": pl.Float64,
    "net_in_account": pl.Float64,
}
"""Columns of `Result.attribution`."""
COSTS = ("slippage", "borrow", "funding", "interest")
"""Of a whole run, open positions too; `closed_…` are those of closed trades."""
OF_TRADES = {"count": "trade_count", "fees": "closed_fees", **{name: f"closed_{name}" for name in COSTS}}


class Result:
    """What a backtest has given; `daemon.research.runs` says what the columns mean."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def info(self) -> RunInfo:
        """Everything that is not a table: state, hashes, accounts, warnings, failures."""
        return self._run.info

    @property
    def equity(self) -> pl.DataFrame:
        """Accounts at mark, sample by sample."""
        return self._run.frames.equity

    @property
    def trades(self) -> pl.DataFrame:
        """Closed round trips."""
        return self._run.frames.trades

    @property
    def fills(self) -> pl.DataFrame:
        """Executions."""
        return self._run.frames.fills

    @property
    def orders(self) -> pl.DataFrame:
        """Orders, refused ones too."""
        return self._run.frames.orders

    @property
    def positions(self) -> pl.DataFrame:
        """What was held at each sample."""
        return self._run.frames.positions

    @property
    def prices(self) -> pl.DataFrame:
        """The market, thinned for charts."""
        return self._run.frames.prices

    @property
    def attribution(self) -> pl.DataFrame:
        """Account, strategy, instrument, currency → gross, each cost, net, from the books at the end.

        All in the line's own currency; `rate` is account currency for one of it at the end, and
        `net_in_account` its share in what equity has gained.
        """
        rows = [
            {"account": name, **_floats(line, account.rates.get(line.currency))}
            for name, account in self.info.accounts.items()
            for line in account.attribution
        ]
        return pl.DataFrame(rows, ATTRIBUTION)

    @property
    def metrics(self) -> dict[str, Any]:
        """All figures by name; None is not defined. Of several accounts `account.name`."""
        accounts = self.info.accounts
        return {
            name if len(accounts) == 1 else f"{account}.{name}": value
            for account, result in accounts.items()
            for name, value in flat_figures(result).items()
        }

    @property
    def warnings(self) -> list[str]:
        """What about the figures is hard to believe."""
        return self.info.warnings

    def to_pandas(self, table: Table) -> Any:
        """One table as a pandas frame with the time as its index.

        Raises:
            ConfigError: pandas is not installed.
            UsageError: There is no such table.
        """
        if table not in TABLES:
            raise UsageError(f"there is no table {table!r}: name one of {', '.join(TABLES)}")
        try:
            pandas: Any = import_module("pandas")
        except ImportError:
            raise ConfigError("pandas is not installed: pip install 'tickerd[research]'") from None
        frame: pl.DataFrame = getattr(self._run.frames, table)
        columns = {column.name: _plain(column) for column in frame.iter_columns()}
        made = pandas.DataFrame(columns)
        for column in frame.iter_columns():
            if column.dtype.is_temporal():
                made[column.name] = made[column.name].dt.tz_localize("UTC")
        return made.set_index("ts") if "ts" in made else made

    def plot(self) -> Figure:
        """Equity, drawdown, and the market with the trades.

        Raises:
            ConfigError: plotly is not installed.
        """
        from daemon.research.plotting import figure_of

        return figure_of(self._run)

    def save(self, state: str | Path = "state") -> Path:
        """Keep the run in a state folder, where `tickerd report` and `tickerd compare` find it.

        Raises:
            ReplayDiffers: The same configuration, code and data gave another result before.
        """
        return keep_run(Path(state), self._run).path

    def __repr__(self) -> str:
        info = self.info
        ends = ", ".join(
            f"{name} {account.equity_start:,.2f} → {account.equity_end:,.2f} {account.currency}"
            for name, account in info.accounts.items()
        )
        return (
            f"<Result {info.run_id} {info.state}: {info.start} to {info.end}, {info.trades} trades, {ends}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td style='text-align:right'>{_shown(value)}</td></tr>"
            for name, value in self.metrics.items()
            if not isinstance(value, dict | list)
        )
        return (
            f"<p>{self!r}</p>".replace("<Result", "Result").replace("></p>", "</p>")
            + f"<table>{rows}</table>"
        )


def _floats(line: Attribution, rate: float | None) -> dict[str, Any]:
    plain = msgspec.structs.asdict(line)
    found = {name: float(value) if isinstance(value, Decimal) else value for name, value in plain.items()}
    return {**found, "rate": rate, "net_in_account": None if rate is None else float(line.net) * rate}


def _costs(account: Any) -> dict[str, float | None]:
    """Of the whole run in account currency; None where a currency has no price."""
    found: dict[str, float | None] = {"fees": account.fees}
    for name in COSTS:
        parts = [
            (float(getattr(line, name)), account.rates.get(line.currency)) for line in account.attribution
        ]
        paid = [(amount, rate) for amount, rate in parts if amount]
        known = [amount * rate for amount, rate in paid if rate is not None]
        found[name] = sum(known) if len(known) == len(paid) else None
    return found


def flat_figures(account: Any) -> dict[str, Any]:
    """Figures of an account, those of equity and of all trades in one level.

    Costs by their bare names are those of the whole run; `closed_fees` and the like of closed trades, as are
    `gross` and `net`. Interest on cash owed belongs to no trade.
    """
    plain: dict[str, Any] = msgspec.to_builtins(account.figures)
    equity, trades, own = plain.pop("equity") or {}, plain.pop("trades"), plain.pop("own")
    trades = {OF_TRADES.get(name, name): value for name, value in trades.items()}
    whole = {name: getattr(account, name) for name in WHOLE} | _costs(account)
    return {**whole, **equity, **trades, **plain, **own}


def _plain(column: pl.Series) -> Any:
    if column.dtype.is_temporal():
        return column.dt.replace_time_zone(None).to_numpy()
    return column.to_list() if column.dtype == pl.String else column.to_numpy()


def _shown(value: Any) -> str:
    if value is None:
        return "n/a"
    return f"{value:,.4f}" if isinstance(value, float) else str(value)
