"""What strategies read by themselves while the future is cut off: files without what they could not know yet.

A data file of the backtest is read from a copy that ends at the cut. Any other table loses its later rows by
its column of times. A row is known at its time, or at the end of its period where it says what happened
after its time: its closes tell which, and a date means the whole day. A table without times that has as many
rows as there are bars of an instrument is cut at the same row; what has neither, and any other file that is
opened, is named as not cut.
"""

from __future__ import annotations

import builtins
import io
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from actors.own_code.modules import OURS
from actors.own_code.rules import READERS

_DAY_NS = 86_400_000_000_000
_TIMES = frozenset({
    "timestamp", "time", "date", "datetime", "ts", "ts_event", "open_time", "close_time", "day",
})  # fmt: skip
_ROWS_COMPARED = 50
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Prices(NamedTuple):
    """What the backtest is given of one instrument."""

    times: array[int]
    closes: array[float]


class Cut:
    """One cut, and what it has been asked for."""

    def __init__(
        self, known_ns: int, prices: Mapping[str, Prices], copy_of: Callable[[Path], Path | None]
    ) -> None:
        """
        Args:
            known_ns: The last time that anybody knows.
            copy_of: A file's copy without what follows; None where it is no data file of the backtest.
        """
        self.known_ns, self._prices, self._copy_of = known_ns, prices, copy_of
        self.uncut: dict[str, None] = {}
        """Files that could not be cut."""

    def place(self, given: Any) -> Any:
        """The copy in the place of a data file."""
        if not isinstance(given, str | Path) or "://" in str(given):
            return given
        copy = self._copy_of(Path(given).absolute())
        return given if copy is None else type(given)(str(copy))

    def table(self, given: Any, found: Any) -> Any:
        """What was read, without what was not known."""
        if isinstance(found, pl.LazyFrame):
            return self.table(given, found.collect()).lazy()
        times = _times_of(found)
        kept: Any = self._kept_by_time(found, times) if times is not None else self._kept_by_row(found)
        if kept is None:
            self.leave(given if isinstance(given, str | Path) else type(found).__name__)
            return found
        if isinstance(found, pl.DataFrame):
            return found.filter(pl.Series(kept))
        return found.filter(kept) if type(found).__module__.startswith("pyarrow") else found[kept]

    def leave(self, given: Any) -> None:
        """A file that is read as it is."""
        self.uncut[Path(given).name if isinstance(given, str | Path) else str(given)] = None

    def _kept_by_time(self, table: Any, times: Ints) -> Any:
        step = int(np.median(np.diff(times))) if len(times) > 1 else 0
        ends = times + step if self._says_what_follows(table, times, step) else times
        return ends <= self.known_ns

    def _kept_by_row(self, table: Any) -> Any:
        for prices in self._prices.values():
            if len(table) == len(prices.times):
                return np.arange(len(table)) < bisect_right(prices.times, self.known_ns)
        return None

    def _says_what_follows(self, table: Any, times: Ints, step: int) -> bool:
        """Whether a row's close is the price at the end of its period rather than at its time."""
        closes = _column(table, {"close", "adj close", "adj_close", "price"})
        before = after = 0
        if closes is not None:
            rows = range(0, len(times), max(1, len(times) // _ROWS_COMPARED))
            for prices in self._prices.values():
                before += sum(_price_at(prices, int(times[row])) == closes[row] for row in rows)
                after += sum(_price_at(prices, int(times[row]) + step) == closes[row] for row in rows)
        if before != after:
            return after > before
        return step >= _DAY_NS and not np.any(times % _DAY_NS)


@contextmanager
def reading_until(cut: Cut, modules: Sequence[Any]) -> Iterator[None]:
    """Cut off what is read from here on.

    Args:
        modules: Of the user's own; only what they read is cut off.
    """
    own = frozenset(module.__name__ for module in modules)
    opened = builtins.open

    def open_copy(file: Any, *given: Any, **named: Any) -> Any:
        place = cut.place(file) if _is_asked_by(own) else file
        if place is file and _is_opened_by(own):
            cut.leave(file)
        return opened(place, *given, **named)

    with ExitStack() as stack:
        for library, name, reader in list(_readers()):
            instead = _cut_reader(cut, reader, own)
            stack.enter_context(_replaced(library, name, instead))
            for module in modules:
                for known_as in [known_as for known_as, value in vars(module).items() if value is reader]:
                    stack.enter_context(_replaced(module, known_as, instead))
        stack.enter_context(_replaced(builtins, "open", open_copy))
        stack.enter_context(_replaced(io, "open", open_copy))
        yield


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _readers() -> Iterator[tuple[Any, str, Any]]:
    """Those of libraries that somebody has imported."""
    for full in sorted(READERS):
        home, _, name = full.rpartition(".")
        library = sys.modules.get(home)
        reader = getattr(library, name, None)
        if home not in ("io", "pathlib") and callable(reader) and not isinstance(reader, type):
            yield library, name, reader


def _is_asked_by(own: frozenset[str]) -> bool:
    """Whether a module of the user's own asks, by way of whatever library, and not tickerd."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name in own:
            return True
        if name.partition(".")[0] in OURS:
            return False
        frame = frame.f_back
    return False


def _is_opened_by(own: frozenset[str]) -> bool:
    """Whether a module of the user's own opens a file itself, perhaps by its path."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "pathlib":
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in own


def _cut_reader(cut: Cut, reader: Any, own: frozenset[str]) -> Any:
    @wraps(reader)
    def read(*given: Any, **named: Any) -> Any:
        if not given or sys._getframe(1).f_globals.get("__name__") not in own:
            return reader(*given, **named)
        place = cut.place(given[0])
        found = reader(place, *given[1:], **named)
        return found if place is not given[0] else cut.table(given[0], found)

    return read


def _price_at(prices: Prices, time: int) -> float | None:
    place = bisect_right(prices.times, time)
    return prices.closes[place - 1] if place else None


def _column(table: Any, names: set[str]) -> Any:
    columns = {str(name).lower(): name for name in getattr(table, "columns", ())}
    found = next((columns[name] for name in sorted(names) if name in columns), None)
    return None if found is None else table[found].to_numpy()


def _times_of(table: Any) -> Ints | None:
    """Nanoseconds UTC of the rows of a table; None where it holds none."""
    kind = type(table).__module__.partition(".")[0]
    if kind == "pyarrow":
        table = pl.from_arrow(table)
    if isinstance(table, pl.DataFrame):
        return _of_columns({name: table[name] for name in table.columns})
    if kind != "pandas" or not hasattr(table, "columns"):
        return None
    columns = {"": table.index, **{str(name): table[name] for name in table.columns}}
    return _of_columns({name: _plain(each) for name, each in columns.items() if each.dtype != object or name})


def _plain(column: Any) -> pl.Series:
    zone = getattr(column.dtype, "tz", None)
    if zone is not None:
        dates = getattr(column, "dt", column)
        column = dates.tz_convert("UTC")
        column = getattr(column, "dt", column).tz_localize(None)
    values = column.to_numpy()
    if values.dtype == object:
        return pl.Series([each if each is None else str(each) for each in values], dtype=pl.String)
    return pl.Series(values)


def _of_columns(columns: Mapping[str, pl.Series]) -> Ints | None:
    for column in columns.values():
        if column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
            return _ints(column.cast(pl.Datetime("ns")))
    for name, column in columns.items():
        if name.lower() not in _TIMES:
            continue
        if column.dtype.is_integer():
            if _unit(column) == 0:
                return _ints(column.cast(pl.String).str.to_datetime("%Y%m%d", time_unit="ns", strict=False))
            return _ints(column) * _unit(column)
        if column.dtype == pl.String:
            read = column.str.to_datetime(time_unit="ns", time_zone="UTC", strict=False)
            if not read.is_null().all():
                return _ints(read)
    return None


def _ints(column: pl.Series) -> Ints:
    """A row without a time is known from the beginning."""
    return column.cast(pl.Int64).fill_null(0).to_numpy()


def _unit(column: pl.Series) -> int:
    """Nanoseconds in one of what its numbers count since 1970; 0 where they are dates as 20240131."""
    largest = column.max()
    digits = len(str(largest))
    return 0 if digits <= 8 else 10 ** max(0, 9 - 3 * ((digits - 8) // 3))
