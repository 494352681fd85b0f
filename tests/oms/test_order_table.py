"""Every situation of an order × every kind of report: what becomes of it and what is sent, written out.

`report | next state | messages sent`; a state followed by ? means that the venue is being asked.
"""

from __future__ import annotations

import pytest

from actors.oms.order import ACTIONS, STATES, kind_of
from tests.oms.table_cases import REPORTS, SITUATIONS, prepared, row_of
from tests.oms.table_closed import CLOSED

TABLE = {
    "pending_submit": """
        accept | accepted | OrderAccepted
        fill | partially_filled | OrderAccepted OrderFilled
        fill of all | filled | OrderAccepted OrderFilled
        fill again | partially_filled | OrderAccepted OrderFilled
        cancel | cancelled | OrderAccepted OrderCancelled
        cancel, more filled | closing? | OrderAccepted
        expiry | expired | OrderAccepted OrderExpired
        expiry, more filled | closing? | OrderAccepted
        replace | pending_submit |
        adjust | pending_submit | OrderReplaced
        reject submit | rejected | OrderRejected
        reject duplicate | unknown? | OrderOutcomeUnknown
        reject cancel | pending_submit |
        reject replace | pending_submit |
        status live | accepted | OrderAccepted
        status live, more filled | accepted? | OrderAccepted
        status cancelled | cancelled | OrderAccepted OrderCancelled
        status filled | closing? | OrderAccepted
        status expired | expired | OrderAccepted OrderExpired
        status rejected | rejected | OrderRejected
        status not found | pending_submit |
        unsure submit | unknown? | OrderOutcomeUnknown
        unsure cancel | pending_submit |
        unsure replace | pending_submit |
        unsent submit | rejected | OrderRejected
        unsent cancel | pending_submit |
        unsent replace | pending_submit |
    """,
    "accepted": """
        accept | accepted |
        fill | partially_filled | OrderFilled
        fill of all | filled | OrderFilled
        fill again | partially_filled | OrderFilled
        cancel | cancelled | OrderCancelled
        cancel, more filled | closing? |
        expiry | expired | OrderExpired
        expiry, more filled | closing? |
        replace | accepted | QueryAccount
        adjust | accepted | OrderReplaced
        reject submit | rejected | OrderRejected
        reject duplicate | accepted |
        reject cancel | accepted |
        reject replace | accepted |
        status live | accepted |
        status live, more filled | accepted? |
        status cancelled | cancelled | OrderCancelled
        status filled | closing? |
        status expired | expired | OrderExpired
        status rejected | rejected | OrderRejected
        status not found | unknown? | OrderOutcomeUnknown
        unsure submit | accepted |
        unsure cancel | accepted |
        unsure replace | accepted |
        unsent submit | accepted |
        unsent cancel | accepted |
        unsent replace | accepted |
    """,
    "partially_filled": """
        accept | partially_filled |
        fill | partially_filled | OrderFilled
        fill of all | filled | OrderFilled
        fill again | partially_filled |
        cancel | cancelled | OrderCancelled
        cancel, more filled | closing? |
        expiry | expired | OrderExpired
        expiry, more filled | closing? |
        replace | partially_filled | QueryAccount
        adjust | partially_filled | OrderReplaced
        reject submit | partially_filled? |
        reject duplicate | partially_filled |
        reject cancel | partially_filled |
        reject replace | partially_filled |
        status live | partially_filled |
        status live, more filled | partially_filled? |
        status cancelled | cancelled | OrderCancelled
        status filled | closing? |
        status expired | expired | OrderExpired
        status rejected | partially_filled? |
        status not found | unknown? | OrderOutcomeUnknown
        unsure submit | partially_filled |
        unsure cancel | partially_filled |
        unsure replace | partially_filled |
        unsent submit | partially_filled |
        unsent cancel | partially_filled |
        unsent replace | partially_filled |
    """,
    "pending_cancel": """
        accept | pending_cancel |
        fill | pending_cancel | OrderFilled
        fill of all | filled | OrderFilled
        fill again | pending_cancel | OrderFilled
        cancel | cancelled | OrderCancelled
        cancel, more filled | closing? |
        expiry | expired | OrderExpired
        expiry, more filled | closing? |
        replace | pending_cancel |
        adjust | pending_cancel | OrderReplaced
        reject submit | rejected | OrderRejected
        reject duplicate | pending_cancel |
        reject cancel | accepted? | CommandRefused
        reject replace | pending_cancel |
        status live | pending_cancel |
        status live, more filled | pending_cancel? |
        status cancelled | cancelled | OrderCancelled
        status filled | closing? |
        status expired | expired | OrderExpired
        status rejected | rejected | OrderRejected
        status not found | unknown? | OrderOutcomeUnknown
        unsure submit | pending_cancel |
        unsure cancel | pending_cancel? |
        unsure replace | pending_cancel |
        unsent submit | pending_cancel |
        unsent cancel | accepted | CommandRefused
        unsent replace | pending_cancel |
    """,
    "pending_replace": """
        accept | pending_replace |
        fill | pending_replace | OrderFilled
        fill of all | filled | OrderFilled CommandRefused
        fill again | pending_replace | OrderFilled
        cancel | cancelled | OrderCancelled CommandRefused
        cancel, more filled | closing? |
        expiry | expired | OrderExpired CommandRefused
        expiry, more filled | closing? |
        replace | accepted | OrderReplaced
        adjust | pending_replace | OrderReplaced
        reject submit | rejected | OrderRejected CommandRefused
        reject duplicate | pending_replace |
        reject cancel | pending_replace |
        reject replace | accepted? | CommandRefused
        status live | pending_replace |
        status live, more filled | pending_replace? |
        status cancelled | cancelled | OrderCancelled CommandRefused
        status filled | closing? |
        status expired | expired | OrderExpired CommandRefused
        status rejected | rejected | OrderRejected CommandRefused
        status not found | unknown? | OrderOutcomeUnknown
        unsure submit | pending_replace |
        unsure cancel | pending_replace |
        unsure replace | unknown? | OrderOutcomeUnknown
        unsent submit | pending_replace |
        unsent cancel | pending_replace |
        unsent replace | accepted | CommandRefused
    """,
    "unknown": """
        accept | accepted | OrderAccepted
        fill | partially_filled | OrderAccepted OrderFilled
        fill of all | filled | OrderAccepted OrderFilled
        fill again | partially_filled | OrderAccepted OrderFilled
        cancel | cancelled | OrderAccepted OrderCancelled
        cancel, more filled | closing? | OrderAccepted
        expiry | expired | OrderAccepted OrderExpired
        expiry, more filled | closing? | OrderAccepted
        replace | unknown? | QueryAccount
        adjust | unknown? | OrderReplaced
        reject submit | rejected | OrderRejected
        reject duplicate | unknown? |
        reject cancel | unknown? |
        reject replace | unknown? |
        status live | accepted | OrderAccepted
        status live, more filled | accepted? | OrderAccepted
        status cancelled | cancelled | OrderAccepted OrderCancelled
        status filled | closing? | OrderAccepted
        status expired | expired | OrderAccepted OrderExpired
        status rejected | rejected | OrderRejected
        status not found | unknown? |
        unsure submit | unknown? |
        unsure cancel | unknown? |
        unsure replace | unknown? |
        unsent submit | rejected | OrderRejected
        unsent cancel | unknown? |
        unsent replace | unknown? |
    """,
    "unknown after a replace": """
        accept | unknown? |
        fill | unknown? | OrderFilled
        fill of all | filled | OrderFilled CommandRefused
        fill again | unknown? | OrderFilled
        cancel | cancelled | OrderCancelled CommandRefused
        cancel, more filled | closing? |
        expiry | expired | OrderExpired CommandRefused
        expiry, more filled | closing? |
        replace | accepted | OrderReplaced
        adjust | unknown? | OrderReplaced
        reject submit | rejected | OrderRejected CommandRefused
        reject duplicate | unknown? |
        reject cancel | unknown? |
        reject replace | accepted? | CommandRefused
        status live | unknown? | QueryAccount
        status live, more filled | unknown? | QueryAccount
        status cancelled | cancelled | OrderCancelled CommandRefused
        status filled | closing? |
        status expired | expired | OrderExpired CommandRefused
        status rejected | rejected | OrderRejected CommandRefused
        status not found | unknown? |
        unsure submit | unknown? |
        unsure cancel | unknown? |
        unsure replace | unknown? |
        unsent submit | unknown? |
        unsent cancel | unknown? |
        unsent replace | accepted | CommandRefused
    """,
    "unknown after it vanished": """
        accept | unknown? |
        fill | unknown? | OrderFilled
        fill of all | filled | OrderFilled
        fill again | unknown? | OrderFilled
        cancel | cancelled | OrderCancelled
        cancel, more filled | closing? |
        expiry | expired | OrderExpired
        expiry, more filled | closing? |
        replace | unknown? | QueryAccount
        adjust | unknown? | OrderReplaced
        reject submit | rejected | OrderRejected
        reject duplicate | unknown? |
        reject cancel | unknown? |
        reject replace | unknown? |
        status live | accepted | OrderAccepted
        status live, more filled | accepted? | OrderAccepted
        status cancelled | cancelled | OrderCancelled
        status filled | closing? |
        status expired | expired | OrderExpired
        status rejected | rejected | OrderRejected
        status not found | unknown? |
        unsure submit | unknown? |
        unsure cancel | unknown? |
        unsure replace | unknown? |
        unsent submit | unknown? |
        unsent cancel | unknown? |
        unsent replace | unknown? |
    """,
    "closing": """
        accept | closing? |
        fill | cancelled | OrderFilled OrderCancelled
        fill of all | filled | OrderFilled
        fill again | closing? | OrderFilled
        cancel | closing? |
        cancel, more filled | closing? |
        expiry | closing? |
        expiry, more filled | closing? |
        replace | closing? |
        adjust | closing? | OrderReplaced
        reject submit | closing? |
        reject duplicate | closing? |
        reject cancel | closing? |
        reject replace | closing? |
        status live | closing? |
        status live, more filled | closing? |
        status cancelled | closing? |
        status filled | closing? |
        status expired | closing? |
        status rejected | closing? |
        status not found | closing? |
        unsure submit | closing? |
        unsure cancel | closing? |
        unsure replace | closing? |
        unsent submit | closing? |
        unsent cancel | closing? |
        unsent replace | closing? |
    """,
} | CLOSED
ROWS = {situation: [line.strip() for line in rows.strip().splitlines()] for situation, rows in TABLE.items()}


@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_each_report_does_what_the_table_says(situation: str) -> None:
    assert [row_of(situation, report) for report in REPORTS] == ROWS[situation]


def test_no_pair_of_state_and_report_is_missing_from_the_table() -> None:
    assert {situation.partition(" ")[0] for situation in SITUATIONS} == set(STATES)
    assert {kind_of(make("0")) for make in REPORTS.values()} == set(ACTIONS)
    assert all(set(row) == set(STATES) for row in ACTIONS.values())


@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_each_situation_is_the_state_it_is_named_after(situation: str) -> None:
    assert prepared(situation).state() == situation.partition(" ")[0]
