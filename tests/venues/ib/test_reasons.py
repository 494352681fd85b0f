"""Whatever keeps us from trading is said in one sentence that names the next step."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from actors.errors import ConfigError, VenueUnreachable
from actors.messages.orders import RejectReport
from actors.venues.ib.contracts import ContractSpec
from actors.venues.ib.directory import Directory
from actors.venues.ib.library import load_library
from actors.venues.ib.reasons import check_account
from actors.venues.ib.session import Session
from actors.venues.ib.settings import SessionSettings
from daemon.exchange.ib.sessions import Switches
from tests.e2e.ports import free_port
from tests.venues.ib.rig import rig, trading

pytestmark = pytest.mark.slow


class SaysNothing(asyncio.Protocol):
    """Takes a connection and lets it be."""

    def __init__(self, arrived: asyncio.Queue[object]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._arrived.put_nowait(transport.get_extra_info("peername"))


class HangsUp(SaysNothing):
    """Closes every connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.abort()


class SpeaksHttp(SaysNothing):
    """Does not understand TWS's first words."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.transport.close()


async def why_no_line(port: int, *, seconds: float = 0.7) -> str:
    """What is said where no line comes up."""
    settings = SessionSettings(port=port, connect_seconds=0.4, pause_seconds=0.05, pause_cap_seconds=0.1)
    session = Session("ib", settings, time.time_ns)
    async with session.held():
        with pytest.raises(VenueUnreachable) as caught:
            await session.wait_up(seconds)
        return str(caught.value)


@asynccontextmanager
async def a_server(kind: type[SaysNothing]) -> AsyncIterator[int]:
    """Something that is no TWS."""
    made: list[SaysNothing] = []
    arrived: asyncio.Queue[object] = asyncio.Queue()

    def make() -> SaysNothing:
        made.append(kind(arrived))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        # A server of asyncio never closes what it is still accepting when it is closed itself. One more
        # connection is the last of all: once it has arrived, so have the others.
        with socket.create_connection(("127.0.0.1", port)) as last:
            while await arrived.get() != last.getsockname():
                pass
        server.close()
        for each in made:
            each.transport.abort()
        await server.wait_closed()


async def test_neither_library_is_installed() -> None:
    with pytest.raises(ConfigError, match=r"needs the extra \[ib\]: run `pip install"):
        load_library(names=("no_such_library", "nor_this_one"))


async def test_tws_does_not_run() -> None:
    port = free_port()
    said = await why_no_line(port)
    assert said.startswith(f"nothing listens at 127.0.0.1:{port}: start TWS or IB Gateway")


async def test_another_program_listens_at_the_port() -> None:
    async with a_server(SpeaksHttp) as port:
        assert "check that the port is TWS's" in await why_no_line(port)


async def test_the_api_is_disabled_or_this_address_not_trusted() -> None:
    async with a_server(HangsUp) as port:
        assert "Enable ActiveX and Socket Clients" in await why_no_line(port)


async def test_tws_is_not_logged_in() -> None:
    async with a_server(SaysNothing) as port:
        assert "log in, confirm its dialogs" in await why_no_line(port)


async def test_the_client_id_is_in_use_and_is_taken_once_it_is_free() -> None:
    async with trading() as rigged:
        settings = msgspec.structs.replace(rigged.session.settings, pause_cap_seconds=0.1)
        second = Session("ib", settings, time.time_ns)
        async with second.held():
            with pytest.raises(VenueUnreachable, match="client id 17 is in use: end the other program"):
                await second.wait_up(0.7)
            await rigged.stop()
            await second.wait_up(5.0)


async def test_a_contract_that_ib_does_not_know_and_one_that_it_knows_twice() -> None:
    async with rig(symbols=("AAPL C 240", "AAPL P 240")) as rigged, rigged.session.held():
        await rigged.session.wait_up(5.0)
        with pytest.raises(ConfigError, match="IB knows no contract NOPE: mend the name, or describe it"):
            await rigged.directory.find(["NOPE"])
        twice = Directory(rigged.session, {"AAPL": ContractSpec(sec_type="OPT", symbol="AAPL")})
        with pytest.raises(ConfigError, match=r"2 contracts are called AAPL .*: say which under "):
            await twice.find(["AAPL"])


@pytest.mark.parametrize(
    ("accounts", "wanted", "is_paper", "said"),
    [
        (("DU1",), "DU2", True, "TWS manages DU1, not DU2: log TWS in as the right user, or mend account_id"),
        (("DU1", "DU2"), None, True, "TWS manages DU1, DU2: write account_id into the account's section"),
        (("U1",), "U1", True, "U1 is an account with real money: set `mode` to fit, or log TWS in"),
        (("DU1",), "DU1", False, "DU1 is a paper account: set `mode` to fit, or log TWS in"),
    ],
)
def test_another_account_than_configured(
    accounts: tuple[str, ...], wanted: str | None, is_paper: bool, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_account(accounts, wanted, is_paper=is_paper)
    assert str(caught.value).startswith(said)


async def test_the_api_is_read_only() -> None:
    async with trading() as rigged:
        rigged.tws.sessions.switches = Switches(is_read_only=True)
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(RejectReport))
        assert "untick Configure > API > Settings > Read-Only API" in rigged.told.all(RejectReport)[0].text
