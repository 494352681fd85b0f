"""What the dead-man does about open orders: panic's way, without selling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import structlog

from actors.errors import TradingError
from actors.venues.backoff import Backoff
from daemon.config import Config
from daemon.edges import make_emergency
from daemon.panic import Fence, Panic, Report
from daemon.panic_orders import orders_for
from daemon.startup import state_path

log = structlog.get_logger(__name__)

TERM_SECONDS = 2.0
"""A process that has not moved for so long hardly answers to SIGTERM."""
TRIES_SECONDS = 900.0


async def cancel_everything(config: Config, environ: Mapping[str, str]) -> str:
    """Set the kill switch, end the daemon, cancel all orders of every account; say what was done.

    An account that cannot be reached is tried again for a quarter of an hour.
    """
    names = [name for name, section in config.accounts.items() if section.mode != "paper"]
    begun = Report(account=", ".join(names))
    fence = await asyncio.to_thread(
        Fence,
        state_path(config),
        begun,
        _say,
        reason="tickerd deadman: the heartbeat stopped",
        term_seconds=TERM_SECONDS,
    )
    try:
        said = await asyncio.gather(*(_cancel_account(config, name, environ) for name in names))
    finally:
        fence.release()
    holder = begun.holder.text if begun.holder is not None else ""
    return "; ".join(["kill switch set" if begun.kill_switch else begun.problems[0], holder, *said])


async def _cancel_account(config: Config, name: str, environ: Mapping[str, str]) -> str:
    backoff, give_up = Backoff(), time.monotonic() + TRIES_SECONDS
    while True:
        report = Report(account=name)
        try:
            emergency = make_emergency(config, name, clock=time.time_ns, environ=environ)
            orders = orders_for(config, name, keep={}, cancel_only=True)
            try:
                panic = Panic(emergency, orders, report, _say, time.time_ns() // 1_000_000)
                await panic.run(may_sell=False)
            finally:
                await emergency.close()
        except TradingError as error:
            report.problems.append(str(error))
        if report.is_done:
            return f"{name}: {len(report.cancelled)} orders cancelled, none open"
        if time.monotonic() >= give_up:
            return f"{name}: NOT all orders cancelled: {'; '.join(report.problems) or 'some are still open'}"
        await asyncio.sleep(backoff.next())


def _say(text: str) -> None:
    log.warning("dead-man", did=text)
