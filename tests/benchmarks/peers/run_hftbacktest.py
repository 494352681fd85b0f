"""hftbacktest: compiled engine (Rust) and compiled strategy (numba); ticks with a queue model."""

# mypy: ignore-errors
from importlib.metadata import version

import numpy as np
from given import FEE, Given, given, measure, unfit
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from numba import njit

Prepared = tuple[HashMapMarketDepthBacktest, np.ndarray]


@njit
def strategy(engine: HashMapMarketDepthBacktest, result: np.ndarray) -> None:
    """A limit order below an average every 1,000 quotes, cancelled after 500."""
    seen, average, total = 0, 0.0, 0.0
    while engine.wait_next_feed(False, 10**18) in (0, 2):
        depth = engine.depth(0)
        if not (depth.best_bid > 0.0 and depth.best_ask < 1e9):
            continue
        mid = (depth.best_bid + depth.best_ask) * 0.5
        seen += 1
        if seen < 20:
            total += mid
        elif seen == 20:
            average = (total + mid) / 20
        else:
            average += 2.0 / 21 * (mid - average)
        place = seen % 1000
        if not place:
            result[0] += 1
            engine.clear_inactive_orders(0)
            engine.submit_buy_order(0, seen, np.floor(average * 99.0) / 100.0, 0.01, GTC, LIMIT, False)
        elif place == 500 and seen > 1000:
            engine.cancel(0, seen - 500, False)
    result[1] = seen


def events_of(data: Given, count: int) -> np.ndarray:
    """Each quote is four events: the levels that were the touch go, then the new ones come."""
    columns = data.only
    made = np.zeros(4 * count, event_dtype)
    both = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT
    for place, flag, name in ((0, BUY_EVENT, "bid"), (1, SELL_EVENT, "ask")):
        price = np.asarray(columns[f"{name}_price"])[:count]
        gone, come = made[place::4], made[place + 2 :: 4]
        for part in (gone, come):
            part["ev"] = both | flag
            part["exch_ts"] = part["local_ts"] = np.asarray(columns["ts"])[:count]
        gone["px"][0], gone["px"][1:] = price[0], price[:-1]
        come["px"], come["qty"] = price, np.asarray(columns[f"{name}_size"])[:count]
    return made


def engine_of(events: np.ndarray) -> Prepared:
    """One asset with constant latency; the engine reads the events from where they lie, so they go along."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(FEE, FEE)
        .tick_size(0.01)
        .lot_size(0.00001)
    )
    return HashMapMarketDepthBacktest([asset]), events


def run(prepared: Prepared) -> np.ndarray:
    """How many orders were sent, and how many moments seen."""
    engine, _ = prepared
    result = np.zeros(2, np.int64)
    strategy(engine, result)
    engine.close()
    return result


def prepare(data: Given) -> Prepared:
    """Compile on a short run first, so that compiling is not measured."""
    run(engine_of(events_of(data, 3000)))
    return engine_of(events_of(data, data.inputs))


if __name__ == "__main__":
    DATA = given()
    if DATA.workload != "C":
        unfit("ticks and order books, not bars")
    measure(DATA, version("hftbacktest"), lambda: prepare(DATA), run, lambda result: int(result[0]))
