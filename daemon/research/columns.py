"""Tables under construction: the newest rows as they are, all others packed, until columns are asked for.

A packed row takes a sixth of what it takes in a frame, so that a run of many orders holds little; and what is
made of a table is made of the columns it needs, one table at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import compress
from operator import attrgetter, not_
from typing import Generic, TypeVar

import polars

from daemon.research.frames import Columns, frame_of

ROWS_PER_BLOCK = 8_192
_PLACE = "place"
"""Column beside the table's own: which row of the table this is."""
Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows in the order of `add`, whatever the order in which they come to an end."""

    def __init__(self, schema: Columns, is_over: Callable[[Row], bool] = lambda _: True) -> None:
        """
        Args:
            is_over: Whether nobody will change a row any more.
        """
        self._schema, self._is_over = schema, is_over
        self._rows: list[Row] = []
        self._places: list[int] = []
        """Of each of `_rows` in the whole table."""
        self._count = 0
        self._blocks: list[bytes] = []
        self._rows_max = ROWS_PER_BLOCK

    def __len__(self) -> int:
        return self._count

    def add(self, row: Row) -> Row:
        """One more row."""
        self._rows.append(row)
        self._places.append(self._count)
        self._count += 1
        return row

    def pack(self) -> Sequence[Row]:
        """Pack what is over, once it is worth it; returns what is packed now."""
        if len(self._rows) < self._rows_max:
            return ()
        is_over = list(map(self._is_over, self._rows))
        over = list(compress(self._rows, is_over))
        self._blocks.append(self._packed(over, list(compress(self._places, is_over))))
        is_kept = list(map(not_, is_over))
        self._rows, self._places = list(compress(self._rows, is_kept)), list(compress(self._places, is_kept))
        self._rows_max = 2 * len(self._rows) + ROWS_PER_BLOCK  # many open ones are not looked at each time
        return over

    def finished(self) -> Packed:
        """The whole table; nothing is added from now on."""
        if self._rows or not self._blocks:
            self._blocks.append(self._packed(self._rows, self._places))
        blocks, self._blocks, self._rows, self._places = self._blocks, [], [], []
        places = polars.concat([_read(block, _PLACE) for block in blocks])
        order = None if places.is_sorted() else places.arg_sort()
        made: dict[str, bytes] = {}
        for name in self._schema:
            column = polars.concat([_read(block, name) for block in blocks], rechunk=True)
            made[name] = _written((column if order is None else column.gather(order)).to_frame())
        return Packed(made, self._count)

    def _packed(self, rows: Sequence[Row], places: Sequence[int]) -> bytes:
        values = {name: list(map(attrgetter(name), rows)) for name in self._schema}
        frame = frame_of(self._schema, values).with_columns(polars.Series(_PLACE, places, polars.UInt32))
        return _written(frame)


class Packed:
    """A whole table of which columns are unpacked as they are asked for."""

    def __init__(self, columns: Mapping[str, bytes], height: int) -> None:
        self._columns, self.height = columns, height

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return list(self._columns)

    def get_column(self, name: str) -> polars.Series:
        """One column."""
        return _read(self._columns[name], name)

    def before(self, behind: Packed) -> Packed:
        """This table and that one as one."""
        joined = {
            name: _written(self.get_column(name).append(behind.get_column(name)).rechunk().to_frame())
            for name in self._columns
        }
        return Packed(joined, self.height + behind.height)


def _written(frame: polars.DataFrame) -> bytes:
    made = BytesIO()
    frame.write_ipc(made, compression="zstd")
    return made.getvalue()


def _read(block: bytes, name: str) -> polars.Series:
    return polars.read_ipc(block, columns=[name]).to_series()
