"""Times of executions, wherever the host thinks it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from actors.messages.orders import FillReport
from tests.venues.ib.rig import trading


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
async def test_times_are_utc_whatever_the_host_thinks() -> None:
    async with trading() as rigged:
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        age = rigged.tws.clock.now_ns() - rigged.told.all(FillReport)[0].ts_event
        assert 0 <= age < 10_000_000_000
