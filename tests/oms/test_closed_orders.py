"""Closed orders leave core state with the statements that pass them, however many an interval has."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from actors.messages.orders import QueryAccount, SubmitOrder
from actors.oms.desk import CLOSED_MAX
from actors.risk.limits import RiskLimits
from tests.startup_rig import BUYER, Life, a_config, mine


@pytest.mark.slow
def test_many_closed_orders_ask_for_a_statement_before_its_time(tmp_path: Path) -> None:
    config = a_config(
        tmp_path / "state", mine=mine(tmp_path, BUYER.replace("every: int = 3", "every: int = 1"))
    )
    accounts = {
        name: msgspec.structs.replace(account, limits=RiskLimits(order_rate_max=1_000_000))
        for name, account in config.accounts.items()
    }
    life = Life(msgspec.structs.replace(config, accounts=accounts))
    life.connect()
    life.sent.clear()
    for _ in range(3 * CLOSED_MAX):
        life.quotes(1)
        life.cancelled(life.of(SubmitOrder)[-1].client_order_id)
        for question in life.of(QueryAccount):
            life.sent.clear()
            life.feed(life.evidence(question.account, question.asked_seq, "0"))
    kept = [order for order in life.core.oms.orders() if order.is_closed]
    assert 0 < len(kept) <= 2 * CLOSED_MAX
    life.crash()
