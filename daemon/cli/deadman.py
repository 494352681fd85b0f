"""`tickerd deadman`: a small process that alerts, and may cancel, when the daemon's heartbeat stops."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from daemon.cli.common import add_config_arguments, load
from daemon.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from daemon.config import Config

EXAMPLE = "tickerd deadman --config tickerd.toml --set deadman.cancel_orders=true"


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)


def run(args: Namespace) -> int:
    import asyncio

    from actors.errors import ConfigError
    from daemon.logs import set_up_logging

    config = load(args).config
    daemon = config.daemon
    set_up_logging(level=daemon.log_level, format=daemon.log_format, environ=os.environ)
    if not config.alerts.channels() and not config.deadman.cancel_orders:
        raise ConfigError(
            "the dead-man could tell nobody: add a channel such as [alerts.webhook.desk], or set "
            "deadman.cancel_orders"
        )
    asyncio.run(_watch(config))
    return ExitCode.DONE


async def _watch(config: Config) -> None:
    import asyncio
    import signal
    import time

    from daemon.alert_channels.build import make_channels
    from daemon.alert_routing import Alert
    from daemon.alerts import deliver_now, wanted_by
    from daemon.deadman import Deadman
    from daemon.deadman_cancels import cancel_everything
    from daemon.edges import make_emergency
    from daemon.notify import Notifier
    from daemon.startup import state_path

    # Whatever is missing is found now, not on the day it is needed.
    for channel in make_channels(config.alerts, os.environ).values():
        await channel.close()
    if config.deadman.cancel_orders:
        for name, section in config.accounts.items():
            if section.mode != "paper":
                await make_emergency(config, name, clock=time.time_ns, environ=os.environ).close()

    async def tell(alert: Alert) -> None:
        names = wanted_by(config.alerts, alert)
        await deliver_now(alert, config.alerts, environ=os.environ, names=names, attempts=10)

    stop, notifier = asyncio.Event(), Notifier(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def alive(status: str) -> None:
        notifier.send("WATCHDOG=1", f"STATUS={status}")

    deadman = Deadman(
        state_path(config),
        config.deadman,
        tell=tell,
        act=(lambda: cancel_everything(config, os.environ)) if config.deadman.cancel_orders else None,
        alive=alive,
        now_ns=time.time_ns,
    )
    notifier.ready("watching")
    await deadman.run(stop)
    notifier.close()
