"""The fake TWS as one object: builds the market, the desk and the sessions, and serves both ports."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Self

from aiohttp import web

from actors.messages.market import Quote, Trade
from actors.venues.simulated.charges import Charge
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.exchange.clock import NS_PER_MS, VenueClock
from daemon.exchange.faults import FaultBook
from daemon.exchange.ib.account_replies import AccountReplies
from daemon.exchange.ib.admin import IbAdmin
from daemon.exchange.ib.contracts import catalogue, ib_time
from daemon.exchange.ib.desk import OrderDesk
from daemon.exchange.ib.faults import KINDS
from daemon.exchange.ib.holdings import Holdings
from daemon.exchange.ib.line import Line
from daemon.exchange.ib.quotes import QuoteBoard
from daemon.exchange.ib.records import IbRecords
from daemon.exchange.ib.sessions import Sessions
from daemon.exchange.ib.settings import IbSettings
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, PublicTrade, Top
from daemon.exchange.market_data.market import Market, SymbolMarket
from daemon.exchange.synthetic import SyntheticSource
from daemon.exchange.truth import TruthLog

CLOSE_SECONDS = 2.0
COMMISSION = Charge(name="commission", base="quantity", rate=Decimal("0.005"), least=Decimal(1), per="order")
"""A cent for two shares or contracts, a dollar at least."""
FIRST_MS = 1_735_689_600_000
"""2025: ids count on from the milliseconds since, so that no later fake gives one a second time."""


class IbServer:
    """`async with IbServer(settings) as tws:` serves until the block ends."""

    def __init__(self, settings: IbSettings) -> None:
        self.settings = settings
        self.clock = clock = VenueClock()
        self.truth = TruthLog(settings.truth, clock.now_ms)
        self.catalogue = catalogue(settings.symbols, datetime.now(UTC), hours=settings.hours)
        names = tuple(account.name for account in settings.accounts)
        self.faults = FaultBook(KINDS, symbols=tuple(self.catalogue.by_symbol), accounts=names)
        listings = [contract.listing for contract in self.catalogue.all]
        self.market = Market(listings, SyntheticSource(listings, settings.market), clock)
        self.engine = self._new_engine()
        self.records = IbRecords(self.truth)
        self.holdings = Holdings(self.catalogue)
        self.quotes = quotes = QuoteBoard(clock)
        self.sessions = Sessions(
            accounts=names, catalogue=self.catalogue, engine=self.engine, markets=self.market.symbols,
            clock=clock, faults=self.faults, truth=self.truth, quotes=quotes,
        )  # fmt: skip
        self.desk = OrderDesk(
            engine=self.engine, catalogue=self.catalogue, holdings=self.holdings, records=self.records,
            clock=clock, listener=self.sessions, accounts=names, first_id=clock.now_ms() - FIRST_MS,
        )  # fmt: skip
        self.sessions.desk = self.desk
        self.sessions.replies = AccountReplies(
            accounts=names, desk=self.desk, holdings=self.holdings, engine=self.engine,
            markets=self.market.symbols, clock=clock,
        )  # fmt: skip
        self.market.listen(_Matching(self))
        self.market.listen(quotes)
        for account in settings.accounts:
            self.records.opened(account.name, account.balances)
            for symbol, quantity in account.balances.items():
                if symbol in self.catalogue.by_symbol:
                    self.holdings.open(account.name, self.catalogue.by_symbol[symbol], quantity)
        self._closed_until = 0.0
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._pump: asyncio.Task[None] | None = None
        self.port = self.admin_port = 0

    def _new_engine(self) -> MatchingEngine:
        engine = MatchingEngine(
            accounts={
                account.name: SimulatedVenueSettings(
                    charges=(COMMISSION,),
                    account_type="margin",
                    opening_balances=account.balances,
                )
                for account in self.settings.accounts
            },
            instruments={c.instrument.id: c.instrument for c in self.catalogue.all},
        )
        engine.begin_ids(self.clock.now_ms() - FIRST_MS)
        return engine

    async def __aenter__(self) -> Self:
        settings = self.settings
        self.market.open(
            speed=settings.speed, history_hours=settings.history_hours, seed=str(settings.market.seed),
            volatility=settings.market.volatility,
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_line, settings.host, settings.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._runner = web.AppRunner(
            IbAdmin(self).application(), access_log=None, shutdown_timeout=CLOSE_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.host, settings.admin_port).start()
        self.admin_port = int(self._runner.addresses[0][1])
        self._pump = asyncio.create_task(self.market.run(), name="exchange market")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        self.cut_all()
        if self._runner is not None:
            await self._runner.cleanup()
        self.truth.close()

    async def wait(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; a market that fails ends it with its error."""
        assert self._pump is not None
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopping, self._pump), return_when=asyncio.FIRST_COMPLETED)
            if self._pump.done() and not self._pump.cancelled():
                self._pump.result()
        finally:
            stopping.cancel()

    def cut_all(self) -> None:
        """Every line, without a word."""
        for line in list(self.sessions.all_lines):
            line.abort()

    def close_for(self, seconds: float) -> None:
        """Take no line for so long."""
        self._closed_until = asyncio.get_running_loop().time() + seconds

    def _new_line(self) -> Line:
        line = Line(
            faults=self.faults,
            on_frame=self.sessions.on_frame,
            on_end=self.sessions.on_end,
            connected_at=f"{ib_time(self.clock.now_ns())} UTC",
            is_refused=asyncio.get_running_loop().time() < self._closed_until,
        )
        self.sessions.all_lines.append(line)
        return line


class _Matching:
    """Shows the engine the market before any client sees it."""

    def __init__(self, server: IbServer) -> None:
        self._engine, self._clock = server.engine, server.clock
        self._desk, self._markets = server.desk, server.market.symbols

    def on_top(self, market: SymbolMarket, top: Top) -> None:
        """Best bid or ask have changed."""
        now = self._clock.now_ns()
        quote = Quote(
            ts_event=now,
            instrument=market.listing.instrument.id,
            bid_price=float(top.bid_price),
            bid_size=float(top.bid_size),
            ask_price=float(top.ask_price),
            ask_size=float(top.ask_size),
        )
        self._desk.tell(self._engine.on_quote(quote, now))

    def on_trade(self, market: SymbolMarket, trade: PublicTrade) -> None:
        """Others have traded."""
        shown = Trade(
            ts_event=trade.trade_ms * NS_PER_MS,
            instrument=market.listing.instrument.id,
            trade_id=str(trade.trade_id),
            price=float(trade.price),
            size=float(trade.size),
            aggressor="sell" if trade.buyer_is_maker else "buy",
        )
        self._desk.tell(self._engine.on_trade(shown, self._clock.now_ns()))

    def on_depth(self, market: SymbolMarket, change: DepthChange) -> None:
        """The engine matches against the best prices."""

    def on_snapshot(self, market: SymbolMarket, snapshot: DepthSnapshot) -> None:
        """The engine matches against the best prices."""

    def on_pause(self, now_ms: int) -> None:
        """Times in force, sessions, parents, trails."""
        self._desk.on_time(self._markets)
