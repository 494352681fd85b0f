"""The budget of messages: questions never take what orders need."""

from __future__ import annotations

import asyncio

import pytest

from actors.venues.ib.budget import KEPT_FOR_ORDERS, PER_SECOND, MessageBudget
from actors.venues.ib.reading import StatementReader
from tests.venues.ib.rig import ACCOUNT, trading


async def test_questions_leave_room_for_orders() -> None:
    budget = MessageBudget()
    for _ in range(PER_SECOND - KEPT_FOR_ORDERS):
        await budget.wait()
    one_more = asyncio.create_task(budget.wait())
    await asyncio.sleep(0)
    assert not one_more.done()
    assert [budget.pause_for_order() for _ in range(15)] == [0.0] * 15
    assert budget.pause_for_order() > 0
    one_more.cancel()


@pytest.mark.slow
async def test_a_question_for_a_list_counts_as_a_message() -> None:
    async with trading() as rigged:
        await asyncio.sleep(1.2)  # the line is long at rest, but for a heartbeat
        left = rigged.session.budget.left()
        await StatementReader(rigged.session, lambda: ACCOUNT).positions()
        assert rigged.session.budget.left() == left - 1
