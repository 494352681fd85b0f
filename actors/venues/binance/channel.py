"""One instrument's streams: decode, drop what is repeated or cannot be true, hand over the rest in order.

During a renewal two connections deliver the same events; each kind has a number that only grows, so what came
already is known by it. After a lost connection the numbers may begin anew (another venue behind the same
address), so trades and quotes forget theirs then; the book is joined again, and bars keep theirs for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

from actors.errors import BadMarketData
from actors.messages.market import FeedStatus
from actors.venues.bar_queue import BarQueue
from actors.venues.binance import translate
from actors.venues.binance.book import DepthSync
from actors.venues.binance.wire import BOOK_TICKER, DEPTH, KLINE, TRADE, DepthSnapshot
from actors.venues.ports import Intake

log = structlog.get_logger(__name__)

LineStatus = Literal["live", "stale", "down"]
_BAD = (msgspec.MsgspecError, BadMarketData)


class FeedCounts(msgspec.Struct):
    """Plain numbers for telemetry."""

    bad_events: int = 0
    repeated_events: int = 0
    book_gaps: int = 0
    book_snapshots: int = 0
    reconnects: int = 0
    bars_backfilled: int = 0


class Channel:
    """All streams of one instrument."""

    def __init__(
        self,
        *,
        instrument: str,
        intake: Intake,
        clock: Callable[[], int],
        counts: FeedCounts,
        on_book_wanted: Callable[[Channel], None],
    ) -> None:
        self.instrument = instrument
        self.depth = DepthSync()
        self.bars: dict[int, BarQueue] = {}
        self._intake = intake
        self._clock = clock
        self._counts = counts
        self._on_book_wanted = on_book_wanted
        self._last_trade = -1
        self._last_quote = -1
        self._status: LineStatus | None = None
        self._bad_streams: list[str] = []
        """Kinds whose newest event could not be true."""

    def on_trade(self, raw: msgspec.Raw) -> None:
        """Route of `@trade`."""
        try:
            event = TRADE.decode(raw)
            if event.trade_id <= self._last_trade:
                self._counts.repeated_events += 1
                return
            trade = translate.trade(event, self.instrument)
        except _BAD as error:
            self._drop("trades", error)
            return
        self._last_trade = event.trade_id
        if self._bad_streams:
            self._good("trades")
        self._intake.offer(trade)

    def on_quote(self, raw: msgspec.Raw) -> None:
        """Route of `@bookTicker`."""
        try:
            event = BOOK_TICKER.decode(raw)
            if event.update_id <= self._last_quote:
                self._counts.repeated_events += 1
                return
            quote = translate.quote(event, self.instrument, self._clock())
        except _BAD as error:
            self._drop("quotes", error)
            return
        self._last_quote = event.update_id
        if self._bad_streams:
            self._good("quotes")
        self._intake.offer(quote)

    def on_kline(self, interval_ns: int, raw: msgspec.Raw) -> None:
        """Route of `@kline_<interval>`; only closed bars count."""
        try:
            kline = KLINE.decode(raw).kline
            if not kline.is_closed:
                return
            bar = translate.bar(kline, self.instrument, interval_ns)
        except _BAD as error:
            self._drop("bars", error)
            return
        if self._bad_streams:
            self._good("bars")
        self.bars[interval_ns].offer(bar)

    def on_depth(self, raw: msgspec.Raw) -> None:
        """Route of `@depth@100ms`."""
        try:
            event = DEPTH.decode(raw)
            verdict = self.depth.on_event(event)
            if verdict == "apply":
                self._intake.offer(translate.book_delta(event, self.instrument))
            elif verdict == "gap":
                self._lose_book("gap in the depth stream")
            elif verdict == "ignore":
                self._counts.repeated_events += 1
        except _BAD as error:
            self._drop("book", error)
            # Without this event the book is not whole any more.
            self._lose_book("a depth event was dropped")

    def on_snapshot(self, snapshot: DepthSnapshot) -> bool:
        """Join a snapshot; False when another one is needed."""
        try:
            message = translate.book_snapshot(snapshot, self.instrument, self._clock())
            held = self.depth.on_snapshot(snapshot)
            if held is None:
                return False
            deltas = [translate.book_delta(event, self.instrument) for event in held]
        except BadMarketData as error:
            self.depth.restart()
            self._drop("book", error)
            return False
        self._counts.book_snapshots += 1
        if self._bad_streams:
            self._good("book")
        self._intake.offer(message)
        for delta in deltas:
            self._intake.offer(delta)
        return True

    def on_up(self) -> None:
        """A fresh connection delivers."""
        self._last_trade = self._last_quote = -1
        self._bad_streams.clear()
        self.report("live", "connected")

    def on_down(self, reason: str, silent: bool) -> None:
        """Nothing arrives any more."""
        self.depth.restart()
        for queue in self.bars.values():
            queue.hold()
        self.report("stale" if silent else "down", reason)

    def report(self, status: LineStatus, reason: str) -> None:
        """Say how the line is, when that is new."""
        if status == self._status:
            return
        self._status = status
        self._intake.offer(
            FeedStatus(ts_event=self._clock(), instrument=self.instrument, status=status, reason=reason)
        )

    def _lose_book(self, reason: str) -> None:
        if self.depth.is_synced:
            self.depth.restart()
        self._counts.book_gaps += 1
        log.warning("book lost, asking for a new one", instrument=self.instrument, reason=reason)
        self._on_book_wanted(self)

    def _drop(self, kind: str, error: Exception) -> None:
        self._counts.bad_events += 1
        if kind not in self._bad_streams:
            self._bad_streams.append(kind)
            log.warning("bad market data dropped", instrument=self.instrument, kind=kind, error=str(error))
            self.report("stale", f"bad {kind}")

    def _good(self, kind: str) -> None:
        """The newest event of a kind is good; when that holds for all, the instrument is live again."""
        if kind in self._bad_streams:
            self._bad_streams.remove(kind)
            if not self._bad_streams:
                self.report("live", f"good {kind} again")
