"""Plain text for people."""

from __future__ import annotations

from typing import Any

from daemon.cli.tables import facts, shown, table


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "a", "amount": "10.5"},
        {"name": "long", "amount": "-7"},
        {"name": "b", "amount": None},
    ]
    assert table(rows).splitlines() == ["NAME  AMOUNT", "a       10.5", "long      -7", "b          -"]


def test_numbers_that_are_written_out_stand_to_the_right_too() -> None:
    rows = [
        {"net": "-7,433.54 USDT", "share": "1.50 %", "code": "A1"},
        {"net": "0.00 USDT", "share": "n/a", "code": "1"},
    ]
    assert table(rows).splitlines() == [
        "           NET   SHARE  CODE", "-7,433.54 USDT  1.50 %  A1", "     0.00 USDT     n/a  1",
    ]  # fmt: skip


def test_a_table_without_rows_says_so() -> None:
    assert table([], empty="no orders") == "no orders"


def test_facts_come_before_the_tables_they_lead_to() -> None:
    text = facts({"seq": 3, "accounts": [{"account": "paper", "ok": True}], "idle": {}, "feeds": {"b": 0.5}})
    assert text.splitlines() == [
        "seq  3", "", "accounts", "  ACCOUNT  OK", "  paper    yes", "", "feeds", "  b  0.5",
    ]  # fmt: skip


def test_cells_are_short() -> None:
    assert [shown(value) for value in (None, False, 0.1 + 0.2, {"a": 1}, [], [1, 2])] == [
        "-", "no", "0.3", "a=1", "-", "1, 2",
    ]  # fmt: skip
