"""A broker with its local venue, and commands for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Protocol

from actors.messages.control import BrokerStarted, BrokerStopped
from actors.messages.orders import (
    CancelOrder,
    OrderTerms,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
)
from actors.venues.binance.broker import BinanceBroker
from actors.venues.binance.session import SessionSettings
from tests.fakes.binance_server import API_KEY, SECRET
from tests.venues.binance.recorder import Recorder

BTC = "BTCUSDT@binance"
ID = "T0000AAAA0000001"
QUICK = SessionSettings(pause_seconds=0.01, pause_cap_seconds=0.02, timeout_seconds=2.0)
PLACE, CANCEL = "order.place", "order.cancel"


class VenueAt(Protocol):
    """Where a venue listens."""

    rest_url: str
    trading_url: str


@contextlib.asynccontextmanager
async def a_broker(
    server: VenueAt,
    *,
    settings: SessionSettings = QUICK,
    started: bool = True,
    key: str = API_KEY,
    secret: str = SECRET,
) -> AsyncIterator[tuple[BinanceBroker, Recorder]]:
    intake = Recorder()
    broker = BinanceBroker(
        account="main",
        rest_url=server.rest_url,
        trading_url=server.trading_url,
        api_key=key,
        api_secret=secret,
        instruments=[],
        intake=intake,
        clock=time.time_ns,
        settings=settings,
    )
    task = asyncio.create_task(broker.run())
    try:
        await intake.first(BrokerStarted if started else BrokerStopped)
        yield broker, intake
    finally:
        task.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        finally:
            await broker.close()


def a_submit(number: int = 1, *, age_ms: int = 0, **changes: Any) -> SubmitOrder:
    client_id = f"T0000AAAA{number:07}"
    terms: dict[str, Any] = {
        "client_order_id": client_id,
        "account": "main",
        "strategy": "s",
        "instrument": BTC,
        "side": "buy",
        "order_type": "limit",
        "quantity": Decimal("0.01"),
        "price": Decimal("60000"),
        **changes,
    }
    return SubmitOrder(**_about(client_id, age_ms), terms=OrderTerms(**terms))


def a_cancel(venue_order_id: str | None, client_id: str = ID) -> CancelOrder:
    return CancelOrder(**_about(client_id), venue_order_id=venue_order_id)


def a_query(venue_order_id: str | None = None, client_id: str = ID) -> QueryOrder:
    return QueryOrder(**_about(client_id), venue_order_id=venue_order_id)


def a_question(**after: str) -> QueryAccount:
    marks = {f"{symbol}@binance": mark for symbol, mark in after.items()}
    return QueryAccount(ts_event=0, account="main", asked_seq=77, fills_after=marks)


def _about(client_id: str, age_ms: int = 0) -> dict[str, Any]:
    return {
        "ts_event": 0,
        "account": "main",
        "instrument": BTC,
        "client_order_id": client_id,
        "venue_timestamp_ms": time.time_ns() // 1_000_000 - age_ms,
        "receive_window_ms": 5_000,
    }
