"""New terms that wait for the venue's word on margin."""

from __future__ import annotations

import pytest

from actors.messages.base import Message
from actors.messages.control import (
    Halt,
    Scope,
)
from actors.messages.margin import OrderHeld, QueryMargin
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    CancelRequest,
    OrderIntent,
)
from tests.risk.build import (
    D,
    Rig,
    a_fill,
    accepted,
    an_intent,
    cancelled,
    command,
    unknown,
)
from tests.risk.margin_rig import a_change, answer, checked, ended, figures

MAIN = Scope(account="main")


def resting(rig: Rig, quantity: str = "2", price: str = "99") -> OrderIntent:
    """An order of ours that has passed and rests."""
    intent = an_intent("buy", quantity, price)
    rig.only(ApprovedOrder, intent, answer(intent.terms.client_order_id, figures()))
    rig.feed(accepted(intent.terms))
    return intent


def test_only_a_replace_that_makes_an_order_larger_or_dearer_is_asked_about() -> None:
    for quantity, price, is_asked in (
        ("1", "99", False),
        ("2", "98", False),
        ("3", "99", True),
        ("2", "100", True),
    ):
        rig = checked()
        sent = rig.feed(a_change(resting(rig), quantity, price))
        assert isinstance(sent[0], OrderHeld if is_asked else ApprovedReplace)


def test_a_held_replace_asks_about_what_could_still_fill_and_counts_the_worse_terms() -> None:
    rig = checked().balance("USDT", "1000")
    intent = resting(rig)
    rig.feed(a_fill(intent.terms, "1", "1"), rig.position(D(1), intent.terms.client_order_id, D(1)))
    question = rig.only(QueryMargin, a_change(intent, "5"))
    assert question.terms.quantity == D(4)
    assert rig.risk.available("main", "USDT") == D(1000) - 4 * 99
    replaced = rig.only(ApprovedReplace, answer(question.terms.client_order_id, figures()))
    assert (replaced.client_order_id, replaced.quantity) == (intent.terms.client_order_id, D(5))


@pytest.mark.parametrize("how", ["filled", "cancelled", "unknown", "cancel asked", "refused", "halt"])
def test_a_held_replace_ends_with_its_order_and_leaves_it_as_it_is(how: str) -> None:
    rig = checked().balance("USDT", "1000")
    intent = resting(rig)
    change = a_change(intent, "5")
    rig.feed(change)
    happening: dict[str, Message] = {
        "filled": a_fill(intent.terms, "2", "0"),
        "cancelled": cancelled(intent.terms),
        "unknown": unknown(intent.terms),
        "cancel asked": CancelRequest(ts_event=0, client_order_id=intent.terms.client_order_id, reason=""),
        "refused": answer(change.new_client_order_id, figures(initial="1001")),
        "halt": command(Halt, MAIN, reason="enough"),
    }
    codes = [code for code, _ in ended(rig.feed(happening[how]))]
    expected = {
        "cancel asked": "REPLACE_WITHDRAWN", "halt": "REPLACE_WITHDRAWN", "refused": "MARGIN_INSUFFICIENT",
    }.get(how, "ORDER_NOT_OPEN")  # fmt: skip
    assert codes == [expected]
    still_open = D(0) if how == "cancelled" else D(198)
    assert rig.risk.available("main", "USDT") == D(1000) - still_open
    assert rig.feed(answer(change.new_client_order_id, figures())) == []
