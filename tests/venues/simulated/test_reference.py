"""Fills that other engines published, made again from the same bars by the matching engine alone.

The strategies are a few lines here; what is compared is the venue: prices, sizes, fees, final money.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.messages.market import Bar
from actors.venues.simulated.charges import Charge
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import Filled, VenueEvent
from tests.venues.simulated.builders import BTC, D, Orders, a_market, an_engine, an_instrument

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
DAY = 86_400_000_000_000
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared reference data are not here")


def rows(path: str) -> list[dict[str, str]]:
    raw = (DATA / path).read_bytes()
    text = gzip.decompress(raw) if path.endswith(".gz") else raw
    return list(csv.DictReader(io.StringIO(text.decode())))


def bars(path: str) -> list[Bar]:
    found = []
    for n, row in enumerate(rows(path), start=1):
        open_, high, low, close, volume = (float(value) for value in list(row.values())[1:6])
        found.append(
            Bar(
                ts_event=n * DAY, instrument=BTC, interval_ns=DAY, open=open_, high=high, low=low,
                close=close, volume=volume,
            )
        )  # fmt: skip
    return found


Decide = Callable[[MatchingEngine, Orders, list[float], Decimal], None]


def fills_of(engine: MatchingEngine, data: list[Bar], decide: Decide) -> list[tuple[int, Filled]]:
    """Every fill with the row of its bar; decisions are made on each close, with what is held then."""
    order, closes, fills = Orders(), list[float](), list[tuple[int, Filled]]()
    for n, bar in enumerate(data):
        events: list[VenueEvent] = engine.on_bar(bar, bar.ts_event)
        fills += [(n, event) for event in events if isinstance(event, Filled)]
        closes.append(bar.close)
        held = engine.balances("a").get("BTC")
        decide(engine, order, closes, held.total if held else D(0))
    return fills


def mean(closes: list[float], n: int, back: int = 0) -> float:
    end = len(closes) - back
    return sum(closes[end - n : end]) / n


def crossed(closes: list[float], fast: int, slow: int) -> int:
    """1 when the fast average has come above the slow one with the newest close, −1 below, else 0."""
    if len(closes) <= slow:
        return 0
    before = mean(closes, fast, 1) - mean(closes, slow, 1)
    now = mean(closes, fast) - mean(closes, slow)
    return 1 if before < 0 < now else -1 if before > 0 > now else 0


def submit(engine: MatchingEngine, terms: Any, closes: list[float]) -> None:
    engine.submit(terms, len(closes) * DAY)


def cancel_all(engine: MatchingEngine, closes: list[float]) -> None:
    for each in engine.open_orders("a"):
        engine.cancel("a", BTC, len(closes) * DAY, venue_order_id=each.venue_order_id)


GOOG = "equity_daily/backtesting_py/GOOG.csv.gz"
SHARES = {"tick_size": D("0.0000001"), "lot_size": D(1), "notional_min": D(0)}


def test_limit_buys_of_backtesting_py() -> None:
    """`goog_limit_buy`: at a cross upwards a buy limit 2 % below the close; at the opposite cross, out."""
    money = {"USDT": D(10_000)}
    engine = an_engine(instrument=an_instrument(**SHARES), opening_balances=money)

    def decide(engine: MatchingEngine, order: Orders, closes: list[float], held: Decimal) -> None:
        turn = crossed(closes, 10, 20)
        if turn:
            cancel_all(engine, closes)
        if turn > 0 and not held:
            submit(engine, order("buy", "10", str(round(closes[-1] * 0.98, 7))), closes)
        if held and (turn < 0 or len(closes) == len(data) - 1):  # what is left goes at the last open
            submit(engine, order("sell", "10"), closes)

    data = bars(GOOG)
    fills = fills_of(engine, data, decide)
    trades = rows("reference/backtesting_py/goog_limit_buy.trades.csv")
    assert [n for n, _ in fills] == [int(trade[f"{end}Bar"]) for trade in trades for end in ("Entry", "Exit")]
    assert [float(fill.price) for _, fill in fills] == pytest.approx(
        [float(trade[f"{end}Price"]) for trade in trades for end in ("Entry", "Exit")], abs=1e-6
    )
    assert float(engine.balances("a")["USDT"].total) == pytest.approx(14912.468, abs=1e-6)


def test_brackets_of_backtrader() -> None:
    """`goog_bracket10`: a stop 5 % below and a limit 10 % above, the stop first where a bar holds both."""
    engine = an_engine(
        instrument=an_instrument(**SHARES),
        market=a_market(path="pessimistic"),
        opening_balances={"USDT": D(10_000)},
    )
    signal: list[float] = []
    last: list[int] = []

    def decide(engine: MatchingEngine, order: Orders, closes: list[float], held: Decimal) -> None:
        is_working = bool(engine.open_orders("a"))
        if held and not is_working:
            stop, limit = (str(round(signal[-1] * factor, 7)) for factor in (0.95, 1.1))
            submit(engine, order("sell", "10", stop=stop, reduce_only=True), closes)
            submit(engine, order("sell", "10", limit, reduce_only=True), closes)
        elif not held and is_working:
            cancel_all(engine, closes)
            is_working = False
        turn = _cross_over(closes, last)
        if turn > 0 and not held and not is_working:
            signal.append(closes[-1])
            submit(engine, order("buy", "10"), closes)

    data = bars(GOOG)
    dates = [row[""] for row in rows(GOOG)]
    fills = fills_of(engine, data, decide)
    expected = rows("reference/backtrader/goog_bracket10.fills.csv")
    assert [(dates[n], fill.side.upper()) for n, fill in fills] == [(e["date"], e["side"]) for e in expected]
    assert [float(fill.price) for _, fill in fills] == pytest.approx(
        [float(each["price"]) for each in expected], abs=1e-6
    )
    assert float(engine.balances("a")["USDT"].total) == pytest.approx(14024.34, abs=1e-6)


def _cross_over(closes: list[float], last: list[int]) -> int:
    """As `crossed` for 10 and 30, but an exact touch in between does not end a side."""
    if len(closes) < 30:
        return 0
    difference = mean(closes, 10) - mean(closes, 30)
    sign = (difference > 0) - (difference < 0)
    turn = sign if last and sign and sign != last[-1] else 0
    if sign:
        last.append(sign)
    return turn


def test_volume_limit_price_impact_and_fee_rounding_of_basana() -> None:
    """`btcusd2015_sma20_market_volume_impact`: a quarter of the volume or nothing, squared impact."""
    fee = Charge(name="fee", rate=D("0.0025"), per="order", step=D("0.01"), rounding="up")
    engine = an_engine(
        instrument=an_instrument(lot_size=D("0.00000001"), notional_min=D(0)),
        market=a_market(
            volume_share=0.25,
            market_rest="all_or_none",
            slippage={"impact": 1.6, "impact_exponent": 2, "rounding": "nearest"},
        ),
        charges=(fee,),
        opening_balances={"USDT": D(1_000_000)},
    )

    def decide(engine: MatchingEngine, order: Orders, closes: list[float], held: Decimal) -> None:
        if len(closes) < 21:
            return
        was_below = closes[-2] <= mean(closes, 20, 1)
        was_above = closes[-2] >= mean(closes, 20, 1)
        if not held and was_below and closes[-1] > mean(closes, 20):
            submit(engine, order("buy", "500"), closes)
        elif held and was_above and closes[-1] < mean(closes, 20):
            submit(engine, order("sell", str(held)), closes)

    data = [bar for bar in bars("crypto_daily/bitstamp_btcusd_day_2015.csv") if bar.volume]
    fills = fills_of(engine, data, decide)
    updates = rows("reference/basana/btcusd2015_sma20_market_volume_impact.orders.csv")
    closed = [each for each in updates if each["state"] == "closed"]
    assert [(fill.side, fill.price, fill.fee) for _, fill in fills] == [
        (each["side"], D(each["avg_fill_price"]), D(each["fees"].removeprefix("USD="))) for each in closed
    ]
    assert engine.balances("a")["USDT"].total == D("1022585.71")
    assert engine.balances("a")["BTC"].total == 0
