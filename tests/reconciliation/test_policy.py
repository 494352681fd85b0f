"""Which rows of a history explain a difference."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages.account import VenueTransfer
from actors.reconciliation.policy import told_by

D = Decimal


def a_row(number: int, amount: int, age: int = 0) -> VenueTransfer:
    return VenueTransfer(
        transfer_id=f"r{number}", asset="USDT", amount=D(amount), reason="deposit", ts_event=1_000 - age
    )


@pytest.mark.parametrize(
    ("rows", "amount", "told"),
    [
        ([a_row(1, 5), a_row(2, 7)], 12, ["r1", "r2"]),
        ([a_row(1, 5, age=999), a_row(2, 7)], 7, ["r2"]),
        ([a_row(1, 5, age=999), a_row(2, 7)], 12, ["r1", "r2"]),
        ([a_row(1, -100), a_row(2, -1)], -100, ["r1"]),
        ([a_row(1, 5), a_row(2, 7)], 6, []),
        ([], 6, []),
        ([a_row(number, 1) for number in range(50)], 50, [f"r{number}" for number in range(50)]),
    ],
)
def test_a_difference_is_explained_by_rows_that_make_it_up_exactly(
    rows: list[VenueTransfer], amount: int, told: list[str]
) -> None:
    assert [row.transfer_id for row in told_by(rows, "USDT", D(amount), 500)] == told
