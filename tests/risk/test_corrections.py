"""What a correction of an execution changes of what risk counts."""

from __future__ import annotations

import msgspec

from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import OrderFilled
from actors.risk.limits import StrategyLimits
from tests.risk.build import BTC, D
from tests.risk.test_losses import S, a_balance, a_purchase, opened, tripped


def test_a_fee_that_comes_late_is_a_loss_of_its_strategy_too() -> None:
    rig = opened(own=StrategyLimits(daily_loss_max=D(5)))
    bought = a_purchase(rig, "1", "100")
    assert tripped(rig, *bought) == []
    fill = bought[0]
    assert isinstance(fill, OrderFilled)
    before = FillFigures(quantity=D(1), price=D(100), fee=D(0), fee_currency="USDT")
    late = FillCorrected(
        ts_event=0, client_order_id=fill.client_order_id, account="main", strategy="s", instrument=BTC,
        venue_order_id="v", trade_id="t", revision=2, side="buy", before=before,
        after=msgspec.structs.replace(before, fee=D("5.01")), fee_known=True, liquidity="taker",
        mid_price=None, ts_filled=0, filled_quantity=D(1),
    )  # fmt: skip
    booked = msgspec.structs.replace(bought[-1], filled_quantity=D(0))
    usdt = rig.risk._gate.exposure.holdings.balance("main", "USDT") - D("5.01")
    assert tripped(rig, late, a_balance("USDT", str(usdt)), booked) == [(str(S), "paused")]
