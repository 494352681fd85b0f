"""`tickerd exchange --protocol ib`: a TWS of one's own."""

from __future__ import annotations

from argparse import Namespace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.exchange.ib.settings import IbSettings
    from daemon.exchange.settings import ExchangeAccount


async def serve(args: Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    from daemon.cli.exchange import serve_until_stopped
    from daemon.exchange.ib.server import IbServer

    return await serve_until_stopped(IbServer(settings_of(args)))


def settings_of(args: Namespace) -> IbSettings:
    """What the arguments ask for.

    Raises:
        UsageError: A value cannot be used.
    """
    from actors.errors import UsageError
    from daemon.cli.exchange import check_numbers
    from daemon.exchange.ib.contracts import ALWAYS
    from daemon.exchange.ib.settings import IbSettings
    from daemon.exchange.settings import Synthetic

    check_numbers(args)
    if args.data:
        raise UsageError("--data holds Binance captures: leave it out with --protocol ib")
    hours = ALWAYS
    if args.hours:
        opens, _, closes = args.hours.partition("-")
        if not all(len(text) == 4 and text.isdigit() and text < "2400" for text in (opens, closes)):
            raise UsageError(f"--hours is {args.hours!r}: write opening and close as in 0930-1600")
        hours = opens, closes
    defaults = IbSettings()
    return IbSettings(
        market=Synthetic(seed=args.seed, rate=args.rate),
        symbols=tuple(filter(None, args.symbols.split(","))) or defaults.symbols,
        speed=args.speed,
        accounts=tuple(_account(text) for text in args.account) or defaults.accounts,
        hours=hours,
        host=args.host,
        port=args.port,
        admin_port=args.admin_port,
        truth=args.truth,
    )


def _account(text: str) -> ExchangeAccount:
    """`DU1000001:USD=100000,AAPL=10`."""
    from actors.errors import UsageError
    from daemon.exchange.settings import ExchangeAccount

    name, _, holdings = text.partition(":")
    try:
        balances = {
            asset: Decimal(amount)
            for asset, _, amount in (part.partition("=") for part in holdings.split(",") if part)
        }
    except InvalidOperation:
        balances = {}
    if not name or not balances or not all(amount.is_finite() for amount in balances.values()):
        raise UsageError(f"account {text!r} is not NAME:ASSET=AMOUNT,…; write DU1000001:USD=100000")
    return ExchangeAccount(name=name, key="", secret="", balances=balances)
