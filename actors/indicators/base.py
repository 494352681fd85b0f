"""What every indicator is: a constant amount of work for each new number, and a warm-up it declares.

There is one definition of each indicator, the incremental one; `over` runs it along a whole series, so an
array and a live strategy can never disagree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from math import nan
from typing import Any, ClassVar

from actors.errors import ConfigError
from actors.messages.market import Bar

IndicatorState = list[Any]
"""Numbers and lists of numbers, as checkpoints keep them."""


class Indicator:
    """Base of all indicators. `value` is NaN until `warm_up` updates have come, and current from then on."""

    __slots__ = ("count", "value", "warm_up")

    fields: ClassVar[tuple[str, ...]] = ()
    """Names of everything a checkpoint must keep besides `count` and `value`."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Names of what keeps a state of its own: other indicators, moments, extremes."""
    outputs: ClassVar[tuple[str, ...]] = ("value",)
    """Names of all that it tells, for `columns`."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.count = 0
        self.value = nan

    @property
    def is_warm(self) -> bool:
        """Whether `value` means something."""
        return self.count >= self.warm_up

    def take_bar(self, bar: Bar) -> None:
        """Follow one closed bar."""
        raise TypeError(f"{type(self).__name__} must define take_bar")

    def snapshot(self) -> IndicatorState:
        """State for the checkpoint."""
        kept = (getattr(self, name) for name in self.fields)
        own = [self.count, self.value, *(list(v) if isinstance(v, deque) else v for v in kept)]
        return own + [getattr(self, name).snapshot() for name in self.parts]

    def restore(self, state: IndicatorState) -> None:
        """Take the state that `snapshot` gave."""
        self.count, self.value = state[0], state[1]
        own = len(self.fields) + 2
        for name, value in zip(self.parts, state[own:], strict=True):
            getattr(self, name).restore(value)
        for name, value in zip(self.fields, state[2:own], strict=True):
            kept = getattr(self, name)
            setattr(self, name, deque(value, kept.maxlen) if isinstance(kept, deque) else value)


class ValueIndicator(Indicator):
    """An indicator of one series of numbers: closes of bars, mids of quotes, prices of trades."""

    __slots__ = ()

    def update(self, value: float) -> float:
        """Follow one more number; returns `value` as it is now."""
        raise TypeError(f"{type(self).__name__} must define update")

    def take_bar(self, bar: Bar) -> None:
        """Follow the close of one bar."""
        self.update(bar.close)

    def over(self, values: Iterable[float]) -> list[float]:
        """The indicator along a whole series, oldest first, NaN while warming up; this object must be unused.

        Raises:
            ConfigError: This indicator has already followed something.
        """
        _must_be_unused(self)
        return [self.update(value) for value in values]

    def columns(self, values: Iterable[float]) -> dict[str, list[float]]:
        """As `over`, for all `outputs` by name."""
        _must_be_unused(self)
        return _columns(self, (self.update(value) for value in values))


class BarIndicator(Indicator):
    """An indicator that needs more of a bar than its close."""

    __slots__ = ()

    def over(self, bars: Iterable[Bar]) -> list[float]:
        """The indicator along a whole series of bars, oldest first, NaN while warming up; must be unused.

        Raises:
            ConfigError: This indicator has already followed something.
        """
        return self.columns(bars)["value"]

    def columns(self, bars: Iterable[Bar]) -> dict[str, list[float]]:
        """As `over`, for all `outputs` by name."""
        _must_be_unused(self)
        return _columns(self, map(self.take_bar, bars))


def bars_from(
    highs: Iterable[float],
    lows: Iterable[float],
    closes: Iterable[float],
    volumes: Iterable[float] | None = None,
) -> Iterator[Bar]:
    """Bars from columns, for a `BarIndicator` over arrays; volumes are 0 where none are given.

    Raises:
        ValueError: Columns of unequal length.
    """
    closes = list(closes)
    volumes = [0.0] * len(closes) if volumes is None else volumes
    for at, (high, low, close, volume) in enumerate(zip(highs, lows, closes, volumes, strict=True), 1):
        yield Bar(
            ts_event=at, instrument="", interval_ns=1, open=close, high=high, low=low, close=close,
            volume=volume,
        )  # fmt: skip


def _columns(indicator: Indicator, steps: Iterable[object]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in indicator.outputs}
    into = [(name, column.append) for name, column in found.items()]
    for _ in steps:
        for name, append in into:
            append(getattr(indicator, name))
    return found


def _must_be_unused(indicator: Indicator) -> None:
    if indicator.count:
        name = type(indicator).__name__
        raise ConfigError(f"this {name} has already followed {indicator.count} values: make a new one")


def positive_length(name: str, length: int, least: int = 1) -> int:
    """The length of an indicator's window.

    Raises:
        ConfigError: Too short to mean anything.
    """
    if length < least:
        raise ConfigError(f"{name} needs a length of at least {least}, not {length}")
    return length
