"""Market data as TWS sends it: every subscription of every line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from daemon.exchange.clock import VenueClock
from daemon.exchange.ib import replies
from daemon.exchange.ib.contracts import Contract
from daemon.exchange.ib.line import Line
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, Level, PublicTrade, Top
from daemon.exchange.market_data.market import SymbolMarket

LINES_MAX = 100
BID, ASK, LAST, VOLUME = 1, 2, 4, 8
TICK_TYPES = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}


class Subscription(msgspec.Struct, kw_only=True, eq=False):
    """One request that is answered for as long as it stands."""

    line: Line
    req_id: int
    contract: Contract
    market: SymbolMarket
    kind: str
    """`top`, `bars`, `depth`, `keep`, or a tick-by-tick type."""
    rows: int = 0
    shown: tuple[list[Level], list[Level]] | None = None
    """Rows as the client has them: bids, asks."""
    last: Top | None = None
    volume: float = 0.0
    on_bar: Callable[[int], None] | None = None
    """Asked again and again with the time in ms, for bars."""


class QuoteBoard:
    """Hears the market and tells those who have asked."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock
        self._by_symbol: dict[str, list[Subscription]] = {}

    def add(self, subscription: Subscription) -> None:
        """From now on."""
        market = subscription.market
        self._by_symbol.setdefault(market.symbol, []).append(subscription)
        if subscription.kind == "top" and market.top is not None:
            self._tell_top(subscription, market.top)
        elif subscription.kind == "depth":
            self._tell_depth(subscription, market)

    def drop(self, line: Line, req_id: int | None = None) -> None:
        """A request is given up; all of a line without a number."""
        for symbol, held in self._by_symbol.items():
            self._by_symbol[symbol] = [
                each for each in held if each.line is not line or req_id not in (None, each.req_id)
            ]

    def lines_of(self, line: Line) -> int:
        """How many market data lines it uses."""
        return sum(each.line is line for held in self._by_symbol.values() for each in held)

    # MarketListener

    def on_top(self, market: SymbolMarket, top: Top) -> None:
        """Best bid or ask have changed."""
        for each in self._by_symbol.get(market.symbol, ()):
            if each.kind == "top":
                self._tell_top(each, top)
            elif each.kind == "BidAsk":
                prices, sizes = (top.bid_price, top.ask_price), (top.bid_size, top.ask_size)
                each.line.send("tickByTick", replies.tick_quote(each.req_id, self._now_s(), prices, sizes))
            elif each.kind == "MidPoint":
                middle = (float(top.bid_price) + float(top.ask_price)) / 2
                each.line.send("tickByTick", replies.tick_middle(each.req_id, self._now_s(), middle))

    def on_trade(self, market: SymbolMarket, trade: PublicTrade) -> None:
        """Others have traded."""
        for each in self._by_symbol.get(market.symbol, ()):
            if each.kind == "top":
                each.volume += float(trade.size)
                each.line.send("tickPrice", replies.tick_price(each.req_id, LAST, trade.price, trade.size))
                each.line.send("tickSize", replies.tick_size(each.req_id, VOLUME, f"{each.volume:g}"))
                each.line.send("tickString", replies.tick_time(each.req_id, trade.trade_ms // 1_000))
            elif each.kind in ("Last", "AllLast"):
                each.line.send(
                    "tickByTick",
                    replies.tick_trade(
                        each.req_id, TICK_TYPES[each.kind], trade.trade_ms // 1_000, trade.price, trade.size,
                        each.contract.exchanges[-1],
                    ),
                )  # fmt: skip

    def on_depth(self, market: SymbolMarket, change: DepthChange) -> None:
        """Levels have changed."""
        for each in self._by_symbol.get(market.symbol, ()):
            if each.kind == "depth":
                self._tell_depth(each, market)

    def on_snapshot(self, market: SymbolMarket, snapshot: DepthSnapshot) -> None:
        """The whole book."""
        for each in self._by_symbol.get(market.symbol, ()):
            if each.kind == "depth":
                self._tell_depth(each, market)

    def on_pause(self, now_ms: int) -> None:
        """Bars may have ended."""
        for held in self._by_symbol.values():
            for each in held:
                if each.on_bar is not None:
                    each.on_bar(now_ms)

    def _tell_top(self, each: Subscription, top: Top) -> None:
        before, each.last = each.last, top
        bid, ask = (top.bid_price, top.bid_size), (top.ask_price, top.ask_size)
        if before is None or (before.bid_price, before.bid_size) != bid:
            each.line.send("tickPrice", replies.tick_price(each.req_id, BID, *bid))
        if before is None or (before.ask_price, before.ask_size) != ask:
            each.line.send("tickPrice", replies.tick_price(each.req_id, ASK, *ask))

    def _tell_depth(self, each: Subscription, market: SymbolMarket) -> None:
        rows = market.book.bids(each.rows), market.book.asks(each.rows)
        before = each.shown or ([], [])
        each.shown = rows
        for side, (old, new) in ((1, (before[0], rows[0])), (0, (before[1], rows[1]))):
            for place, operation, level in _row_changes(old, new):
                fields = replies.depth_row(each.req_id, place, operation, side, *level)
                each.line.send("marketDepth", fields)

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1_000


def _row_changes(old: list[Level], new: list[Level]) -> Iterator[tuple[int, int, Level]]:
    """(place, operation, level) that turn the old rows into the new ones."""
    for place, level in enumerate(new):
        if place >= len(old):
            yield place, 0, level
        elif old[place] != level:
            yield place, 1, level
    for place in range(len(old) - 1, len(new) - 1, -1):
        yield place, 2, ("0", "0")
