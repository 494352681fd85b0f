"""Bars that a session was given, out of a history that has only smaller ones, or trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from actors.bars.spec import BarSpec
from actors.messages.market import Bar, Trade
from actors.model.instrument import Instrument
from daemon.graph import BarSources
from daemon.research.data.converting import Clockwork
from daemon.research.history import History, Timed


def specs_for(wanted: BarSources, has: BarSources) -> tuple[list[BarSpec], list[str]]:
    """What to build so that a history has what a session had, and instruments for which nothing helps."""
    specs: list[BarSpec] = []
    missing = sorted(wanted.trades - has.trades)
    for name, interval in sorted(wanted.given - has.given):
        smaller = [each for of, each in has.given if of == name and each < interval and not interval % each]
        if smaller:
            specs.append(
                BarSpec(instrument=name, interval_ns=interval, source="bars", source_interval_ns=max(smaller))
            )
        elif name in has.trades:
            specs.append(BarSpec(instrument=name, interval_ns=interval))
        else:
            missing.append(name)
    return specs, missing


def with_larger(
    history: History, specs: Sequence[BarSpec], instruments: Mapping[str, Instrument], start: int, end: int
) -> Iterator[Timed]:
    """All of a history in [start, end), and each bar built of it once it is over.

    One interval before the start is read for the first of them, and handed to nobody.
    """
    built: list[Bar] = []
    by_source: dict[tuple[str, int], list[Clockwork]] = {}
    for spec in specs:
        clockwork = Clockwork(spec, instruments[spec.instrument].calendar, built.append)
        by_source.setdefault((spec.instrument, spec.source_interval_ns), []).append(clockwork)
    before = max((spec.interval_ns for spec in specs), default=0)
    for time, message in history.messages(max(start - before, 0), end):
        if isinstance(message, Bar | Trade):
            interval = message.interval_ns if isinstance(message, Bar) else 0
            for clockwork in by_source.get((message.instrument, interval), ()):
                clockwork.take(time, message)
        if time >= start:
            # A bar of smaller ones ends with its last; one of trades is over before the trade that says so.
            is_first = isinstance(message, Bar)
            if is_first:
                yield time, message
            for bar in built:
                yield time, bar
            if not is_first:
                yield time, message
        built.clear()
