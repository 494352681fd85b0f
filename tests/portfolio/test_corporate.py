"""What a split does to what is wanted: the same shares, in new ones, and no trade."""

from __future__ import annotations

from typing import Any

from actors.messages.market import CorporateAction
from actors.messages.orders import OrderReplaced
from tests.portfolio.build import BTC, D, Rig, a_quote, a_signal


def a_split(**changes: Any) -> CorporateAction:
    return CorporateAction(ts_event=0, instrument=BTC, action_id="x", **({"shares_after": D(4)} | changes))


def test_the_same_signal_after_a_split_trades_nothing() -> None:
    rig = Rig("fixed_notional", "1000")
    rig.fill(rig.asked(a_signal()))
    rig.feed(a_split())
    rig.feed(rig.booking(D(30), "split:x", D(0)))
    rig.feed(a_quote(25.0))
    assert rig.wish(a_signal()) == ""
    assert rig.wish(a_signal("flat")) == "sell 40"


def test_a_dividend_changes_nothing_of_what_is_wanted() -> None:
    rig = Rig("fixed_notional", "1000")
    rig.fill(rig.asked(a_signal()))
    rig.feed(a_split(shares_after=D(1), dividend=D(5)))
    assert rig.wish(a_signal()) == ""


def test_an_order_that_the_venue_adjusted_counts_with_its_new_quantity() -> None:
    rig = Rig("fixed_notional", "1000")
    terms = rig.asked(a_signal())
    rig.feed(a_split())
    rig.feed(
        OrderReplaced(
            ts_event=0,
            client_order_id=terms.client_order_id,
            account="main",
            strategy="s",
            instrument=BTC,
            quantity=D(40),
            price=None,
            stop_price=None,
        )
    )
    assert rig.wish(a_signal()) == ""
