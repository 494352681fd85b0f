"""Charges stand among the transfers, margin calls among the alerts."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.clearing import MarginCalled, PositionCharged
from actors.messages.control import TimeReached
from actors.store.projections import Projector
from tests.store.trading import T0


def test_a_charge_is_a_transfer_and_a_margin_call_an_alert() -> None:
    charge = PositionCharged(
        ts_event=T0,
        account="main",
        instrument="ACME@ib",
        kind="borrow",
        asset="USD",
        amount=Decimal("-1.5"),
        quantity=Decimal(-100),
        charge_id="20000",
    )
    call = MarginCalled(
        ts_event=T0,
        account="main",
        currency="USD",
        equity=Decimal(10),
        requirement=Decimal(12),
        deadline=T0,
    )
    transfer, alert = Projector().rows(7, T0, TimeReached(ts_event=T0), (charge, call))
    assert (transfer.statement, transfer.values) == (
        "transfer",
        ("main", "borrow:ACME@ib:20000", "USD", "-1.5", "borrow", T0, 7),
    )
    assert alert.statement == "alert"
    assert alert.values[:5] == (
        7, 2, "critical", "margin_call", "main",
    )  # fmt: skip
    assert alert.values[5] == "equity 10 USD is below the 12 that its positions require"
