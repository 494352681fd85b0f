"""The exchange as one object: builds the venue and its market, and serves both ports."""

from __future__ import annotations

import asyncio
from typing import Self

from aiohttp import web

from daemon.exchange.admin import Admin
from daemon.exchange.binance.faults import KINDS
from daemon.exchange.binance.limits import Limits
from daemon.exchange.binance.protocol import BinanceProtocol
from daemon.exchange.binance.services import Services, keys_of
from daemon.exchange.clock import VenueClock
from daemon.exchange.faults import FaultBook
from daemon.exchange.market_data.market import Market, Source
from daemon.exchange.recorded import RecordedSource
from daemon.exchange.settings import ExchangeSettings, Recorded
from daemon.exchange.symbols import listing
from daemon.exchange.synthetic import SyntheticSource
from daemon.exchange.truth import TruthLog
from daemon.exchange.venue import Venue

CLOSE_SECONDS = 2.0
DEFAULT_VOLATILITY = 0.0001


class ExchangeServer:
    """`async with ExchangeServer(settings) as exchange:` serves until the block ends."""

    def __init__(self, settings: ExchangeSettings) -> None:
        self.settings = settings
        clock = VenueClock()
        market_settings = settings.market
        source: Source
        if isinstance(market_settings, Recorded):
            source = RecordedSource(market_settings)
            listings = [listing(symbol) for symbol in source.symbols]
            self._seed, self._volatility = "recorded", DEFAULT_VOLATILITY
        else:
            listings = [listing(symbol) for symbol in settings.symbols]
            source = SyntheticSource(listings, market_settings)
            self._seed, self._volatility = str(market_settings.seed), market_settings.volatility
        faults = FaultBook(
            KINDS,
            symbols=tuple(each.instrument.symbol for each in listings),
            accounts=tuple(account.name for account in settings.accounts),
        )
        keys = keys_of(settings)
        truth = TruthLog(settings.truth, clock.now_ms)
        market = Market(listings, source, clock)
        venue = Venue(
            accounts=settings.accounts,
            listings=listings,
            fees=(settings.maker_fee, settings.taker_fee),
            clock=clock,
            truth=truth,
            faults=faults,
        )
        market.listen(venue)
        self.services = Services(
            settings=settings,
            clock=clock,
            market=market,
            venue=venue,
            faults=faults,
            truth=truth,
            limits=Limits(settings.profile),
            keys=keys,
        )
        self._protocol = BinanceProtocol(self.services)
        self._admin = Admin(self.services, self._protocol)
        self._runners: list[web.AppRunner] = []
        self._pump: asyncio.Task[None] | None = None
        self.port = 0
        self.admin_port = 0

    async def __aenter__(self) -> Self:
        settings = self.settings
        self.services.market.open(
            speed=settings.speed,
            history_hours=settings.history_hours,
            seed=self._seed,
            volatility=self._volatility,
        )
        self.port = await self._listen(self._protocol.application(), settings.port)
        self.admin_port = await self._listen(self._admin.application(), settings.admin_port)
        self._pump = asyncio.create_task(self.services.market.run(), name="exchange market")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._protocol.close()
        for runner in self._runners:
            await runner.cleanup()
        self.services.truth.close()

    async def wait(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; a market that fails ends the exchange with its error."""
        assert self._pump is not None
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopping, self._pump), return_when=asyncio.FIRST_COMPLETED)
            if self._pump.done() and not self._pump.cancelled():
                self._pump.result()
        finally:
            stopping.cancel()

    async def _listen(self, app: web.Application, port: int) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, self.settings.host, port).start()
        return int(runner.addresses[0][1])
