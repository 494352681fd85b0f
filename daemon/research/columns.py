"""Tables under construction: the newest rows as they are, all others packed, until columns are asked for.

A packed row takes a sixth of what it takes in a frame, so that a run of many orders holds little; and what is
made of a table is made of the columns it needs, one table at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import compress
from operator import attrgetter, not_
from typing import Generic, TypeVar

import numpy as np
import polars

from daemon.research.frames import Columns, frame_of

ROWS_PER_BLOCK = 8_192
ROWS_PER_PIECE = 16_384
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
        return Packed([_written(piece) for piece in _in_order(blocks, self._count)], self._count)

    def _packed(self, rows: Sequence[Row], places: Sequence[int]) -> bytes:
        values = {name: list(map(attrgetter(name), rows)) for name in self._schema}
        frame = frame_of(self._schema, values).with_columns(polars.Series(_PLACE, places, polars.UInt32))
        return _written(frame)


class Packed:
    """A whole table of which columns are unpacked as they are asked for."""

    def __init__(self, pieces: Sequence[bytes], height: int) -> None:
        self._pieces, self.height = pieces, height

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return self.lazy().collect_schema().names()

    def get_column(self, name: str) -> polars.Series:
        """One column."""
        parts = [polars.read_ipc(piece, columns=[name]).to_series() for piece in self._pieces]
        return polars.concat(parts, rechunk=True)

    def lazy(self) -> polars.LazyFrame:
        """The table for what goes through it piece by piece."""
        return polars.concat([polars.scan_ipc(BytesIO(piece)) for piece in self._pieces])

    def before(self, behind: Packed) -> Packed:
        """This table and that one as one."""
        return Packed([*self._pieces, *behind._pieces], self.height + behind.height)


def _in_order(blocks: Sequence[bytes], count: int) -> Iterator[polars.DataFrame]:
    """The rows of all blocks by their place, piece by piece; of a late row only the place is out of order."""
    places = [polars.read_ipc(block, columns=[_PLACE]).to_series().to_numpy() for block in blocks]
    for start in range(0, max(count, 1), ROWS_PER_PIECE):
        parts = []
        for block, its in zip(blocks, places, strict=True):
            low, high = np.searchsorted(its, (start, start + ROWS_PER_PIECE)).tolist()
            if low < high or not count:
                parts.append(polars.read_ipc(block).slice(low, high - low))
        piece = polars.concat(parts)
        yield (piece if piece[_PLACE].is_sorted() else piece.sort(_PLACE)).drop(_PLACE)


def _written(frame: polars.DataFrame) -> bytes:
    made = BytesIO()
    frame.write_ipc(made, compression="zstd")
    return made.getvalue()
