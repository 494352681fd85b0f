"""Every documented refusal and what may be concluded from it."""

from __future__ import annotations

import pytest

from actors.venues.binance.codes import Meaning, Outcome, Refusal, meaning, refusal_from

CERTAIN = [-1013, -1021, -1111, *range(-1130, -1099), -2014, -2015]
UNKNOWN = [
    -1000,
    -1001,
    -1006,
    -1007,
    -1008,
    -1016,
    -1022,
    -2011,
    -2013,
    -2026,
    -2039,
    -9999,
    0,
]
CANCEL_REFUSED = [-2011, -2013, -2039]


@pytest.mark.parametrize("code", CERTAIN)
def test_a_certain_refusal_rejects_a_submit_and_a_cancel(code: int) -> None:
    assert Refusal(400, code).outcome_of_submit() == "rejected"
    assert Refusal(400, code).outcome_of_cancel() == "rejected"


@pytest.mark.parametrize("code", UNKNOWN)
def test_any_other_refusal_leaves_a_submit_unknown(code: int) -> None:
    assert Refusal(400, code).outcome_of_submit() == "unknown"
    expected = "rejected" if code in CANCEL_REFUSED else "unknown"
    assert Refusal(400, code).outcome_of_cancel() == expected


@pytest.mark.parametrize(("status", "code"), [(429, -1003), (429, -1015), (400, -1015), (418, -1003)])
def test_what_a_limit_held_back_was_not_sent_on(status: int, code: int) -> None:
    assert Refusal(status, code).outcome_of_submit() == "rejected"
    assert Refusal(status, code).outcome_of_cancel() == "unknown", "asked about, and sent again by its goal"
    assert Refusal(status).outcome_of_submit() == "unknown", "no answer of the venue's own"
    assert Refusal(503, code).outcome_of_submit() == "unknown"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Account has insufficient balance for requested action.", "rejected"),
        ("Market is closed.", "rejected"),
        ("Order would immediately match and take.", "rejected"),
        ("Duplicate order sent.", "unknown"),
    ],
)
def test_a_refused_order_is_rejected_unless_it_is_a_duplicate(text: str, outcome: Outcome) -> None:
    assert Refusal(400, -2010, text).outcome_of_submit() == outcome


@pytest.mark.parametrize("status", [500, 502, 503, 504, 200, 302])
def test_no_code_is_certain_outside_4xx(status: int) -> None:
    assert Refusal(status, -2010, "Market is closed.").outcome_of_submit() == "unknown"
    assert Refusal(status, -2011).outcome_of_cancel() == "unknown"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (-1000, Meaning.UNKNOWN),
        (-1001, Meaning.BUSY),
        (-1003, Meaning.BACK_OFF),
        (-1006, Meaning.UNKNOWN),
        (-1007, Meaning.UNKNOWN),
        (-1008, Meaning.BUSY),
        (-1013, Meaning.MALFORMED),
        (-1015, Meaning.BACK_OFF),
        (-1016, Meaning.BUSY),
        (-1021, Meaning.CLOCK),
        (-1022, Meaning.SIGNATURE),
        (-1100, Meaning.MALFORMED),
        (-1111, Meaning.MALFORMED),
        (-1121, Meaning.UNLISTED),
        (-1130, Meaning.MALFORMED),
        (-1131, Meaning.UNLISTED_CODE),
        (-2010, Meaning.REFUSED),
        (-2011, Meaning.CANCEL_REFUSED),
        (-2013, Meaning.NOT_FOUND),
        (-2014, Meaning.KEY),
        (-2015, Meaning.KEY),
        (-2021, Meaning.REPLACE_FAILED),
        (-2022, Meaning.REPLACE_FAILED),
        (-2026, Meaning.ARCHIVED),
        (-2035, Meaning.SUBSCRIBED),
        (-2036, Meaning.NOT_SUBSCRIBED),
        (-2039, Meaning.MISMATCH),
    ],
)
def test_every_documented_code_has_its_meaning(code: int, expected: Meaning) -> None:
    assert meaning(code) is expected


@pytest.mark.parametrize(
    ("status", "code", "repeatable"),
    [
        (429, -1003, True),
        (418, -1003, True),
        (500, 0, True),
        (503, -1008, True),
        (504, -1007, True),
        (400, -1021, True),
        (400, -1016, True),
        (400, -1121, False),
        (400, -2013, False),
        (401, -2015, False),
        (403, 0, False),
        (410, 0, False),
    ],
)
def test_reads_are_repeated_only_where_that_can_help(status: int, code: int, repeatable: bool) -> None:
    assert Refusal(status, code).is_repeatable is repeatable


def test_a_refusal_is_read_from_the_body_if_it_is_the_venues() -> None:
    refusal = refusal_from(400, b'{"code":-1121,"msg":"Invalid symbol.","extra":1}')
    assert (refusal.code, refusal.text) == (-1121, "Invalid symbol.")
    assert str(refusal) == "Binance answered 400 (-1121 Invalid symbol.)"
    assert refusal_from(403, b"<html>blocked</html>").code == 0
