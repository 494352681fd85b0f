"""Tables under construction: column by column, as small as plain arrays, until they become frames."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import polars

from daemon.research.frames import TEXT, TIME, Columns, typed


class Column(Protocol):
    """Values of one column, oldest first; any of them may be None."""

    def append(self, value: Any) -> None:
        """One more."""

    def __getitem__(self, place: int) -> Any: ...

    def __setitem__(self, place: int, value: Any) -> None: ...

    def __len__(self) -> int: ...

    def series(self, name: str) -> polars.Series:
        """The whole column."""


class Numbers:
    """Numbers of one machine type: `d` is float64, `q` is int64."""

    __slots__ = ("_known", "_values")

    def __init__(self, kind: str) -> None:
        self._values: array[Any] = array(kind)
        self._known = bytearray()

    def append(self, value: float | None) -> None:
        """One more."""
        self._known.append(value is not None)
        self._values.append(0 if value is None else value)

    def __getitem__(self, place: int) -> Any:
        return self._values[place] if self._known[place] else None

    def __setitem__(self, place: int, value: float | None) -> None:
        self._known[place] = value is not None
        self._values[place] = 0 if value is None else value

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def series(self, name: str) -> polars.Series:
        """The whole column."""
        values = polars.Series(name, np.array(self._values))
        known = np.array(self._known, dtype=np.bool_)
        if known.all():
            return values
        nothing = polars.Series(name, [None], dtype=values.dtype)
        return values.zip_with(polars.Series(known), nothing)


class Words:
    """Texts of which few differ: each is kept once."""

    __slots__ = ("_code_of", "_codes", "_words")

    def __init__(self) -> None:
        self._words: list[str | None] = []
        self._code_of: dict[str | None, int] = {}
        self._codes = array("i")

    def _code(self, text: str | None) -> int:
        code = self._code_of.get(text)
        if code is None:
            code = self._code_of[text] = len(self._words)
            self._words.append(text)
        return code

    def append(self, text: str | None) -> None:
        """One more."""
        self._codes.append(self._code(text))

    def __getitem__(self, place: int) -> str | None:
        return self._words[self._codes[place]]

    def __setitem__(self, place: int, text: str | None) -> None:
        self._codes[place] = self._code(text)

    def __len__(self) -> int:
        return len(self._codes)

    def series(self, name: str) -> polars.Series:
        """The whole column."""
        words = polars.Series(name, self._words, dtype=polars.String)
        return words.gather(np.array(self._codes, dtype=np.uint32)) if self._codes else words


class Names:
    """Texts of which all differ: one long text, and where each ends."""

    __slots__ = ("_ends", "_text")

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q")

    def append(self, text: str) -> None:
        """One more."""
        self._text += text.encode()
        self._ends.append(len(self._text))

    def __getitem__(self, place: int) -> str:
        start = self._ends[place - 1] if place > 0 else 0
        return self._text[start : self._ends[place]].decode()

    def __setitem__(self, place: int, text: str) -> None:
        raise TypeError("a name does not change")

    def __len__(self) -> int:
        return len(self._ends)

    def series(self, name: str) -> polars.Series:
        """The whole column."""
        return polars.Series(name, [self[place] for place in range(len(self))], dtype=polars.String)


NAMES = ("client_order_id", "venue_order_id", "trade_id")
"""Columns in which hardly any text comes twice."""


class Table:
    """Rows of one table, to be looked at and changed until it becomes a frame."""

    def __init__(self, schema: Columns) -> None:
        self._schema = schema
        self._columns: dict[str, Column] = {name: _column(name, kind) for name, kind in schema.items()}
        self._appends = {name: column.append for name, column in self._columns.items()}

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def add(self, row: Mapping[str, Any]) -> int:
        """One more row, of exactly these columns; returns its place."""
        assert row.keys() == self._appends.keys(), "a row has all columns"
        for name, append in self._appends.items():
            append(row[name])
        return len(self) - 1

    def frame(self) -> polars.DataFrame:
        """The whole table, once: each column is given up as soon as it is made."""
        self._appends.clear()
        made = [typed(self._columns.pop(name).series(name), kind) for name, kind in self._schema.items()]
        return polars.DataFrame(made)


def _column(name: str, kind: polars.DataType) -> Column:
    if name in NAMES:
        return Names()
    if kind == TEXT:
        return Words()
    return Numbers("q" if kind == TIME else "d")
