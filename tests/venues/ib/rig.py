"""A broker and a feed of ours in front of the fake TWS, over a real socket, through the real library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from actors.messages.base import Message
from actors.messages.control import BrokerStarted
from actors.messages.market import Quote
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    OrderTerms,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    SpecialTerms,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from actors.venues.ib.broker import IbBroker
from actors.venues.ib.directory import Directory
from actors.venues.ib.feed import IbFeed
from actors.venues.ib.session import Session
from actors.venues.ib.settings import SessionSettings
from daemon.edges import Subscription
from daemon.exchange.faults import Fault
from daemon.exchange.ib.admin import IbAdmin
from daemon.exchange.ib.contracts import ALWAYS
from daemon.exchange.ib.server import IbServer
from daemon.exchange.ib.settings import IbSettings
from daemon.exchange.market_data.events import Top
from daemon.exchange.settings import ExchangeAccount, Synthetic

ACCOUNT = "DU1000001"
AAPL = "AAPL@ib"
D = Decimal
PATIENCE_SECONDS = 15.0
Kind = TypeVar("Kind", bound=Message)


class Told:
    """Everything the edges have offered, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def offer(self, message: Message) -> None:
        """The intake."""
        self.messages.append(message)
        self._news.set()

    def all(self, kind: type[Kind]) -> list[Kind]:
        """Of one kind."""
        return [message for message in self.messages if isinstance(message, kind)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Until it holds, looked at after every message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()


class Rig:
    """One account's broker at the fake."""

    def __init__(self, tws: IbServer, session: Session, told: Told) -> None:
        self.tws, self.session, self.told = tws, session, told
        self.directory = Directory(session, {})
        self.broker: IbBroker
        self.running: asyncio.Task[None]
        self._orders = 0

    def new_broker(self) -> IbBroker:
        """For the account that the fake has."""
        instruments = [contract.instrument for contract in self.tws.catalogue.all]
        return IbBroker(
            account="main", account_id=ACCOUNT, is_paper=True, session=self.session,
            directory=self.directory, instruments=instruments, intake=self.told, clock=time.time_ns,
        )  # fmt: skip

    def submit(
        self, side: str = "buy", quantity: str = "10", *, price: str | None = None, tif: str = "gtc",
        instrument: str = AAPL, stop_price: str | None = None,
    ) -> str:  # fmt: skip
        """Hand an order over; its id."""
        terms = self.terms(side, quantity, price=price, tif=tif, instrument=instrument, stop_price=stop_price)
        return self.send(terms)

    def terms(
        self, side: str = "buy", quantity: str = "10", *, price: str | None = None, tif: str = "gtc",
        instrument: str = AAPL, stop_price: str | None = None, **special: Any,
    ) -> OrderTerms:  # fmt: skip
        """An order that has not left yet."""
        self._orders += 1
        order_type = "stop" if stop_price and not price else "limit" if price else "market"
        if "trail" in special:
            order_type = "trailing_stop_limit" if "limit_offset" in special else "trailing_stop"
        wanted: Any = {"side": side, "order_type": order_type, "time_in_force": tif}
        return OrderTerms(
            client_order_id=f"TTEST{self._orders:011}", account="main", strategy="one", instrument=instrument,
            quantity=D(quantity), price=D(price) if price else None,
            stop_price=D(stop_price) if stop_price else None,
            special=SpecialTerms(**special) if special else None, **wanted,
        )  # fmt: skip

    def send(self, terms: OrderTerms) -> str:
        """Hand it over; its id."""
        name = terms.client_order_id
        self.broker.submit(SubmitOrder(**self._about(name, terms.instrument), terms=terms))
        return name

    async def accepted(self, name: str) -> str:
        """Until TWS has it; its own id."""

        def found() -> list[str]:
            accepted = self.told.all(AcceptReport)
            return [each.venue_order_id or "" for each in accepted if each.client_order_id == name]

        await self.told.until(found)
        return found()[0]

    def cancel(self, name: str, venue_order_id: str | None = None, instrument: str = AAPL) -> None:
        """Ask for a cancel."""
        self.broker.submit(CancelOrder(**self._about(name, instrument), venue_order_id=venue_order_id))

    def replace(
        self, name: str, quantity: str, price: str | None, venue_order_id: str, *,
        stop_price: str | None = None, trail: str | None = None,
    ) -> None:  # fmt: skip
        """Ask for new terms."""
        self.broker.submit(
            ReplaceOrder(
                **self._about(name, AAPL), venue_order_id=venue_order_id, quantity=D(quantity),
                price=D(price) if price else None, stop_price=D(stop_price) if stop_price else None,
                trail=D(trail) if trail else None,
            )
        )  # fmt: skip

    def query(self, name: str, venue_order_id: str | None = None) -> None:
        """Ask what became of an order."""
        self.broker.submit(QueryOrder(**self._about(name, AAPL), venue_order_id=venue_order_id))

    def query_account(self, seq: int = 1, fills_after: Mapping[str, str] | None = None) -> None:
        """Ask for a statement."""
        marks = dict(fills_after or {})
        self.broker.submit(
            QueryAccount(ts_event=time.time_ns(), account="main", asked_seq=seq, fills_after=marks)
        )

    def _about(self, name: str, instrument: str) -> dict[str, Any]:
        now = time.time_ns()
        return {
            "ts_event": now, "account": "main", "instrument": instrument, "client_order_id": name,
            "venue_timestamp_ms": now // 1_000_000, "receive_window_ms": 0,
        }  # fmt: skip

    def market(self, bid: str, ask: str, symbol: str = "AAPL") -> None:
        """Let resting orders of the fake meet these prices."""
        now = self.tws.clock.now_ns()
        quote = Quote(
            ts_event=now, instrument=f"{symbol}@ib", bid_price=float(bid), bid_size=1e6,
            ask_price=float(ask), ask_size=1e6,
        )  # fmt: skip
        self.tws.desk.tell(self.tws.engine.on_quote(quote, now))

    def later(self, seconds: float) -> None:
        """The fake's clock goes ahead by so much, and its desk looks at it."""
        self.tws.clock.skew_ms += round(seconds * 1_000)
        self.tws.desk.on_time(self.tws.market.symbols)

    def close_exchange(self) -> None:
        """The session ends for every order that is there."""
        for order in self.tws.desk.live():
            order.contract = msgspec.structs.replace(order.contract, hours=("0000", "0000"))
        self.tws.desk.on_time(self.tws.market.symbols)

    def trail(self, bid: str, ask: str) -> None:
        """Let stops trail these prices."""
        market = self.tws.market.symbols["AAPL"]
        market.top = Top(
            symbol="AAPL", update_id=1, bid_price=bid, bid_size="1000", ask_price=ask, ask_size="1000"
        )
        self.tws.desk.on_time(self.tws.market.symbols)
        self.market(bid, ask)

    async def restarted(self) -> None:
        """The process is gone and another one takes its place: a new session, a new broker, no memory."""
        await self.stop()
        self.session = Session("ib", self.session.settings, time.time_ns)
        self.directory = Directory(self.session, {})
        self.broker = self.new_broker()
        times = len(self.told.all(BrokerStarted))
        self.start()
        await self.started(times + 1)

    def start(self) -> None:
        """Let the broker run."""
        self.running = asyncio.create_task(self.broker.run())

    async def stop(self) -> None:
        """End it as a stopping daemon does."""
        await self.broker.close()
        self.running.cancel()
        await asyncio.wait([self.running])

    def fault(self, kind: str, **more: object) -> None:
        """Make something go wrong."""
        fault = msgspec.convert({"kind": kind, **more}, type=Fault)
        self.tws.faults.add(fault)
        IbAdmin(self.tws).happen(fault)

    async def started(self, times: int = 1) -> None:
        """Until the core has been told so often that the line is up."""
        await self.told.until(lambda: len(self.told.all(BrokerStarted)) >= times)


@asynccontextmanager
async def rig(
    *, symbols: tuple[str, ...] = ("AAPL", "ESZ6"), settings: SessionSettings | None = None,
    balances: dict[str, Decimal] | None = None, hours: tuple[str, str] = ALWAYS,
    market: Synthetic | None = None, clock: Callable[[], int] = time.time_ns,
) -> AsyncIterator[Rig]:  # fmt: skip
    """The fake and a session to it; nothing runs yet."""
    account = ExchangeAccount(
        name=ACCOUNT, key="", secret="", balances=balances or {"USD": D(1_000_000), "AAPL": D(100)}
    )
    tws_settings = IbSettings(accounts=(account,), symbols=symbols, hours=hours, market=market or Synthetic())
    async with IbServer(tws_settings) as tws:
        patient = settings or SessionSettings(
            pause_seconds=0.02, pause_cap_seconds=0.2, connect_seconds=3.0, answer_seconds=3.0
        )
        session = Session("ib", msgspec.structs.replace(patient, port=tws.port), clock)
        yield Rig(tws, session, Told())


@asynccontextmanager
async def trading(**more: Any) -> AsyncIterator[Rig]:
    """A broker that is up."""
    async with rig(**more) as rigged:
        rigged.broker = rigged.new_broker()
        rigged.start()
        try:
            await rigged.started()
            yield rigged
        finally:
            await rigged.stop()


@asynccontextmanager
async def feeding(*subscriptions: Subscription, rigged: Rig) -> AsyncIterator[IbFeed]:
    """A feed that runs."""
    feed = IbFeed(
        session=rigged.session, directory=rigged.directory, subscriptions=subscriptions,
        intake=rigged.told, clock=time.time_ns, bars_after={}, retry_seconds=0.2,
    )  # fmt: skip
    running = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        running.cancel()
        await asyncio.wait([running])


def instrument_of(rigged: Rig, symbol: str) -> Instrument:
    """As the fake lists it."""
    return rigged.tws.catalogue.by_symbol[symbol].instrument
