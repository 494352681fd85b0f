"""A running exchange and a client of it, over real sockets on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from daemon.exchange.server import ExchangeServer
from daemon.exchange.settings import PROFILES, ExchangeSettings, Synthetic
from tests.exchange.client import Client


@pytest.fixture
def exchange_settings() -> ExchangeSettings:
    return ExchangeSettings(
        market=Synthetic(seed=1, rate=200.0), profile=PROFILES["fast"], history_hours=20.0
    )


@pytest.fixture
async def exchange(exchange_settings: ExchangeSettings) -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(exchange_settings) as server:
        yield server


@pytest.fixture
async def client(exchange: ExchangeServer) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session, Client(exchange, session) as opened:
        yield opened
