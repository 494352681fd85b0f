"""The end of the data: positions are kept or closed as configured, and strategies have their last word."""

from __future__ import annotations

from actors.messages.control import Flatten, Pause, Scope, Stop
from actors.messages.market import Bar, MarketData, Quote, Trade
from daemon.config import Config
from daemon.graph import Core

BY = "backtest"
ROUNDS = 3
"""Cancels first, then the closing orders, then what a partial fill has left."""
PLENTY = 1e15
"""Size of what the last price is offered in: closing at the end is a question of value, not of depth."""


def close_down(core: Core, config: Config, first_ns: int) -> None:
    """Close everything at the last prices if so configured, then stop."""
    sequencer = core.sequencer
    everything = Scope()
    if config.backtest.at_end == "close" and _is_anything_held(core, config):
        pause = Pause(ts_event=sequencer.now, scope=everything, command_id="end:pause", by=BY)
        sequencer.run(pause, sequencer.now)
        flatten = Flatten(ts_event=sequencer.now, scope=everything, command_id="end:flatten", by=BY)
        sequencer.run(flatten, sequencer.now)
        for _ in range(ROUNDS):
            if not _is_anything_held(core, config):
                break
            _offer_last_prices(core, config)
    stop = Stop(
        ts_event=sequencer.now,
        scope=everything,
        command_id="end:stop",
        by=BY,
        cancel_orders=config.backtest.at_end == "close",
    )
    sequencer.run(stop, sequencer.now)


def _is_anything_held(core: Core, config: Config) -> bool:
    return any(position.trip for name in config.accounts for position in core.ledger.positions(name))


def _offer_last_prices(core: Core, config: Config) -> None:
    """The newest price of every instrument held once more, when every order has reached the venue."""
    sequencer = core.sequencer
    latencies = [
        each.simulated.latency_ms + each.simulated.report_latency_ms for each in config.accounts.values()
    ]
    later = sequencer.now + round(max(latencies) * 1e6) + 1_000_000
    held = dict.fromkeys(
        position.instrument
        for name in config.accounts
        for position in core.ledger.positions(name)
        if position.trip
    )
    for instrument in held:
        newest = _last_price(core, instrument, later)
        if newest is not None:
            sequencer.run(newest, later)


def _last_price(core: Core, instrument: str, ts: int) -> MarketData | None:
    """In the form in which the venue has got its prices so far."""
    market = core.sequencer.market
    quote, trade, bar = (
        market.quotes.get(instrument),
        market.trades.get(instrument),
        market.bars.get(instrument),
    )
    if quote is not None:
        return Quote(
            instrument=instrument, ts_event=ts, bid_price=quote.bid_price, bid_size=PLENTY,
            ask_price=quote.ask_price, ask_size=PLENTY,
        )  # fmt: skip
    if trade is not None:
        return Trade(
            instrument=instrument, ts_event=ts, trade_id=f"end:{ts}", price=trade.price, size=PLENTY,
            aggressor="unknown",
        )  # fmt: skip
    if bar is not None:
        return Bar(
            instrument=instrument, ts_event=ts, interval_ns=bar.interval_ns, open=bar.close, high=bar.close,
            low=bar.close, close=bar.close, volume=PLENTY,
        )  # fmt: skip
    return None
