"""What files and the catalogue hold, as columns: one table form per kind, whatever file it came from.

`ts_event` is nanoseconds UTC; of a bar it is the end. `ts_init`, where a recorder knows it, is when the
message could be known. `row` is the line in the file that a finding names; it is never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import msgspec
import polars as pl

Kind = Literal["bars", "trades", "quotes", "quote_bars", "book", "actions", "funding"]
KINDS: tuple[Kind, ...] = get_args(Kind)

BAR_COLUMNS = ("open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")
_LEVELS = pl.List(pl.Float64)

SCHEMAS: Mapping[Kind, Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "bars": {"ts_event": pl.Int64, **dict.fromkeys(BAR_COLUMNS, pl.Float64)},
    "trades": {
        "ts_event": pl.Int64,
        "trade_id": pl.String,
        "price": pl.Float64,
        "size": pl.Float64,
        "aggressor": pl.String,
    },
    "quotes": {
        "ts_event": pl.Int64,
        "bid_price": pl.Float64,
        "bid_size": pl.Float64,
        "ask_price": pl.Float64,
        "ask_size": pl.Float64,
    },
    "quote_bars": {
        "ts_event": pl.Int64,
        **{f"bid_{name}": pl.Float64 for name in (*PRICES, "size")},
        **{f"ask_{name}": pl.Float64 for name in (*PRICES, "size")},
    },
    "book": {
        "ts_event": pl.Int64,
        "is_snapshot": pl.Boolean,
        "first_update_id": pl.Int64,
        "last_update_id": pl.Int64,
        "bid_prices": _LEVELS,
        "bid_sizes": _LEVELS,
        "ask_prices": _LEVELS,
        "ask_sizes": _LEVELS,
    },
    "actions": {"ts_event": pl.Int64, "action": pl.String, "value": pl.Float64},
    "funding": {"ts_event": pl.Int64, "rate": pl.Float64, "mark_price": pl.Float64},
}
"""Columns of each kind. An action is a `split` (new shares per old one) or a `dividend` (per share);
a funding rate is a fraction of notional for one payment, its mark price null where nobody recorded it."""

HAS_INTERVAL: frozenset[Kind] = frozenset({"bars", "quote_bars"})
BESIDE_PRICES: frozenset[Kind] = frozenset({"actions", "funding"})
"""What happens to positions; no prices to trade at."""

Severity = Literal["error", "warning", "note"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or worth knowing, and what to do about it."""

    severity: Severity
    code: str
    file: str
    row: int | None
    """The first line concerned, counted from 1."""
    count: int = 1
    text: str
    advice: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return f"{self.severity}: {place}: {self.text}; {self.advice}"


class Problems:
    """Collects what is found while a file is read; the same in many rows is one finding with a count."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, Finding] = {}

    def add(
        self, severity: Severity, code: str, text: str, advice: str, *, row: int | None = None, count: int = 1
    ) -> None:
        """Count one more; the first one's row and text stay."""
        known = self._found.get(code)
        if known is not None:
            self._found[code] = msgspec.structs.replace(known, count=known.count + count)
            return
        self._found[code] = Finding(
            severity=severity, code=code, file=self.file, row=row, count=count, text=text, advice=advice
        )

    def take(self) -> list[Finding]:
        """Everything so far, errors first; a count above one is said in the text."""
        order = {"error": 0, "warning": 1, "note": 2}
        said = [
            msgspec.structs.replace(each, text=f"{each.text} ({each.count:,} in all)")
            if each.count > 1 and f"{each.count:,}" not in each.text
            else each
            for each in self._found.values()
        ]
        return sorted(said, key=lambda each: order[each.severity])

    @property
    def has_errors(self) -> bool:
        return any(each.severity == "error" for each in self._found.values())


class Piece(NamedTuple):
    """Rows of one kind and one instrument out of one file."""

    kind: Kind
    symbol: str | None
    """As the file names it; None when the file names none."""
    interval_ns: int | None
    """Of bars."""
    frame: pl.DataFrame
    """Columns of the kind's schema, perhaps `ts_init`, and `row`."""


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file that it does not say itself."""

    form: str | None = None
    """None: detected."""
    kind: Kind | None = None
    interval_ns: int | None = None
    """Of bars; None: found from the file."""
    zone: str | None = None
    """Of times without an offset; None: the form's own, else UTC."""
    stamp: Literal["start", "end"] | None = None
    """What a bar's time means; None: the form's own meaning, else its start."""
    adjusted: bool = False
    """Bars scaled by the file's own adjusted prices."""


class ReadFile(NamedTuple):
    """A file that is recognised; its pieces come block by block."""

    path: Path
    form: str
    why: str
    """What the form was recognised by."""
    pieces: Callable[[], Iterator[Piece]]
    problems: Problems


def shaped(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The kind's columns in order and with their types, `ts_init` and `row` behind them if they are there."""
    schema = SCHEMAS[kind]
    more = [name for name in ("ts_init", "row") if name in frame.columns]
    return frame.select(*(pl.col(name).cast(dtype) for name, dtype in schema.items()), *more)
