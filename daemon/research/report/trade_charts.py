"""The charts of what was traded: entries and exits on the market, results, costs."""

from __future__ import annotations

import numpy as np
import polars

from daemon.research.figures import Figures
from daemon.research.frames import times_of
from daemon.research.report.chart import Chart, Trace, histogram, milliseconds
from daemon.research.report.thinning import candles, evenly, short
from daemon.research.report.wording import counted, money, number

CANDLES = 900
TRADES = 1_200
MANY = 150
"""From so many on marks are small."""


def traded_instruments(prices: polars.DataFrame, trades: polars.DataFrame) -> list[str]:
    """Those with prices and trades, most traded first."""
    counts = trades.group_by("instrument").len().sort(["len", "instrument"], descending=[True, False])
    known = set(prices["instrument"].unique().to_list())
    return [name for name in counts["instrument"].to_list() if name in known]


def price_chart(prices: polars.DataFrame, trades: polars.DataFrame, instrument: str) -> Chart:
    """The market with entries, exits, and a line from one to the other."""
    bars = candles(prices.filter(polars.col("instrument") == instrument), CANDLES)
    own = trades.filter(polars.col("instrument") == instrument)
    shown = own[evenly(own.height, TRADES)]
    caption = f"{counted(own.height, 'trade')}, {number(float(own['net'].sum()))} after costs"
    if shown.height < own.height:
        caption += f"; {shown.height:,} of them are drawn, evenly over time"
    if bars.height:
        caption += f". {counted(bars.height, 'candle')}"
    candle = {"type": "candlestick", "name": "Price", "x": milliseconds(times_of(bars)),
              **{name: short(bars[name]) for name in ("open", "high", "low", "close")},
              "increasing": {"line": {"color": "@muted", "width": 1}, "fillcolor": "@muted/0.25"},
              "decreasing": {"line": {"color": "@muted", "width": 1}, "fillcolor": "@muted/0.9"}}  # fmt: skip
    return Chart(
        key=f"prices_{instrument}",
        title=f"Trades in {instrument}",
        caption=caption,
        data=[candle, *_trade_lines(shown), *_trade_points(shown)],
        layout={
            "xaxis": {"type": "date", "rangeslider": {"visible": False}},
            "yaxis": {"tickformat": ",.9~r"},
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        },
        height=440,
    )


def _trade_lines(trades: polars.DataFrame) -> list[Trace]:
    lines = []
    for name, colour, mask in (
        ("Won", "@gain", polars.col("net") > 0.0),
        ("Lost", "@loss", polars.col("net") <= 0.0),
    ):
        rows = trades.filter(mask)
        opened, closed = milliseconds(times_of(rows, "ts_opened")), milliseconds(times_of(rows, "ts_closed"))
        entry, exits = short(rows["entry_price"]), short(rows["exit_price"])
        lines.append(
            {"type": "scatter", "mode": "lines", "name": name, "line": {"color": colour, "width": 1.4},
             "x": [part for a, b in zip(opened, closed, strict=True) for part in (a, b, None)],
             "y": [part for a, b in zip(entry, exits, strict=True) for part in (a, b, None)],
             "hoverinfo": "skip", "connectgaps": False}
        )  # fmt: skip
    return lines


def _trade_points(trades: polars.DataFrame) -> list[Trace]:
    entries = [
        _points(
            trades.filter(polars.col("direction") == direction),
            "ts_opened",
            "entry_price",
            name,
            symbol,
            colour,
        )
        for direction, name, symbol, colour in (
            ("long", "Long entry", "triangle-up", "@gain"),
            ("short", "Short entry", "triangle-down", "@loss"),
        )
    ]
    points = [*entries, _points(trades, "ts_closed", "exit_price", "Exit", "circle-open", "@accent")]
    return [trace for trace in points if trace["x"]]


def _points(rows: polars.DataFrame, when: str, price: str, name: str, symbol: str, colour: str) -> Trace:
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": milliseconds(times_of(rows, when)),
        "y": short(rows[price]),
        "marker": {"symbol": symbol, "size": 8 if rows.height < MANY else 5, "color": colour,
                   "line": {"width": 1.4, "color": colour}},
        "customdata": short(rows["net"]),
        "hovertemplate": f"{name} at %{{y:,.9~r}}<br>%{{x}}<br>result %{{customdata:,.2f}}<extra></extra>",
    }  # fmt: skip


def results_chart(trades: polars.DataFrame, currency: str) -> Chart | None:
    """How the results of trades are spread."""
    if trades.height < 3:
        return None
    net = trades["net"].to_numpy()
    return Chart(
        key="results",
        title="Distribution of trade results",
        caption=(
            f"{counted(len(net), 'trade')}: worst {money(float(net.min()), currency)}, "
            f"median {money(float(np.median(net)), currency)}, best {money(float(net.max()), currency)}"
        ),
        data=[histogram(net, f"%{{x:,.2f}} {currency}: %{{y}}<extra></extra>")],
        layout={"xaxis": {"title": {"text": currency}}, "showlegend": False, "bargap": 0.04},
        height=280,
        is_wide=False,
    )


def costs_chart(figures: Figures, currency: str) -> Chart | None:
    """From the gross result of the closed trades to the net one."""
    trades = figures.trades
    if not trades.count:
        return None
    steps = [("Gross", trades.gross), ("Slippage", -trades.slippage), ("Fees", -trades.fees),
             ("Borrowing", -trades.borrow), ("Funding", -trades.funding)]  # fmt: skip
    steps = [step for step in steps if step[1] or step[0] in ("Gross", "Fees")]
    names, values = [name for name, _ in steps], [value + 0.0 for _, value in steps]
    return Chart(
        key="costs",
        title="What costs took",
        caption="Closed trades: "
        + ", ".join(f"{name.lower()} {money(value)}" for name, value in steps)
        + f": net {money(trades.net, currency)}",
        data=[
            {"type": "waterfall", "orientation": "v", "x": [*names, "Net"], "y": [*values, 0],
             "measure": ["absolute", *["relative"] * (len(values) - 1), "total"],
             "text": [money(value) for value in (*values, trades.net)], "textposition": "auto",
             "textangle": 0, "insidetextfont": {"color": "@card"},
             "connector": {"line": {"color": "@line", "width": 1}},
             "increasing": {"marker": {"color": "@gain"}}, "decreasing": {"marker": {"color": "@loss"}},
             "totals": {"marker": {"color": "@accent"}}, "hovertemplate": "%{x}: %{text}<extra></extra>"},
        ],
        layout={"showlegend": False, "yaxis": {"title": {"text": currency}}},
        height=280,
        is_wide=False,
    )  # fmt: skip


def excursion_chart(trades: polars.DataFrame, currency: str) -> Chart | None:
    """How far each trade went against its holder, and what it brought."""
    known = trades.filter(polars.col("adverse").is_not_null())
    if known.height < 3:
        return None
    shown = known[evenly(known.height, TRADES)]
    colours = ["@gain" if net > 0.0 else "@loss" for net in shown["net"].to_list()]
    return Chart(
        key="excursion",
        title="Furthest against, and the result",
        caption=f"{counted(shown.height, 'trade')}: how far the price went against each while it was open",
        data=[
            {"type": "scatter", "mode": "markers", "x": short(shown["adverse"]), "y": short(shown["net"]),
             "marker": {"size": 5, "opacity": 0.7, "color": colours},
             "hovertemplate": f"against %{{x:.2%}}, result %{{y:,.2f}} {currency}<extra></extra>"},
        ],
        layout={"showlegend": False, "xaxis": {"tickformat": ".2~%"}, "yaxis": {"title": {"text": currency}}},
        height=280,
        is_wide=False,
    )  # fmt: skip
