"""Questions that come together: none orphans another, and none takes what another was told."""

from __future__ import annotations

import asyncio

import pytest

from actors.messages.account import AccountEvidence
from actors.messages.orders import AcceptReport, StatusReport
from actors.venues.ib.reading import StatementReader
from tests.venues.ib.rig import ACCOUNT, trading

pytestmark = pytest.mark.slow


async def test_questions_that_come_together_are_all_answered() -> None:
    async with trading() as rigged:
        resting = [rigged.submit(price="100", quantity="1") for _ in range(3)]
        await rigged.told.until(lambda: len(rigged.told.all(AcceptReport)) == 3)
        for number in range(3):
            rigged.query(resting[number])
            rigged.query(f"TTEST9999999{number}")
        rigged.query_account()
        await rigged.told.until(
            lambda: len(rigged.told.all(StatusReport)) == 6 and rigged.told.all(AccountEvidence)
        )
        found = {report.client_order_id: report.status for report in rigged.told.all(StatusReport)}
        assert [found[name] for name in resting] == ["accepted"] * 3
        assert sum(status == "not_found" for status in found.values()) == 3
        (evidence,) = rigged.told.all(AccountEvidence)
        assert evidence.orders is not None
        assert len(evidence.orders.orders) == 3


async def test_accounts_that_ask_for_the_same_list_together_are_both_answered() -> None:
    async with trading() as rigged:
        readers = [StatementReader(rigged.session, lambda: ACCOUNT) for _ in range(2)]
        users = [ListeningReader(reader) for reader in readers]
        for user in users:
            rigged.session.join(user)
        asked = [reader.positions() for reader in (*readers, *readers)]
        assert [len(positions) for positions in await asyncio.gather(*asked)] == [1, 1, 1, 1]


class ListeningReader:
    """Another account's broker, as far as it reads."""

    def __init__(self, reader: StatementReader) -> None:
        self.on_claim = reader.take

    def on_up(self) -> None: ...

    def on_down(self, reason: str) -> None: ...
