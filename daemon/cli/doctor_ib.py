"""What `tickerd doctor` asks a TWS: is it there, does it take orders, has it the account, the contracts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from actors.errors import ConfigError, TradingError, VenueUnreachable
from actors.venues.ib.contracts import Listed
from actors.venues.ib.directory import Directory
from actors.venues.ib.reasons import READ_ONLY, RequestFailed, check_account
from actors.venues.ib.session import Session
from actors.venues.ib.what_if import ask_what_if
from daemon.cli.doctor_checks import Finding
from daemon.config import Config
from daemon.graph import is_paper, traded_instruments

WAIT_SECONDS = 8.0


def tws_answers(name: str, config: Config) -> list[Finding]:
    """All findings about one venue of `kind = "ib"`."""

    async def collect() -> list[Finding]:
        return [finding async for finding in _ask(name, config)]

    return asyncio.run(collect())


async def _ask(name: str, config: Config) -> AsyncIterator[Finding]:
    subject = f"venue {name}"
    tws = config.venues[name].tws
    session = Session(name, msgspec.structs.replace(tws, connect_seconds=WAIT_SECONDS - 2), time.time_ns)
    try:
        async with session.held():
            await _tried(session)
            yield Finding(subject, "ok", f"TWS at {tws.host}:{tws.port} takes client id {tws.client_id}")
            async for finding in _about(subject, session, config):
                yield finding
    except ConfigError as error:
        yield Finding(subject, "fail", str(error))
    except VenueUnreachable as error:
        yield Finding(subject, "fail", str(error))


async def _tried(session: Session) -> None:
    """Until the line is up or the first attempt has failed: what is wrong then will not mend itself soon.

    Raises:
        VenueUnreachable: With the reason.
    """
    waiting = asyncio.create_task(session.wait_up(WAIT_SECONDS))
    failing = asyncio.create_task(session.outage.told.wait())
    try:
        await asyncio.wait((waiting, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise VenueUnreachable(session.outage.reason)
        waiting.result()
    finally:
        waiting.cancel()
        failing.cancel()


async def _about(subject: str, session: Session, config: Config) -> AsyncIterator[Finding]:
    await asyncio.sleep(0.2)  # the first heartbeat has been answered by then
    if session.offset_ms:
        yield Finding(
            subject, "warn", f"its clock minus ours is {session.offset_ms:+d} ms: set this machine's clock"
        )
    for account, section in config.accounts.items():
        if section.venue != session.venue or is_paper(section):
            continue
        try:
            found = check_account(session.accounts, section.account_id, is_paper=section.mode != "live")
            yield Finding(f"account {account}", "ok", f"{found} at TWS")
        except ConfigError as error:
            yield Finding(f"account {account}", "fail", str(error))
            continue
        listed = await _contracts(session, config)
        for finding in listed[1]:
            yield finding
        if listed[0]:
            yield await _what_if(f"account {account}", session, found, listed[0][0])


async def _contracts(session: Session, config: Config) -> tuple[list[Listed], list[Finding]]:
    directory = Directory(session, config.venues[session.venue].tws.contracts)
    found: list[Listed] = []
    findings: list[Finding] = []
    for instrument in traded_instruments(config).get(session.venue, ()):
        try:
            (listed,) = await directory.find([instrument.partition("@")[0]])
        except TradingError as error:
            findings.append(Finding(instrument, "fail", str(error)))
            continue
        found.append(listed)
        contract = listed.contract
        text = f"{contract.localSymbol} {contract.exchange} {contract.currency}, con_id {contract.conId}"
        findings.append(Finding(instrument, "ok", f"{text}, tick {listed.instrument.tick_size}"))
    return found, findings


async def _what_if(subject: str, session: Session, account: str, listed: Listed) -> Finding:
    """A question that only a TWS which takes orders answers; nothing is placed."""
    library = session.library
    assert library is not None
    order: Any = library.Order(
        action="BUY", totalQuantity=float(listed.instrument.quantity_min), orderType="MKT", tif="DAY",
        account=account,
    )  # fmt: skip
    try:
        figures, _ = await ask_what_if(session, listed.contract, order)
    except RequestFailed as error:
        if READ_ONLY in str(error):
            return Finding(subject, "fail", READ_ONLY)
        return Finding(subject, "warn", f"TWS does not say what an order would cost: {error}")
    margin = f"one {listed.instrument.id} needs {figures.initial_change:f} margin"
    return Finding(subject, "ok", f"takes orders; {margin}")
