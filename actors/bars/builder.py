"""One subscription's bar in progress: where it stands between two inputs, and when it is given out.

Three things keep a bar from being given out as built: it touches a gap in its source (then only the venue's
history knows it), the history has handed it over already, or bars before it are still awaited (then it is
held).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from actors.bars.spec import BarSpec, Bounds
from actors.messages.market import Bar, CorporateAction, Trade


class BuilderState(msgspec.Struct, array_like=True, kw_only=True):
    """A builder as checkpoints keep it, and as it works."""

    start: int = 0
    """Of the bar in progress; once it is closed, both are its end."""
    end: int = 0
    is_empty: bool = True
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    source_end: int = 0
    """End of the newest smaller bar taken."""
    last_end: int = 0
    """End of the newest bar given out, by us or by the venue's history."""
    in_gap: bool = False
    """The source has missed something and has not been heard since."""
    gap_end: int = 0
    """Bars that begin before this touch a gap."""
    is_waiting: bool = False
    """History after a gap is awaited."""
    held: list[Bar] = msgspec.field(default_factory=list)
    late: int = 0
    """Trades or smaller bars that came after their bar was closed; dropped."""
    outside: int = 0
    """Trades outside of every session; dropped."""
    incomplete: int = 0
    """Bars that touched a gap; dropped."""


class Builder:
    """Builds the bars of one subscription; `emit` and the two reminders are the actor's."""

    name = "bars"

    def __init__(
        self,
        spec: BarSpec,
        *,
        bounds: Bounds,
        emit: Callable[[Bar], None],
        remind_of_end: Callable[[BarSpec, int], bool],
        remind_of_held: Callable[[BarSpec], None],
    ) -> None:
        self.spec = spec
        self.state = BuilderState(in_gap=spec.needs_backfill or spec.source == "bars")
        self.state.is_waiting = spec.needs_backfill
        self._bounds = bounds
        self._emit = emit
        self._remind_of_end = remind_of_end
        self._remind_of_held = remind_of_held

    # what comes in

    def on_corporate_action(self, action: CorporateAction) -> None:
        """The bar in progress goes on in the prices that hold from now on."""
        s = self.state
        if not s.is_empty:
            s.open, s.high = action.price_after(s.open), action.price_after(s.high)
            s.low, s.close = action.price_after(s.low), action.price_after(s.close)
            s.volume *= float(action.shares_after) / float(action.shares_before)

    def on_trade(self, trade: Trade) -> None:
        """Put one trade into its bar, closing the one before if its time is over."""
        s, ts = self.state, trade.ts_event
        if ts >= s.end:
            if not self._roll(ts):
                return
        elif ts < s.start:
            s.late += 1
            return
        price = trade.price
        if s.is_empty:
            s.is_empty = False
            s.open = s.high = s.low = s.close = price
            s.volume = trade.size
            return
        if price > s.high:
            s.high = price
        elif price < s.low:
            s.low = price
        s.close = price
        s.volume += trade.size

    def on_bar(self, bar: Bar) -> None:
        """Put one smaller bar into its own, or learn that history has handed over a whole one."""
        if bar.interval_ns == self.spec.interval_ns:
            self._on_finished(bar)
        elif self.spec.source == "bars" and bar.interval_ns == self.spec.source_interval_ns:
            self._on_smaller(bar)

    def _on_finished(self, bar: Bar) -> None:
        s = self.state
        s.last_end = max(s.last_end, bar.ts_event)
        if s.end and s.end <= bar.ts_event:
            s.is_empty, s.start, s.end = True, bar.ts_event, bar.ts_event

    def _on_smaller(self, bar: Bar) -> None:
        s = self.state
        start = bar.ts_event - bar.interval_ns
        if bar.ts_event <= s.source_end or start < s.start:
            s.late += 1
            return
        if s.in_gap and start == s.source_end:
            s.in_gap = False  # nothing was missed after all
        s.source_end = bar.ts_event
        if start >= s.end and not self._roll(start):
            return
        if s.is_empty:
            s.is_empty = False
            s.open, s.high, s.low, s.close, s.volume = bar.open, bar.high, bar.low, bar.close, bar.volume
        else:
            s.high, s.low = max(s.high, bar.high), min(s.low, bar.low)
            s.close = bar.close
            s.volume += bar.volume
        if bar.ts_event >= s.end:
            self._finish()

    # gaps

    def begin_gap(self) -> None:
        """From here on the source may miss something."""
        s = self.state
        s.in_gap = True
        s.is_waiting = s.is_waiting or self.spec.needs_backfill
        if self.spec.source == "trades":
            s.end = s.start  # cut off: the next trade begins a bar anew, maybe the same one

    def end_gap(self, ts: int) -> None:
        """The source is heard again from this instant on."""
        if self.state.in_gap and self.spec.source == "trades":
            self._settle_gap(ts)

    def _settle_gap(self, ts: int) -> None:
        s = self.state
        s.in_gap = False
        s.gap_end = ts

    def release(self, last_end: int) -> None:
        """History is complete up to here: give out what was held back, if nothing is missing before it."""
        s = self.state
        s.last_end = max(s.last_end, last_end)
        covers_gap = not s.in_gap and last_end >= self._touched_end()
        if s.is_waiting and covers_gap:
            self.release_anyway()

    def _touched_end(self) -> int:
        """End of the last bar that touches the gap."""
        bounds = self._bounds(self.state.gap_end - 1) if self.state.gap_end else None
        return bounds[1] if bounds is not None else 0

    def release_anyway(self) -> None:
        """Wait no longer for history."""
        s = self.state
        s.is_waiting = False
        held, s.held = s.held, []
        for bar in held:
            if bar.ts_event > s.last_end:
                s.last_end = bar.ts_event
                self._emit(bar)

    # ends

    def close_at(self, end: int) -> None:
        """The time of the bar that ends here is over, its grace included."""
        s = self.state
        if s.end == end and s.start != end and not (s.in_gap and self.spec.source == "bars"):
            self._finish()

    def _roll(self, ts: int) -> bool:
        """Close the bar in progress and begin the one that holds `ts`; False when there is none to begin."""
        s = self.state
        if s.start != s.end:
            if s.in_gap and self.spec.source == "bars":
                s.gap_end = s.start + 1  # its tail is missing
            self._finish()
        if s.in_gap:
            self._settle_gap(ts)
        bounds = self._bounds(ts)
        if not s.is_empty and (bounds is None or bounds[0] != s.start):
            s.incomplete += 1  # cut off, and nobody traded again within it
        s.is_empty = True
        if bounds is None:
            s.outside += 1
            return False
        if bounds[1] <= s.last_end or not self._remind_of_end(self.spec, bounds[1]):
            s.late += 1
            return False
        s.start, s.end = bounds
        return True

    def _finish(self) -> None:
        """Close the bar in progress: give it out, hold it back, or drop it."""
        s = self.state
        start, s.start, is_empty, s.is_empty = s.start, s.end, s.is_empty, True
        if is_empty or s.end <= s.last_end:
            return
        if start < s.gap_end:
            s.incomplete += 1
            return
        bar = Bar(
            ts_event=s.end,
            instrument=self.spec.instrument,
            interval_ns=self.spec.interval_ns,
            open=s.open,
            high=s.high,
            low=s.low,
            close=s.close,
            volume=s.volume,
        )
        if s.is_waiting:
            if not s.held:
                self._remind_of_held(self.spec)
            s.held.append(bar)
            return
        s.last_end = s.end
        self._emit(bar)
