"""The charts of an account, as plain plotly specifications; figures and curves are `actors.analytics`'."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars

from actors.analytics import daily_returns, day_ends, drawdowns, returns_of, sharpe, underwater
from actors.analytics.series import FloatArray, IntArray
from daemon.research.figures import Figures
from daemon.research.frames import times_of
from daemon.research.report.chart import MILLISECOND_NS, Chart, histogram, milliseconds
from daemon.research.report.thinning import evenly, extremes, short
from daemon.research.report.trade_charts import (
    costs_chart,
    excursion_chart,
    price_chart,
    results_chart,
    traded_instruments,
)
from daemon.research.report.wording import day, days, money, number, percent

CURVE_POINTS = 3_000
WINDOWS = 1_200
FALLS = 5
WINDOW_MIN = 20
WINDOW_MAX = 126
DAY_NS = 86_400_000_000_000


class Curve(NamedTuple):
    """Equity of an account."""

    equity: FloatArray
    times: IntArray
    """Nanoseconds UTC; a row closes its period, so midnight belongs to the day before."""
    currency: str


def curve_of(equity: polars.DataFrame, currency: str) -> Curve:
    """The curve in the rows of one account."""
    times = np.asarray(times_of(equity), dtype=np.int64) - 1
    return Curve(equity["equity"].to_numpy().astype(np.float64), times, currency)


def account_charts(
    figures: Figures,
    equity: polars.DataFrame,
    trades: polars.DataFrame,
    prices: polars.DataFrame,
    currency: str,
) -> list[Chart]:
    """Everything there is to draw of one account, in the order of the page."""
    curve = curve_of(equity, currency)
    found: list[Chart | None] = [equity_chart(curve), rolling_sharpe_chart(curve, figures)]
    found += [price_chart(prices, trades, name) for name in traded_instruments(prices, trades)]
    found += [
        returns_chart(curve, figures),
        results_chart(trades, currency),
        exposure_chart(equity),
        costs_chart(figures, currency),
        excursion_chart(trades, currency),
    ]
    return [chart for chart in found if chart is not None]


def equity_chart(curve: Curve) -> Chart | None:
    """Equity, its deepest falls shaded, and below it how far it stands under its peak."""
    if len(curve.equity) < 2 or curve.equity[0] <= 0.0:
        return None
    depths = underwater(curve.equity)
    falls = drawdowns(curve.equity, curve.times)[:FALLS]
    places = np.union1d(extremes(curve.equity, CURVE_POINTS), extremes(depths, CURVE_POINTS // 3))
    x = milliseconds(curve.times[places])
    deepest = ", ".join(f"{percent(fall.depth)} from {day(fall.ts_peak)}" for fall in falls[:2])
    caption = f"{money(float(curve.equity[0]))} to {money(float(curve.equity[-1]), curve.currency)}"
    if falls:
        caption += f"; deepest drawdowns: {deepest}. Shaded: the deepest, from peak to recovery"
    shades = [
        {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
         "line": {"width": 0},
         "fillcolor": "@loss/0.07",
         "x0": fall.ts_peak // MILLISECOND_NS,
         "x1": (fall.ts_peak + fall.duration_ns) // MILLISECOND_NS}
        for fall in falls
    ]  # fmt: skip
    return Chart(
        key="equity",
        title="Equity and drawdown",
        caption=caption,
        data=[
            {"type": "scatter", "mode": "lines", "name": "Equity", "x": x, "y": short(curve.equity[places]),
             "line": {"color": "@accent", "width": 1.8}, "hovertemplate": "%{y:,.2f}<extra>Equity</extra>"},
            {"type": "scatter", "mode": "lines", "name": "Under the peak", "x": x, "y": short(depths[places]),
             "yaxis": "y2", "fill": "tozeroy", "fillcolor": "@loss/0.22",
             "line": {"color": "@loss", "width": 1},
             "hovertemplate": "%{y:.2%}<extra>Under the peak</extra>"},
        ],
        layout={
            "xaxis": {"type": "date", "anchor": "y2"},
            "yaxis": {"domain": [0.36, 1], "title": {"text": curve.currency}, "tickformat": ",.9~r"},
            "yaxis2": {"domain": [0, 0.28], "tickformat": ".2~%", "title": {"text": "under peak"}},
            "hovermode": "x unified",
            "showlegend": False,
            "shapes": shades,
        },
        height=460,
    )  # fmt: skip


def rolling_sharpe_chart(curve: Curve, figures: Figures) -> Chart | None:
    """The Sharpe ratio of every window of the returns."""
    if figures.equity is None:
        return None
    if figures.return_interval_ns > DAY_NS:
        rates, moments = returns_of(curve.equity), curve.times[1:]
    else:
        rates = daily_returns(curve.equity, curve.times)
        moments = day_ends(curve.equity, curve.times)[1][-len(rates) :]
    window = min(max(len(rates) // 4, WINDOW_MIN), WINDOW_MAX)
    if len(rates) < 2 * WINDOW_MIN:
        return None
    periods = figures.equity.periods_per_year
    ends = evenly(len(rates) - window + 1, WINDOWS) + window
    ratios = [sharpe(rates[end - window : end], periods) for end in ends.tolist()]
    known = [ratio for ratio in ratios if ratio is not None]
    whole = figures.equity.sharpe
    return Chart(
        key="rolling_sharpe",
        title="Rolling Sharpe ratio",
        caption=(
            f"Over {window} periods, {periods:,.6g} a year: "
            f"{number(min(known, default=None))} to {number(max(known, default=None))}; "
            f"over everything {number(whole)} (dashed)"
        ),
        data=[
            {"type": "scatter", "mode": "lines", "name": "Sharpe", "x": milliseconds(moments[ends - 1]),
             "y": [None if ratio is None else round(ratio, 3) for ratio in ratios],
             "line": {"color": "@accent", "width": 1.6}, "hovertemplate": "%{y:.2f}<extra></extra>"},
        ],
        layout={
            "xaxis": {"type": "date"},
            "yaxis": {"zeroline": True},
            "showlegend": False,
            "shapes": [] if whole is None else [_level(whole, "@muted")],
        },
        height=260,
    )  # fmt: skip


def _level(value: float, colour: str) -> dict[str, Any]:
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value,
            "line": {"color": colour, "width": 1, "dash": "dash"}}  # fmt: skip


def returns_chart(curve: Curve, figures: Figures) -> Chart | None:
    """How returns are spread, with the value at risk."""
    equity = figures.equity
    if equity is None or equity.return_count < 3:
        return None
    is_daily = figures.return_interval_ns <= DAY_NS
    rates = daily_returns(curve.equity, curve.times) if is_daily else returns_of(curve.equity)
    shapes = [
        _mark(value, colour)
        for value, colour in (
            (equity.value_at_risk, "@loss"),
            (equity.conditional_value_at_risk, "@loss/0.6"),
        )
        if value is not None
    ]
    what = "daily returns" if is_daily else f"returns over {days(figures.return_interval_ns)}"
    return Chart(
        key="returns",
        title="Distribution of returns",
        caption=(
            f"{len(rates):,} {what}, worst {percent(equity.worst)}, best {percent(equity.best)}; "
            f"lines: value at risk {percent(equity.value_at_risk)} and the mean beyond it"
        ),
        data=[histogram(rates, "%{x:.2%}: %{y}<extra></extra>")],
        layout={"xaxis": {"tickformat": ".2~%"}, "showlegend": False, "bargap": 0.04, "shapes": shapes},
        height=280,
        is_wide=False,
    )


def _mark(value: float, colour: str) -> dict[str, Any]:
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": value, "x1": value,
            "line": {"color": colour, "width": 1.5, "dash": "dash"}}  # fmt: skip


def exposure_chart(equity: polars.DataFrame) -> Chart | None:
    """What was held over equity, gross and net."""
    worth = equity["equity"].to_numpy()
    if len(worth) < 2 or (worth <= 0.0).any():
        return None
    gross, net = equity["gross_exposure"].to_numpy() / worth, equity["net_exposure"].to_numpy() / worth
    is_long_only = bool((gross == net).all())
    places = np.union1d(extremes(gross, CURVE_POINTS // 2), extremes(net, CURVE_POINTS // 3))
    x = milliseconds(np.asarray(times_of(equity), dtype=np.int64)[places])
    return Chart(
        key="exposure",
        title="Exposure over equity",
        caption=f"Gross {percent(float(gross.min()), 0)} to {percent(float(gross.max()), 0)} of equity"
        + ("; net is the same, nothing was ever short" if is_long_only else ""),
        data=[
            {"type": "scatter", "mode": "lines", "name": "Gross", "x": x, "y": short(gross[places]),
             "fill": "tozeroy", "fillcolor": "@accent/0.14",
             "line": {"color": "@accent", "width": 1, "shape": "hv"}, "hovertemplate": "%{y:.1%}"},
            *([] if is_long_only else [
                {"type": "scatter", "mode": "lines", "name": "Net", "x": x, "y": short(net[places]),
                 "line": {"color": "@second", "width": 1, "shape": "hv"}, "hovertemplate": "%{y:.1%}"},
            ]),
        ],
        layout={
            "xaxis": {"type": "date"}, "yaxis": {"tickformat": ".2~%"}, "hovermode": "x unified",
            **({} if is_long_only else {
                "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            }),
        },
        height=260,
    )  # fmt: skip
