"""A picture of a run for notebooks: equity, drawdown, and the market with the trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from actors.analytics.drawdowns import underwater
from actors.errors import ConfigError, InvalidSeries
from daemon.research.runs import Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 320
INSTRUMENTS_MAX = 4


def figure_of(run: Run) -> Figure:
    """One column of charts over the same time.

    Raises:
        ConfigError: plotly is not installed.
    """
    try:
        from plotly.subplots import make_subplots
    except ImportError:
        raise ConfigError("plotly is not installed: pip install 'tickerd[research]'") from None
    frames = run.frames
    instruments = frames.prices["instrument"].unique(maintain_order=True).to_list()[:INSTRUMENTS_MAX]
    titles = ["equity", "drawdown", *instruments]
    figure: Figure = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, vertical_spacing=0.04, subplot_titles=titles
    )
    for account in run.info.accounts:
        curve = frames.equity.filter(pl.col("account") == account)
        _add(figure, 1, curve["ts"], curve["equity"].to_list(), name=account)
        try:
            depths = underwater(curve["equity"].to_numpy()).tolist()
        except InvalidSeries:
            continue
        _add(figure, 2, curve["ts"], depths, name=f"{account} drawdown", fill="tozeroy")
    for row, name in enumerate(instruments, 3):
        _add_market(figure, row, name, frames.prices, frames.fills)
    figure.update_layout(height=HEIGHT * len(titles), showlegend=False, title=f"run {run.info.run_id}")
    figure.update_xaxes(rangeslider_visible=False)
    return figure


def _add(figure: Figure, row: int, times: pl.Series, values: list[Any], **more: Any) -> None:
    figure.add_scatter(x=times.to_list(), y=values, mode="lines", row=row, col=1, **more)


def _add_market(figure: Figure, row: int, name: str, prices: pl.DataFrame, fills: pl.DataFrame) -> None:
    bars = prices.filter(pl.col("instrument") == name)
    figure.add_candlestick(
        x=bars["ts"].to_list(),
        **{column: bars[column].to_list() for column in ("open", "high", "low", "close")},
        name=name,
        row=row,
        col=1,
    )
    for side, symbol in (("buy", "triangle-up"), ("sell", "triangle-down")):
        made = fills.filter((pl.col("instrument") == name) & (pl.col("side") == side))
        figure.add_scatter(
            x=made["ts"].to_list(), y=made["price"].to_list(), mode="markers", marker_symbol=symbol,
            name=side, row=row, col=1,
        )  # fmt: skip
