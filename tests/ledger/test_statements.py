"""When a venue's statement and our books disagree."""

from __future__ import annotations

from decimal import Decimal

from actors.ledger.statements import QUESTIONS_MAX, Statements

D = Decimal


def usdt(total: str) -> dict[str, Decimal]:
    return {"USDT": D(total)}


def test_one_contradiction_is_no_difference_two_in_a_row_are() -> None:
    statements = Statements()
    assert statements.compare(1, usdt("90"), usdt("100")) == []
    assert statements.compare(2, usdt("90"), usdt("100")) == [("USDT", D(100), D(90))]


def test_a_difference_is_told_once_until_it_is_gone() -> None:
    statements = Statements()
    answers = [statements.compare(n, usdt(v), usdt("100")) for n, v in enumerate(["90", "90", "90", "100"])]
    assert [len(found) for found in answers] == [0, 1, 0, 0]
    assert [len(statements.compare(9, usdt("90"), usdt("100"))) for _ in range(2)] == [0, 1]


def test_agreement_between_forgives_the_first_contradiction() -> None:
    statements = Statements()
    for venue in ("90", "100", "90"):
        assert statements.compare(1, usdt(venue), usdt("100")) == []


def test_a_total_held_between_question_and_answer_agrees() -> None:
    statements = Statements()
    statements.asked(5)
    statements.changed(6, "USDT", D(100), D(90))
    statements.changed(7, "USDT", D(90), D(80))
    for venue in ("100", "90", "80"):
        assert Statements.compare(statements.copy(), 5, usdt(venue), usdt("80")) == []
        assert statements.copy().doubts == {}
    copy = statements.copy()
    copy.compare(5, usdt("100"), usdt("80"))
    assert copy.doubts == {}


def test_a_total_held_only_before_the_question_does_not_agree() -> None:
    statements = Statements()
    statements.asked(5)
    statements.changed(6, "USDT", D(100), D(90))
    statements.asked(8)
    statements.compare(8, usdt("100"), usdt("90"))
    assert list(statements.doubts) == ["USDT"]


def test_a_booking_under_way_at_the_answer_clears_the_doubt() -> None:
    statements = Statements()
    statements.compare(1, usdt("90"), usdt("100"))
    statements.changed(2, "USDT", D(100), D(95))
    assert list(statements.doubts) == ["USDT"]
    statements.changed(3, "USDT", D(95), D(90))
    assert statements.doubts == {}
    assert statements.compare(4, usdt("80"), usdt("90")) == []


def test_an_asset_that_one_side_does_not_name_counts_as_zero() -> None:
    statements = Statements()
    for _ in range(2):
        found = statements.compare(1, {"BTC": D(1)}, {"USDT": D(2), "BNB": D(0)})
    assert found == [("USDT", D(2), D(0)), ("BTC", D(0), D(1))]


def test_history_is_kept_only_while_a_question_is_open() -> None:
    statements = Statements()
    statements.changed(1, "USDT", D(1), D(2))
    assert statements.history == []
    statements.asked(2)
    statements.changed(3, "USDT", D(2), D(3))
    statements.asked(4)
    statements.changed(5, "USDT", D(3), D(4))
    statements.compare(2, usdt("2"), usdt("4"))
    assert statements.history == [(5, "USDT", D(3))]
    statements.connection_lost()
    assert (statements.history, statements.questions) == ([], [])


def test_questions_that_nobody_answers_do_not_pile_up() -> None:
    statements = Statements()
    for seq in range(100):
        statements.asked(seq)
        statements.changed(seq, "USDT", D(seq), D(seq + 1))
    assert statements.questions == list(range(100 - QUESTIONS_MAX, 100))
    assert len(statements.history) == QUESTIONS_MAX
