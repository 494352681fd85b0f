"""The market on the other side of a split or dividend: newest prices, history, and the board."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.core.actor import CoreActor
from actors.core.adjust import adjusted, adjusted_history
from actors.core.sequencer import Sequencer
from actors.messages.market import Bar, CorporateAction, Quote, Trade
from actors.model.ids import ClientOrderIds

X = "ACME@sim"
D = Decimal


def an_action(**changes: Any) -> CorporateAction:
    return CorporateAction(ts_event=5, instrument=X, action_id="1", **changes)


def a_bar(close: float, volume: float = 10.0) -> Bar:
    return Bar(
        ts_event=1, instrument=X, interval_ns=1, open=close, high=close + 2, low=close - 2, close=close,
        volume=volume,
    )  # fmt: skip


def test_a_split_divides_prices_and_multiplies_sizes() -> None:
    quote = Quote(ts_event=1, instrument=X, bid_price=90.0, bid_size=2.0, ask_price=92.0, ask_size=4.0)
    after = adjusted(quote, an_action(shares_after=D(2)))
    assert (after.bid_price, after.bid_size, after.ask_price, after.ask_size) == (45.0, 4.0, 46.0, 8.0)
    trade = Trade(ts_event=1, instrument=X, trade_id="1", price=90.0, size=3.0, aggressor="buy")
    after_trade = adjusted(trade, an_action(shares_before=D(3)))
    assert (after_trade.price, after_trade.size) == (270.0, 1.0)


def test_a_dividend_is_taken_off_newest_prices_and_history_keeps_its_returns() -> None:
    action = an_action(dividend=D(10))
    assert adjusted(a_bar(100.0), action).close == 90.0
    first, last = (adjusted_history(bar, action, 100.0) for bar in (a_bar(50.0), a_bar(100.0)))
    assert (first.close, last.close, last.volume) == (45.0, 90.0, 10.0)
    assert last.close / first.close == 2.0


class Watcher(CoreActor):
    """Notes the mark that it sees when it hears of an action."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[float | None] = []

    def on_corporate_action(self, action: CorporateAction) -> None:
        self.seen.append(self.market.mark_price(action.instrument))

    def snapshot(self) -> None:
        return None


@pytest.mark.parametrize("action", [an_action(shares_after=D(4)), an_action(dividend=D(75))])
def test_everybody_who_hears_of_an_action_sees_the_new_mark_the_venue_too(action: CorporateAction) -> None:
    venue, actor = Watcher("venue"), Watcher("actor")
    sequencer = Sequencer(venues=[venue], actors=[actor], ids=ClientOrderIds(store_id="TEST", epoch=1))
    sequencer.run(a_bar(100.0), 1)
    sequencer.run(action, 5)
    assert venue.seen == actor.seen == [25.0]
    assert [type(m).__name__ for m in sequencer.market.snapshot().latest] == ["Bar"]
