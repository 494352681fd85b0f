"""`tickerd exchange`: a venue of one's own behind Binance's Spot protocol."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.exchange.ib.server import IbServer
    from daemon.exchange.server import ExchangeServer
    from daemon.exchange.settings import ExchangeSettings

EXAMPLE = "tickerd exchange --synthetic --seed 7 --symbols BTCUSDT,ETHUSDT --port 8700 --admin-port 8701"


def add_arguments(parser: ArgumentParser) -> None:
    """Market, accounts, ports."""
    parser.add_argument(
        "--protocol",
        choices=("binance", "ib"),
        default="binance",
        help="binance: Spot; ib: a TWS for Interactive Brokers' clients (default: %(default)s)",
    )
    market = parser.add_mutually_exclusive_group()
    market.add_argument(
        "--synthetic", action="store_true", help="a market out of a seed (the default without --data)"
    )
    market.add_argument(
        "--data", nargs="+", type=Path, metavar="FILE", help="a market out of raw Binance Spot captures"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic market (default: 0)")
    parser.add_argument(
        "--symbols",
        default="",
        help="symbols of the synthetic market (default: BTCUSDT,ETHUSDT; AAPL,MSFT,ES,EUR.USD of a TWS)",
    )
    parser.add_argument(
        "--hours",
        metavar="0930-1600",
        help="when a TWS's exchanges are open, on weekdays in their own zone (default: always)",
    )
    parser.add_argument(
        "--rate", type=float, default=50.0, help="synthetic quotes a second, all symbols (default: 50)"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the market runs (default: 1)")
    parser.add_argument(
        "--at-end", choices=("loop", "stay"), default="loop", help="when the captures end (default: loop)"
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME:KEY:SECRET:ASSET=AMOUNT,…",
        help="an account; may be repeated (default: demo, demo-key, demo-secret; 100000 USDT, 1 BTC, 10 ETH)",
    )
    parser.add_argument(
        "--profile",
        choices=("default", "fast"),
        default="default",
        help="limits: the venue's, or none to speak of",
    )
    _add_addresses(parser)


def _add_addresses(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=0, help="REST, streams and WebSocket API (default: a free one)"
    )
    parser.add_argument(
        "--admin-port", type=int, default=0, help="faults, money, truth (default: a free one)"
    )
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="append everything that happens to this file"
    )


def run(args: Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    import uvloop

    if args.protocol == "ib":
        from daemon.cli.exchange_ib import serve

        return uvloop.run(serve(args))
    settings = settings_of(args)
    return uvloop.run(_serve(settings))


def settings_of(args: Namespace) -> ExchangeSettings:
    """What the arguments ask for.

    Raises:
        UsageError: A value cannot be used.
    """
    from daemon.exchange.settings import (
        DEMO_ACCOUNT,
        PROFILES,
        ExchangeSettings,
        Recorded,
        Synthetic,
        parse_account,
    )

    check_numbers(args)
    market = (
        Recorded(files=tuple(args.data), at_end=args.at_end)
        if args.data
        else Synthetic(seed=args.seed, rate=args.rate)
    )
    return ExchangeSettings(
        market=market,
        symbols=tuple(filter(None, (args.symbols or "BTCUSDT,ETHUSDT").upper().split(","))),
        speed=args.speed,
        accounts=tuple(parse_account(text) for text in args.account) or (DEMO_ACCOUNT,),
        profile=PROFILES[args.profile],
        host=args.host,
        port=args.port,
        admin_port=args.admin_port,
        truth=args.truth,
    )


def check_numbers(args: Namespace) -> None:
    """Rate, speed and ports.

    Raises:
        UsageError: One cannot be used.
    """
    from actors.errors import UsageError

    if not 0 < args.rate <= 10_000:
        raise UsageError(f"--rate is {args.rate}: write a number above 0, at most 10000")
    if not args.speed > 0:
        raise UsageError(f"--speed is {args.speed}: write a number above 0, 1 for real time")
    for name, port in (("--port", args.port), ("--admin-port", args.admin_port)):
        if not 0 <= port <= 65_535:
            raise UsageError(f"{name} is {port}: write a number from 0 (a free one) to 65535")


async def _serve(settings: ExchangeSettings) -> int:
    from daemon.exchange.server import ExchangeServer

    return await serve_until_stopped(ExchangeServer(settings))


async def serve_until_stopped(server: ExchangeServer | IbServer) -> int:
    """Serve until SIGTERM or SIGINT; the first line on stdout says where.

    Raises:
        UsageError: A port that cannot be listened on.
    """
    import asyncio
    import signal

    from actors.errors import UsageError
    from daemon.cli.common import print_json

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with server as exchange:
            print_json({"ready": True, "port": exchange.port, "admin_port": exchange.admin_port})
            await exchange.wait(stop)
    except OSError as error:
        raise UsageError(
            f"cannot listen ({error.strerror}): choose another --port or --admin-port"
        ) from error
    return 0
