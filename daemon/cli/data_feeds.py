"""`tickerd data download` and `tickerd data record`: what comes over the network into the catalogue."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from daemon.cli.common import print_json

if TYPE_CHECKING:
    from daemon.research.data.downloading import Downloaded
    from daemon.research.data.recording import Recorder


def download(args: Namespace) -> int:
    """Fetch history of all symbols, one after the other."""
    from actors.model.intervals import parse_interval
    from daemon.cli.common import time_of
    from daemon.cli.tables import table
    from daemon.research.data.catalogue import Series
    from daemon.research.data.overview import iso

    start, end = time_of(args.start, "--from"), time_of(args.end, "--to")
    assert start is not None, "required"
    _must_have_been(args, start, end)
    interval = parse_interval(args.interval) if args.kind == "bars" else None
    args.market = _market(args)
    venue = args.venue or ("binance" if args.market == "spot" else "binance-usdm")
    wanted = [Series(f"{symbol.upper()}@{venue}", args.kind, interval) for symbol in args.symbols]
    done = asyncio.run(_download(args, wanted, start, end))
    rows = [
        {
            "series": str(each.series),
            "fetched": each.rows,
            "first": iso(each.first) if each.first is not None else None,
            "last": iso(each.last) if each.last is not None else None,
        }
        for each in done
    ]
    if args.json:
        print_json({"downloaded": rows})
    else:
        print(table(rows))
    return 0


def _must_have_been(args: Namespace, start: int, end: int | None) -> None:
    """Refuse a range that holds nothing yet, or nothing ever."""
    from actors.errors import UsageError
    from daemon.clock import Clock

    if end is not None and start >= end:
        raise UsageError(f"--from {args.start} is not before --to {args.end}: correct one of them")
    if start >= Clock().now():
        raise UsageError(f"--from {args.start} is in the future: there is no history yet, begin earlier")


def _market(args: Namespace) -> str:
    from actors.errors import UsageError

    if args.kind == "funding" and args.market == "spot":
        raise UsageError("only perpetuals are funded: leave --market out, or write --market usdm")
    if args.single and (args.kind != "trades" or args.market == "usdm"):
        raise UsageError("--single goes with --kind trades of the spot market: leave it out elsewhere")
    return str(args.market or ("usdm" if args.kind == "funding" else "spot"))


async def _download(args: Namespace, wanted: list[Any], start: int, end: int | None) -> list[Downloaded]:
    from actors.errors import UsageError
    from actors.venues.binance.history import ADDRESSES, BinanceHistory
    from daemon.cli.data import catalogue_of
    from daemon.cli.progress import progress_bar
    from daemon.clock import Clock
    from daemon.research.data.downloading import download as fetch

    url = args.base_url or ADDRESSES[args.market]
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url {url!r} is no address: write one as https://testnet.binance.vision")
    history = BinanceHistory(rest_url=url, clock=Clock().now, market=args.market)
    found = []
    try:
        for series in wanted:
            is_watched = sys.stderr.isatty() and not args.json
            until = end or await history.now()
            with progress_bar(str(series), is_watched, until_ns=until, noun="rows") as progress:
                done = await fetch(
                    history, catalogue_of(args), series, start, end, progress, single=args.single
                )
                found.append(done)
    finally:
        await history.close()
    return found


def record(args: Namespace) -> int:
    """Run the feeds of a configuration until stopped."""
    from daemon.cli.tables import table

    args.file = None
    recorder = asyncio.run(_record(args))
    rows = [{"series": str(series), "rows": count} for series, count in recorder.rows.items()]
    if args.json:
        print_json({"recorded": rows})
    else:
        print(table(rows, empty="nothing came"))
    return 0


async def _record(args: Namespace) -> Recorder:
    import signal

    from daemon.cli.common import load
    from daemon.cli.data import catalogue_of
    from daemon.logs import set_up_logging
    from daemon.research.data.recording_feeds import record_feeds

    config = load(args).config
    set_up_logging(level=config.daemon.log_level, format=config.daemon.log_format, environ=os.environ)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if args.seconds is not None:
        loop.call_later(args.seconds, stop.set)
    return await record_feeds(config, catalogue_of(args), args.instrument, book=args.book, stop=stop)
