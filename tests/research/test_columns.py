"""Tables under construction: what is put in comes out in its order, as the type the frame has."""

from __future__ import annotations

import math

import msgspec
import polars as pl
import pytest

from daemon.research.columns import ROWS_PER_BLOCK, Packed, Table
from daemon.research.frames import (
    FILLS,
    ORDERS,
    SCHEMAS,
    TRADES,
    Columns,
    Frames,
    Stored,
    digest,
    empty_frame,
)
from daemon.research.rows import FillRow, OrderRow, TradeRow


def an_order(number: int, status: str = "filled") -> OrderRow:
    return OrderRow(
        ts=number, account="a", strategy="s", instrument="X@v", client_order_id=f"o{number}", status=status
    )


def whole(table: Packed) -> pl.DataFrame:
    return pl.DataFrame([table.get_column(name) for name in table.columns])


@pytest.mark.parametrize(("schema", "row"), [(ORDERS, OrderRow), (FILLS, FillRow), (TRADES, TradeRow)])
def test_rows_have_the_columns_of_their_table_in_its_order(
    schema: Columns, row: type[msgspec.Struct]
) -> None:
    fields = [field.name for field in msgspec.structs.fields(row) if field.name != "paid"]
    assert fields == list(schema)


@pytest.mark.parametrize("rows", [0, 2])
def test_a_table_becomes_a_frame_of_its_schema(rows: int) -> None:
    table = Table[OrderRow](ORDERS)
    for number in range(rows):
        table.add(an_order(number)).price = (None, -0.0)[number]
    made = table.finished()
    frame = whole(made)
    assert frame.schema == ORDERS
    assert (made.height, frame.height, len(table)) == (rows, rows, rows)
    assert frame["price"].is_null().to_list() == [True, False][:rows]
    assert [math.copysign(1.0, price) for price in frame["price"].drop_nulls()] == [-1.0][: rows - 1]


def test_a_row_may_change_until_it_is_over_and_keeps_its_place() -> None:
    table = Table[OrderRow](ORDERS, lambda order: order.status != "open")
    rows = [table.add(an_order(number, "open" if number in (3, 5) else "filled")) for number in range(10)]
    assert table.pack() == ()
    rows += [table.add(an_order(number)) for number in range(10, ROWS_PER_BLOCK)]
    assert len(table.pack()) == ROWS_PER_BLOCK - 2
    table.add(an_order(ROWS_PER_BLOCK))
    rows[3].status, rows[5].filled = "cancelled", 0.5
    frame = whole(table.finished())
    assert frame["client_order_id"].to_list() == [f"o{number}" for number in range(ROWS_PER_BLOCK + 1)]
    assert frame["status"].to_list()[2:6] == ["filled", "cancelled", "filled", "open"]
    assert frame["filled"].to_list()[5] == 0.5


def test_what_follows_a_table_stands_behind_it_whatever_was_packed_first() -> None:
    first = Table[OrderRow](ORDERS, lambda order: order.status != "open")
    for number in range(ROWS_PER_BLOCK):
        first.add(an_order(number, "open" if not number else "filled"))
    first.pack()
    second = Table[OrderRow](ORDERS)
    second.add(an_order(-1, "denied"))
    joined = first.finished().before(second.finished())
    assert joined.get_column("ts").cast(pl.Int64).to_list() == [*range(ROWS_PER_BLOCK), -1]


def test_packed_tables_have_the_digest_of_their_frames_and_are_kept_once_asked_for() -> None:
    table = Table[OrderRow](ORDERS)
    for number in range(3):
        table.add(an_order(number)).reason = (None, "", "a\nb")[number]
    packed = table.finished()
    tables: dict[str, Stored] = {name: empty_frame(columns) for name, columns in SCHEMAS.items()}
    frames = Frames(**{**tables, "orders": packed})
    assert digest(frames) == digest(Frames(**{**tables, "orders": whole(packed)}))
    assert frames.orders is frames.orders
    assert frames.some("orders", ["reason"]).to_series().to_list() == [None, "", "a\nb"]
