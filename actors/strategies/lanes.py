"""Lanes: the direct way of market data from the sequencer to one strategy in one instrument."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from actors.core.actor import Handler
from actors.core.adjust import adjusted_history
from actors.indicators.base import Indicator, IndicatorState
from actors.messages.base import Message
from actors.messages.market import Bar, BookDelta, BookSnapshot, CorporateAction, Quote, Trade

if TYPE_CHECKING:
    from actors.strategies.runner import Runner


class Feed:
    """Closed bars of one instrument and timeframe, and the indicators they feed."""

    __slots__ = ("bar_updates", "bars", "close_updates", "fresh", "last_end", "warm_up")

    def __init__(self, history: int) -> None:
        self.bars: deque[Bar] = deque(maxlen=history)
        self.last_end = 0
        self.warm_up = history
        self.close_updates: tuple[Callable[[float], float], ...] = ()
        self.bar_updates: tuple[Callable[[Bar], None], ...] = ()
        self.fresh: list[tuple[Indicator, IndicatorState]] = []
        """Its indicators, and what they were before any bar."""

    def adjust(self, action: CorporateAction) -> None:
        """Bring all bars that are kept into today's shares, and the indicators along them anew."""
        if not self.bars:
            return
        last_close = self.bars[-1].close
        self.bars = deque([adjusted_history(b, action, last_close) for b in self.bars], self.bars.maxlen)
        for indicator, state in self.fresh:
            indicator.restore(state)
        for bar in self.bars:
            for update in self.close_updates:
                update(bar.close)
            for take in self.bar_updates:
                take(bar)


class Lane:
    """One strategy in one instrument: where its market data goes straight from the sequencer.

    A lane is awake when its strategy may hear the market here: one attribute decides, and the call is direct.
    """

    name = "strategies"

    __slots__ = (
        "_on_bar", "_on_book", "_on_quote", "_on_trade", "_runner", "_undo", "feeds", "indicators",
        "instrument", "is_awake", "is_warm", "quote_updates", "trade_updates",
    )  # fmt: skip

    def __init__(self, runner: Runner, instrument: str) -> None:
        strategy = runner.strategy
        self._runner = runner
        self._undo = runner.undo
        self._on_bar, self._on_quote = strategy.on_bar, strategy.on_quote
        self._on_trade, self._on_book = strategy.on_trade, strategy.on_book
        self.instrument = instrument
        self.feeds = {interval: Feed(strategy.history) for interval in runner.spec.timeframes}
        self.indicators: list[Indicator] = []
        self.quote_updates: tuple[Callable[[float], float], ...] = ()
        self.trade_updates: tuple[Callable[[float], float], ...] = ()
        self.is_awake = False
        self.is_warm = True

    def on_quote(self, quote: Quote) -> None:
        """Feed indicators, then the strategy."""
        if self.quote_updates:
            self._update(self.quote_updates, quote.mid_price)
        if self.is_awake:
            try:
                self._on_quote(quote)
            except Exception as error:
                self._runner.fail("on_quote", error)
            if self._undo:
                self._runner.commit()

    def on_trade(self, trade: Trade) -> None:
        """Feed indicators, then the strategy."""
        if self.trade_updates:
            self._update(self.trade_updates, trade.price)
        if self.is_awake:
            try:
                self._on_trade(trade)
            except Exception as error:
                self._runner.fail("on_trade", error)
            if self._undo:
                self._runner.commit()

    def on_book(self, book: BookSnapshot | BookDelta) -> None:
        """Hand the book on."""
        if self.is_awake:
            self._runner.call("on_book", self._on_book, book)

    def on_bar(self, bar: Bar) -> None:
        """Keep the bar, feed indicators, then the strategy; each bar once and in order.

        A bar handed over so late that the one after it is over too is history: acting on it would be trading
        on old news at new prices.
        """
        interval, end = bar.interval_ns, bar.ts_event
        feed = self.feeds.get(interval)
        if feed is None or end <= feed.last_end:
            return
        feed.last_end = end
        feed.bars.append(bar)
        close = bar.close
        for update in feed.close_updates:
            update(close)
        if feed.bar_updates:
            for take in feed.bar_updates:
                take(bar)
        if not self.is_awake:
            if not self.is_warm:
                self.warm()
            if not self.is_awake:
                return
        runner, handle = self._runner, self._on_bar
        if runner.sequencer.now - end >= interval:  # type: ignore[union-attr]
            return
        if runner.refused:
            runner.forget_refused(self.instrument)
        try:
            handle(bar)
        except Exception as error:
            runner.fail("on_bar", error)
        if self._undo:
            runner.commit()

    def on_corporate_action(self, action: CorporateAction) -> None:
        """Adjust the history where that is wished for, then tell the strategy."""
        if self._runner.strategy.adjusts_history:
            for feed in self.feeds.values():
                feed.adjust(action)
            self.is_warm = all(indicator.is_warm for indicator in self.indicators)
            self._runner.host.refresh_lane(self._runner, self)
        if self._runner.is_started and self._runner.hears_facts:
            self._runner.call("on_corporate_action", self._runner.strategy.on_corporate_action, action)

    def _update(self, updates: tuple[Callable[[float], float], ...], value: float) -> None:
        for update in updates:
            update(value)
        if not self.is_warm:
            self.warm()

    def warm(self) -> None:
        """Look whether every indicator has had its warm-up, and wake if so."""
        self.is_warm = all(indicator.is_warm for indicator in self.indicators)
        if self.is_warm:
            self._runner.host.refresh_lane(self._runner, self)


_MARKET: dict[type[Message], str] = {
    Quote: "on_quote",
    Trade: "on_trade",
    BookSnapshot: "on_book",
    BookDelta: "on_book",
}


def lane_handler(runner: Runner, lane: Lane, kind: type[Message]) -> Handler | None:
    """What takes this kind of market data; None where the strategy does not want it."""
    if kind is CorporateAction:
        return lane.on_corporate_action
    if kind is Bar:
        return lane.on_bar if lane.feeds else None
    handler = _MARKET.get(kind)
    if handler is None:
        return None
    fed = (kind is Quote and lane.quote_updates) or (kind is Trade and lane.trade_updates)
    return getattr(lane, handler) if fed or handler in runner.defined else None


def largest(pairs: Iterable[tuple[tuple[str, int], int]]) -> dict[tuple[str, int], int]:
    """Each instrument and interval with the largest number given for it."""
    found: dict[tuple[str, int], int] = {}
    for key, number in pairs:
        found[key] = max(number, found.get(key, 0))
    return found
