"""A bar that a split or dividend falls into is one bar, in the prices that hold at its end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.messages.market import CorporateAction
from tests.bars.stage import BTC, SECOND, START, Stage, of_trades, trade


@pytest.mark.parametrize(
    ("action", "later", "wanted"),
    [
        ({"shares_after": Decimal(2)}, 51.0, (50.0, 52.5, 50.0, 51.0, 5.0)),
        ({"dividend": Decimal(10)}, 96.0, (90.0, 96.0, 90.0, 96.0, 3.0)),
    ],
)
def test_what_was_traded_before_is_brought_into_new_prices(
    action: dict[str, Any], later: float, wanted: tuple[float, ...]
) -> None:
    stage = Stage(of_trades())
    stage.run(trade(1, 100.0))
    stage.run(trade(2, 105.0))
    stage.run(CorporateAction(ts_event=START + 3 * SECOND, instrument=BTC, action_id="1", **action))
    stage.run(trade(4, later))
    stage.wait(61)
    (bar,) = stage.take()
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == wanted


def test_an_empty_bar_stays_empty() -> None:
    stage = Stage(of_trades())
    stage.run(CorporateAction(ts_event=START, instrument=BTC, action_id="1", shares_after=Decimal(2)))
    stage.run(trade(4, 50.0))
    stage.wait(61)
    assert [bar.open for bar in stage.take()] == [50.0]
