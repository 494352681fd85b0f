"""`tickerd run`: trade until told to stop."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json

if TYPE_CHECKING:
    from daemon.service import Service

EXAMPLE = "tickerd run configs/binance-paper.toml --state state"


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from daemon.kill_signal import hold_signal

    hold_signal()
    import uvloop

    from daemon.logs import set_up_logging

    loaded = load(args)
    daemon = loaded.config.daemon
    set_up_logging(level=daemon.log_level, format=daemon.log_format, environ=os.environ)
    summary: dict[str, Any] = uvloop.run(_serve(loaded.config))
    if args.json:
        print_json(summary)
    return 0


async def _serve(config: Any) -> dict[str, Any]:
    """Run the service. SIGTERM or SIGINT stops it gracefully, a second one at once; SIGUSR1 halts trading."""
    import asyncio
    import signal

    from daemon.kill_signal import release_signal

    service = _load_service()(config, os.environ)
    task = asyncio.current_task()
    assert task is not None, "uvloop runs a coroutine as a task"

    def on_signal() -> None:
        if service.stop.is_set():
            os._exit(1)  # as a crash would: the next start recovers
        service.stop.set()
        if not service.is_trading:
            task.cancel()  # still starting, perhaps waiting for a venue: there is nothing to wind down

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGUSR1, service.kill_watch.on_signal)
    release_signal()
    try:
        return await service.run()
    except asyncio.CancelledError:
        if not service.stop.is_set():
            raise
        return {"session": None, "state": config.daemon.state, "inputs": 0, "orders": 0, "fills": 0}
    except BaseExceptionGroup as group:
        raise first_of(group) from group


def _load_service() -> type[Service]:
    """Load everything that stays for good, and keep the garbage collector from looking through it again.

    While it is loaded nothing is garbage: looking costs a sixth of a start. Later it would lengthen the
    pauses of trading.
    """
    import gc

    gc.disable()
    from daemon.service import Service

    gc.freeze()
    gc.enable()
    return Service


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that made the others: the first leaf."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
