"""When a venue's statement and our books disagree."""

from __future__ import annotations

from decimal import Decimal

from actors.ledger.statements import QUESTIONS_MAX, Statements

D = Decimal
LATER = 10**15
"""Long after any statement here."""


def usdt(total: str) -> dict[str, Decimal]:
    return {"USDT": D(total)}


def answers(statements: Statements, asked_seq: int, venue: str, ours: str) -> int:
    """How many statements in a row disagree on USDT after this one; 0 for none."""
    differ, _ = statements.compare(asked_seq, 0, usdt(venue), usdt(ours))
    return differ[0].answers if differ else 0


def test_one_contradiction_is_no_difference_two_in_a_row_are() -> None:
    statements = Statements()
    assert answers(statements, 1, "90", "100") == 1
    differ, _ = statements.compare(2, 0, usdt("90"), usdt("100"))
    assert [(found.ours, found.venue, found.answers) for found in differ] == [(D(100), D(90), 2)]


def test_the_same_answer_delivered_twice_or_late_is_one_answer() -> None:
    statements = Statements()
    assert answers(statements, 5, "90", "100") == 1
    assert answers(statements, 5, "90", "100") == 0
    assert answers(statements, 4, "90", "100") == 0
    assert statements.doubts["USDT"].answers == 1


def test_a_difference_is_gone_when_a_statement_agrees_and_that_is_told_once() -> None:
    statements = Statements()
    for seq, venue in enumerate(["90", "90"], start=1):
        statements.compare(seq, 0, usdt(venue), usdt("100"))
    assert statements.compare(3, 0, usdt("100"), usdt("100")) == ([], ["USDT"])
    assert statements.compare(4, 0, usdt("100"), usdt("100")) == ([], [])
    assert answers(statements, 5, "90", "100") == 1


def test_agreement_between_forgives_the_first_contradiction() -> None:
    statements = Statements()
    assert [answers(statements, seq, v, "100") for seq, v in enumerate(("90", "100", "90"))] == [1, 0, 1]


def test_two_answers_that_differ_by_other_amounts_are_no_difference_yet() -> None:
    statements = Statements()
    assert answers(statements, 1, "90", "100") == 1
    assert answers(statements, 2, "80", "100") == 1
    assert answers(statements, 3, "80", "100") == 2


def test_a_difference_is_the_same_amount_whatever_was_traded_meanwhile() -> None:
    statements = Statements()
    statements.asked(1)
    assert answers(statements, 1, "1100", "100") == 1
    statements.asked(2)
    statements.changed(3, "USDT", D(100), D(60), LATER)
    differ, _ = statements.compare(2, 0, usdt("1060"), usdt("60"))
    assert [(found.ours, found.venue, found.answers) for found in differ] == [(D(60), D(1060), 2)]


def test_a_difference_names_the_last_statement_that_agreed() -> None:
    statements = Statements()
    statements.compare(3, 77, usdt("100"), usdt("100"))
    for seq in (5, 6):
        differ, _ = statements.compare(seq, 99, usdt("90"), usdt("100"))
        assert [(found.agreed_seq, found.agreed_ts) for found in differ] == [(3, 77)]


def test_a_transfer_ends_what_was_compared_before_it() -> None:
    statements = Statements()
    assert answers(statements, 1, "90", "100") == 1
    assert not statements.transferred("USDT")
    assert [answers(statements, seq, "90", "100") for seq in (2, 3)] == [1, 2]
    assert statements.transferred("USDT")
    assert not statements.transferred("USDT")
    assert answers(statements, 4, "90", "100") == 1


def test_a_transfer_leaves_when_the_asset_last_agreed() -> None:
    statements = Statements()
    assert answers(statements, 1, "100", "100") == 0
    assert answers(statements, 5, "90", "100") == 1
    statements.transferred("USDT")
    differ, _ = statements.compare(6, 0, usdt("110"), usdt("120"))
    assert differ[0].agreed_seq == 1, "the statement of seq 5 did not agree"


def test_a_fill_heard_of_late_takes_its_part_out_of_the_difference() -> None:
    statements = Statements()
    statements.compare(1, 1_000, usdt("60"), usdt("100"))
    statements.asked(2)
    statements.changed(3, "USDT", D(100), D(70), 500)  # the first statement had it in already
    assert answers(statements, 2, "60", "70") == 1, "it may have been in neither: 40 would fit, too"
    differ, _ = statements.compare(4, 3_000, usdt("60"), usdt("70"))
    assert [(found.ours, found.venue, found.answers) for found in differ] == [(D(70), D(60), 2)]


def test_of_two_amounts_that_both_answers_would_fit_neither_counts() -> None:
    """0.30 are missing; a fill of 0.05 comes between each question and its answer."""
    statements = Statements()
    statements.compare(1, 0, usdt("10.65"), usdt("10.65"))
    for seq, before, after, venue in ((10, "10.65", "10.70", "10.35"), (20, "10.70", "10.75", "10.40")):
        statements.asked(seq)
        statements.changed(seq + 1, "USDT", D(before), D(after), LATER, by_us=True)
        assert answers(statements, seq, venue, after) == 1
    differ, _ = statements.compare(30, 0, usdt("10.45"), usdt("10.75"))
    assert [(found.venue - found.ours, found.answers) for found in differ] == [(D("-0.30"), 2)]


def test_a_total_held_between_question_and_answer_agrees() -> None:
    statements = Statements()
    statements.asked(5)
    statements.changed(6, "USDT", D(100), D(90), LATER)
    statements.changed(7, "USDT", D(90), D(80), LATER)
    for venue in ("100", "90", "80"):
        assert answers(statements.copy(), 5, venue, "80") == 0
    assert answers(statements.copy(), 5, "70", "80") == 1


def test_a_total_held_only_before_the_question_does_not_agree() -> None:
    statements = Statements()
    statements.asked(5)
    statements.changed(6, "USDT", D(100), D(90), LATER)
    statements.asked(8)
    assert answers(statements, 8, "100", "90") == 1


def test_a_booking_under_way_at_the_answer_clears_the_doubt() -> None:
    statements = Statements()
    assert answers(statements, 1, "90", "100") == 1
    statements.changed(2, "USDT", D(100), D(95), LATER)
    assert list(statements.doubts) == ["USDT"]
    statements.changed(3, "USDT", D(95), D(90), LATER)
    assert answers(statements.copy(), 4, "90", "90") == 0
    assert answers(statements, 4, "80", "90") == 1


def test_what_forgives_a_doubt_is_no_statement_that_agreed() -> None:
    statements = Statements()
    statements.compare(3, 33, usdt("100"), usdt("100"))
    assert answers(statements, 5, "90", "100") == 1
    statements.changed(5, "USDT", D(100), D(90), LATER)
    for seq in (6, 7):
        differ, _ = statements.compare(seq, 66, usdt("80"), usdt("90"))
    assert [(found.agreed_seq, found.agreed_ts, found.answers) for found in differ] == [(3, 33, 2)]


def test_trades_after_a_statement_do_not_hide_that_the_next_one_shows_the_same() -> None:
    statements = Statements()
    assert answers(statements, 1, "1100", "100") == 1
    for number in range(1, 6):
        statements.changed(1, "USDT", D(100 - number), D(99 - number), number * 100_000_000)
    assert answers(statements, 2, "1095", "95") == 2


def test_a_booking_that_the_statement_may_have_had_in_it_explains_its_part() -> None:
    statements = Statements()
    assert answers(statements, 1, "1060", "100") == 1
    statements.changed(1, "USDT", D(100), D(60), 1)
    assert answers(statements, 2, "1060", "60") == 2


def test_an_asset_that_one_side_does_not_name_counts_as_zero() -> None:
    statements = Statements()
    for seq in (1, 2):
        differ, _ = statements.compare(seq, 0, {"BTC": D(1)}, {"USDT": D(2), "BNB": D(0)})
    assert [(found.asset, found.ours, found.venue) for found in differ] == [
        ("USDT", D(2), D(0)),
        ("BTC", D(0), D(1)),
    ]


def test_history_is_kept_only_while_a_question_is_open() -> None:
    statements = Statements()
    statements.changed(1, "USDT", D(1), D(2), LATER)
    assert statements.history == []
    statements.asked(2)
    statements.changed(3, "USDT", D(2), D(3), LATER)
    statements.asked(4)
    statements.changed(5, "USDT", D(3), D(4), LATER)
    statements.compare(2, 0, usdt("2"), usdt("4"))
    assert statements.history == [(5, "USDT", D(3))]
    statements.connection_lost()
    assert (statements.history, statements.questions) == ([], [])


def test_questions_that_nobody_answers_do_not_pile_up() -> None:
    statements = Statements()
    for seq in range(100):
        statements.asked(seq)
        statements.changed(seq, "USDT", D(seq), D(seq + 1), LATER)
    assert statements.questions == list(range(100 - QUESTIONS_MAX, 100))
    assert len(statements.history) == QUESTIONS_MAX


def test_a_difference_that_changed_before_it_went_is_told_to_be_gone() -> None:
    statements = Statements()
    for seq, venue in enumerate(["90", "90", "80"], start=1):
        statements.compare(seq, 0, usdt(venue), usdt("100"))
    assert statements.compare(4, 0, usdt("100"), usdt("100")) == ([], ["USDT"])
    assert statements.compare(5, 0, usdt("100"), usdt("100")) == ([], [])
