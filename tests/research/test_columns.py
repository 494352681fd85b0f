"""Tables under construction: what is put in comes out, as the type the frame has."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from daemon.research.columns import Names, Numbers, Table, Words
from daemon.research.frames import TEXT, TIME


def test_numbers_keep_nothing_signs_and_what_is_no_number_apart() -> None:
    column = Numbers("d")
    for value in (1.5, None, -0.0, math.nan):
        column.append(value)
    column[0], column[2] = None, -2.5
    column.append(-0.0)
    made = column.series("x")
    assert made.is_null().to_list() == [True, True, False, False, False]
    assert made.is_nan().to_list()[3]
    assert [made[2], math.copysign(1.0, made[4])] == [-2.5, -1.0]
    assert (column[1], column[2], len(column)) == (None, -2.5, 5)


def test_words_and_names_come_out_as_they_went_in() -> None:
    words, names = Words(), Names()
    for text in ("buy", None, "buy", ""):
        words.append(text)
    words[0] = "sell"
    for text in ("T1", "", "ÄÖ"):
        names.append(text)
    assert words.series("w").to_list() == ["sell", None, "buy", ""]
    assert names.series("n").to_list() == ["T1", "", "ÄÖ"]
    assert (words[2], names[2]) == ("buy", "ÄÖ")


def test_a_name_does_not_change() -> None:
    names = Names()
    names.append("T1")
    with pytest.raises(TypeError, match="does not change"):
        names[0] = "T2"


@pytest.mark.parametrize("rows", [0, 2])
def test_a_table_becomes_a_frame_of_its_schema(rows: int) -> None:
    table = Table({"ts": TIME, "trade_id": TEXT, "side": TEXT, "price": pl.Float64()})
    for number in range(rows):
        row: dict[str, Any] = {"ts": number or None, "trade_id": str(number), "side": "buy", "price": 0.5}
        assert table.add(row) == number
    frame = table.frame()
    assert frame.schema == {"ts": TIME, "trade_id": pl.String, "side": pl.String, "price": pl.Float64}
    assert frame.height == rows
    assert frame["ts"].is_null().to_list() == [True, False][:rows]
