"""What no single value can be wrong about: names that must exist elsewhere, and what a mode requires."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec

from actors.errors import ConfigError
from actors.model.intervals import parse_interval
from actors.risk.limits import RiskLimits, StrategyLimits
from actors.risk.stored_limits import FRACTIONS
from actors.venues.simulated.settings_checks import (
    account_doubts,
    account_faults,
    market_doubts,
    market_faults,
)
from daemon.alert_settings import check_alerts
from daemon.config import AccountSection, Config, StrategySection
from daemon.config_files import KeyPath
from daemon.config_types import Misplaced, nearest
from daemon.secret import check_secret_name

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_config(config: Config) -> None:
    """Check what the types alone do not say.

    Raises:
        Misplaced: The first thing that is wrong.
    """
    for name, venue in config.venues.items():
        for field, schemes in (
            ("rest_url", ("http", "https")),
            ("stream_url", ("ws", "wss")),
            ("trading_url", ("ws", "wss")),
        ):
            url = urlsplit(getattr(venue, field))
            if url.scheme not in schemes or not url.hostname:
                raise Misplaced(
                    ("venues", name, field), f"must be an address that starts with {schemes[1]}://"
                )
        for keys, why in market_faults(venue.simulated):
            raise Misplaced(("venues", name, "simulated", *keys), why)
    for name, instrument in config.instruments.items():
        _check_venue_of(config, name, ("instruments", name))
        if config.venues[name.rpartition("@")[2]].kind == "simulated":
            for field in ("base", "quote"):
                if not getattr(instrument, field):
                    raise Misplaced(("instruments", name, field), "is missing: name the asset, such as USD")
        for field in ("tick_size", "lot_size", "multiplier"):
            if getattr(instrument, field) <= 0:
                raise Misplaced(("instruments", name, field), "must be greater than 0")
    for name, account in config.accounts.items():
        _check_account(config, account, ("accounts", name))
    for name, strategy in config.strategies.items():
        _check_strategy(config, strategy, ("strategies", name))
    check_alerts(config.alerts)
    for field in ("equity_interval", "loss_interval"):
        _check_interval(getattr(config.backtest, field), ("backtest", field))
    for number, data in enumerate(config.backtest.data):
        place = ("backtest", "data", str(number))
        _check_venue_of(config, data.instrument, (*place, "instrument"))
        if data.interval is not None:
            _check_interval(data.interval, (*place, "interval"))


def _check_account(config: Config, account: AccountSection, place: KeyPath) -> None:
    _check_known(account.venue, config.venues, "venue", (*place, "venue"))
    for field in ("api_key", "api_secret"):
        if (name := getattr(account, field)) is not None:
            try:
                check_secret_name(name)
            except ConfigError as error:
                raise Misplaced((*place, field), str(error)) from None
    for number, instrument in enumerate(account.limits.allowed_instruments or ()):
        _check_venue_of(config, instrument, (*place, "limits", "allowed_instruments", str(number)))
    _check_limits(account.limits, (*place, "limits"))
    _check_margin_limits(config, account, (*place, "limits"))
    if account.time_zone not in available_timezones():
        advice = nearest(account.time_zone, available_timezones())
        raise Misplaced((*place, "time_zone"), f"{account.time_zone!r} is no time zone, {advice}")
    for keys, why in account_faults(account.simulated):
        raise Misplaced((*place, "simulated", *keys), why)
    currency = account.simulated.margin.currency
    if account.simulated.account_type == "margin" and currency != account.base_currency:
        why = f"{currency!r} is not the account's base_currency {account.base_currency!r}: they must agree"
        raise Misplaced((*place, "simulated", "margin", "currency"), why)
    if account.mode != "paper":
        _check_real_account(config, account, place)


def _check_margin_limits(config: Config, account: AccountSection, place: KeyPath) -> None:
    limits = account.limits
    if limits.margin_check and not config.answers_margin(account):
        why = f"{account.venue} does not say what an order would do to the margin: leave it off"
        if account.mode == "paper":
            why = 'a cash account has no margin: leave it off, or set simulated.account_type = "margin"'
        raise Misplaced((*place, "margin_check"), why)
    for field in ("excess_liquidity_min", "margin_cushion_min"):
        if getattr(limits, field) is not None and not limits.margin_check:
            raise Misplaced((*place, field), "nobody asks for the figures: set margin_check = true")


def _check_limits(limits: RiskLimits | StrategyLimits, place: KeyPath) -> None:
    for field, limit in msgspec.structs.asdict(limits).items():
        if field == "market_margin" and limit == 0:
            continue  # market orders count at the touch itself
        if isinstance(limit, bool):
            continue
        if isinstance(limit, int | float | Decimal) and limit <= 0:
            raise Misplaced((*place, field), f'{limit} is not greater than 0; "off" switches it off')
        if field in FRACTIONS and limit is not None and limit >= 1:
            raise Misplaced((*place, field), f"{limit} is not a fraction below 1, write 0.2 for 20 %")


def _check_real_account(config: Config, account: AccountSection, place: KeyPath) -> None:
    """What an account at a real venue must say before any order may leave."""
    if config.venues[account.venue].kind == "simulated":
        raise Misplaced(
            (*place, "mode"), f'a simulated venue takes no {account.mode} orders, use mode = "paper"'
        )
    for field in ("rest_url", "trading_url"):
        url = urlsplit(getattr(config.venues[account.venue], field))
        if url.scheme in ("http", "ws") and url.hostname not in LOOPBACK:
            raise Misplaced(
                ("venues", account.venue, field),
                f"sends keys unencrypted to another machine, use {url.scheme}s://",
            )
    secrets = () if config.venues[account.venue].kind == "ib" else ("api_key", "api_secret")
    needed = ("account_id", *secrets) if account.mode == "live" else secrets
    for field in needed:
        if not getattr(account, field):
            what = "the venue's own account id" if field == "account_id" else "the name of the secret"
            raise Misplaced(place, f'mode = "{account.mode}" needs {field}: add {what}')


def _check_strategy(config: Config, strategy: StrategySection, place: KeyPath) -> None:
    _check_known(strategy.account, config.accounts, "account", (*place, "account"))
    module, colon, cls = strategy.use.rpartition(":")
    if not colon or not module or not cls.isidentifier():
        raise Misplaced(
            (*place, "use"),
            f"{strategy.use!r} names no strategy: write package.module:Class or path/file.py:Class",
        )
    if not strategy.instruments:
        raise Misplaced((*place, "instruments"), "is empty: name at least one, such as BTCUSDT@binance")
    venue = config.accounts[strategy.account].venue
    for number, instrument in enumerate(strategy.instruments):
        where = (*place, "instruments", str(number))
        _check_venue_of(config, instrument, where)
        at = instrument.rpartition("@")[2]
        if at != venue:
            raise Misplaced(
                where,
                f"{instrument} is not traded by account {strategy.account!r}, which is at venue {venue!r}",
            )
        if config.venues[at].kind == "simulated" and instrument not in config.instruments:
            raise Misplaced(
                where,
                f'{instrument} is not defined: add a table [instruments."{instrument}"] with base and quote',
            )
    for number, bars in enumerate(strategy.bars):
        _check_interval(bars, (*place, "bars", str(number)))
    _check_limits(strategy.limits, (*place, "limits"))
    if strategy.sizing.amount <= 0:
        raise Misplaced((*place, "sizing", "amount"), f"{strategy.sizing.amount} is not greater than 0")


def _check_venue_of(config: Config, instrument: str, place: KeyPath) -> None:
    symbol, _, venue = instrument.rpartition("@")
    if not symbol or not venue:
        raise Misplaced(
            place, f"{instrument!r} is no instrument: write SYMBOL@venue, such as BTCUSDT@binance"
        )
    _check_known(venue, config.venues, "venue", place)


def _check_known(name: str, known: Iterable[str], kind: str, place: KeyPath) -> None:
    names = list(known)
    if name not in names:
        advice = nearest(name, names) if names else f"add a table [{kind}s.{name}]"
        raise Misplaced(place, f"there is no {kind} {name!r}, {advice}")


def _check_interval(text: str, place: KeyPath) -> None:
    try:
        parse_interval(text)
    except ConfigError as error:
        raise Misplaced(place, str(error)) from None


def doubts_about(config: Config) -> list[str]:
    """What is allowed and probably not meant."""
    found = []
    for name, venue in config.venues.items():
        for keys, why in market_doubts(venue.simulated):
            found.append(f"venues.{name}.simulated.{'.'.join(keys)} {why}")
    for name, account in config.accounts.items():
        place = f"accounts.{name}"
        for keys, why in account_doubts(account.simulated):
            found.append(f"{place}.simulated.{'.'.join(keys)} {why}")
        if account.mode == "paper" and not any(account.simulated.opening_balances.values()):
            found.append(f"{place}.simulated.opening_balances is empty: without money the account cannot buy")
        if account.mode == "live" and account.limits.order_notional_max is None:
            found.append(
                f"{place}.limits.order_notional_max is off: one order may be as large as the account"
            )
        if account.mode == "live" and account.durability == "process-crash":
            found.append(
                f"{place}.durability: after a power loss what was sent may be missing from the record"
            )
        if not any(strategy.account == name for strategy in config.strategies.values()):
            found.append(f"{place}: no strategy trades it")
    for name, venue in config.venues.items():
        is_live = any(each.venue == name and each.mode == "live" for each in config.accounts.values())
        if venue.kind == "ib" and is_live and not venue.tws.restarts.planned:
            found.append(
                f"venues.{name}.tws.restarts.planned is empty: say when the gateway restarts, so that no "
                "order is sent into it and its outage is no alarm"
            )
    if config.http.port >= 0 and config.http.host not in LOOPBACK:
        found.append(f"http.host: {config.http.host} shows positions and equity to whoever can reach it")
    return found
