"""Money that moves while an account's books are being opened."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    CashTransferred,
    StatementDisagrees,
)
from actors.messages.base import Message
from tests.ledger.build import Rig, a_fill

D = Decimal
MS = 1_000_000
READ_MS = 1_000_000_000
"""When the venue reads the balances for the opening statement, by its own clock."""


def a_statement(asked: int, total: Decimal, at_ms: int) -> AccountEvidence:
    return AccountEvidence(
        ts_event=at_ms * MS,
        account="main",
        balances=BalancesEvidence(asked_seq=asked, total={"USDT": total}),
        venue_time_ms=at_ms,
    )


def a_notice(number: int, amount: int, at_ms: int) -> CashTransferred:
    return CashTransferred(
        ts_event=at_ms * MS, account="main", asset="USDT", amount=D(amount),
        reason="deposit" if amount > 0 else "withdrawal", transfer_id=f"notice-{number}",
    )  # fmt: skip


def opened(
    moves: list[tuple[int, int, int]], answer_ms: int, later_ms: int = 10_000
) -> tuple[Rig, list[Message], Decimal]:
    """Books after an opening and four more statements.

    Args:
        moves: (when against the reading, amount, delay of the notice), milliseconds.
        answer_ms: How long the opening statement is under way.
    """
    start = D(100_000)
    inputs: list[tuple[int, Message]] = []
    for number, (at, amount, delay) in enumerate(moves):
        inputs.append((READ_MS + at + delay, a_notice(number, amount, READ_MS + at)))

    def total(at_ms: int) -> Decimal:
        return start + sum(amount for at, amount, _ in moves if READ_MS + at <= at_ms)

    inputs.append((READ_MS + answer_ms, a_statement(1, total(READ_MS), READ_MS)))
    for number in range(4):
        at_ms = READ_MS + later_ms + 2_000 * number
        inputs.append((at_ms, a_statement(100 + number, total(at_ms), at_ms)))
    rig, sent = Rig(), []
    for _, message in sorted(inputs, key=lambda each: each[0]):
        sent += rig.feed(message)
    return rig, sent, start + sum(amount for _, amount, _ in moves)


def told(sent: list[Message]) -> list[StatementDisagrees]:
    return [each for each in sent if isinstance(each, StatementDisagrees) and each.answers > 1]


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param([(-100, 500, 600)], id="in the statement, its notice comes after it"),
        pytest.param([(100, 500, 50)], id="not in the statement, its notice comes before it"),
        pytest.param([(-100, 500, 50)], id="in the statement, its notice comes before it"),
        pytest.param([(100, 500, 600)], id="not in the statement, its notice comes after it"),
        pytest.param([(-100, 500, 600), (100, -70, 50)], id="one of each"),
        pytest.param([(-300, 7, 900), (-200, 7, 900), (50, 7, 10)], id="three of one amount"),
    ],
)
def test_an_opening_is_set_right_whatever_moved_around_it(moves: list[tuple[int, int, int]]) -> None:
    rig, sent, truth = opened(moves, answer_ms=400)
    assert rig.balance("USDT") == truth
    assert told(sent) == []
    assert not any(rig.ledger.trial_balance("main").values())


def test_what_is_off_by_another_amount_is_no_matter_of_the_opening() -> None:
    rig, _, truth = opened([(-100, 500, 600)], answer_ms=400)
    sent: list[Message] = []
    for number in range(2):
        at_ms = READ_MS + 60_000 + number
        sent += rig.feed(a_statement(200 + number, truth - 3, at_ms))
    assert [each.venue - each.ours for each in told(sent)] == [D(-3)]
    assert rig.balance("USDT") == truth


def test_what_we_traded_is_never_taken_for_a_part_of_the_opening() -> None:
    rig = Rig()
    rig.feed(a_statement(1, D(100_000), READ_MS))
    rig.feed(msgspec.structs.replace(a_fill("buy", "1", "100"), ts_event=(READ_MS + 500) * MS))
    sent: list[Message] = []
    for number in range(2):  # somebody else has sold as much, of which we learn later
        at_ms = READ_MS + 10_000 + number
        balances = BalancesEvidence(asked_seq=100 + number, total={"USDT": D(99_900)})
        sent += rig.feed(msgspec.structs.replace(a_statement(100 + number, D(0), at_ms), balances=balances))
    assert [(each.asset, each.venue - each.ours) for each in told(sent)] == [("BTC", D(-1))]
    assert rig.balance("BTC") == 1


def test_a_transfer_long_after_the_opening_is_never_taken_for_a_part_of_it() -> None:
    rig, _, truth = opened([], answer_ms=400)
    rig.feed(a_notice(1, 500, READ_MS + 60_000))
    sent = rig.feed(a_statement(200, truth, READ_MS + 70_000), a_statement(201, truth, READ_MS + 72_000))
    assert [each.venue - each.ours for each in told(sent)] == [D(-500)]


MOVES = st.lists(
    st.tuples(
        st.integers(-3_000, 3_000),
        st.integers(-900, 900).filter(bool),
        st.integers(0, 4_000),
    ),
    max_size=6,
)


@given(moves=MOVES, answer_ms=st.integers(0, 3_000))
def test_books_come_to_what_the_venue_holds_however_they_were_opened(
    moves: list[tuple[int, int, int]], answer_ms: int
) -> None:
    rig, sent, truth = opened(moves, answer_ms)
    assert rig.balance("USDT") == truth
    assert told(sent) == []
